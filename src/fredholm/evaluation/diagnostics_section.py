"""Diagnostics as a section of a report: one table for each of slopes, structure, scales and resolutions."""

from fredholm.evaluation.diagnostics import Diagnostics
from fredholm.evaluation.page import Section, Table


def diagnostics_section(found: Diagnostics) -> Section | None:
    """Tables of what was found, each with a sentence that says how to read it; None if nothing was."""
    texts, tables = [], []
    if found.slopes:
        texts.append(
            "Derivative: mean relative error of what a change towards another test input does to the output, then the "
            "largest singular values of the operator's derivative, and what the reference does to the same changes."
        )
        rows = [
            (s.name, _percent(s.error), _numbers(s.singular_values), "" if s.gains is None else _numbers(s.gains))
            for s in found.slopes
        ]
        tables.append(Table(("input", "derivative error", "singular values", "reference along them"), rows))
    if found.defects:
        texts.append(
            "Structure: where the reference's own defect is small, the physics has it, and so should the operator."
        )
        rows_ = [
            (d.name, f"{d.operator:.2g}", "" if d.reference is None else f"{d.reference:.2g}") for d in found.defects
        ]
        tables.append(Table(("defect of", "operator", "reference"), rows_))
    if found.bands:
        texts.append("Scales: relative error by wave number, and how much of the reference's energy lies there.")
        octaves = [(f"{b.lower:g} to {b.upper:g}", _percent(b.error), f"{100 * b.share:.2g} %") for b in found.bands]
        tables.append(Table(("half waves across", "relative error", "share of energy"), octaves))
    if found.resolutions:
        texts.append("Resolutions: mean relative L2 error of the same weights on other grids, over fresh samples.")
        tables.append(Table(("points", "relative L2"), [(n, _percent(e)) for n, e in found.resolutions.items()]))
    return Section("Slopes, structure, scales", texts, tables=tables) if tables else None


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.3g} %"


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
