"""What benchmarks have measured: as JSON, as a page with a plot, and as a table for the documentation."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fredholm.bench.side_by_side import Figure
from fredholm.evaluation.machine import machine, versions
from fredholm.evaluation.page import Page, Section, Table, figure_png, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture


@dataclass(frozen=True)
class PartResult:
    """The figures of one part, or why there are none."""

    name: str
    figures: tuple[Figure, ...]
    seconds: float
    obstacle: str | None = None


@dataclass(frozen=True)
class BenchReport:
    """Results of several parts in one run.

    >>> figure = Figure("step", 2.5, "times as fast", {"fredholm": 2.0, "peer": 5.0}, "ms", at_least=2.0)
    >>> print(BenchReport((PartResult("fno", (figure,), 1.0),), threads=2, rounds=7).markdown())
    | part | what | measured | target | readings |
    |---|---|---|---|---|
    | fno | step | 2.5 times as fast | at least 2 | fredholm 2 ms, peer 5 ms |
    """

    parts: tuple[PartResult, ...]
    threads: int
    rounds: int

    @property
    def short(self) -> list[tuple[str, Figure]]:
        """The figures that miss their targets, with their parts."""
        return [(part.name, figure) for part in self.parts for figure in part.figures if not figure.holds]

    def to_json(self) -> dict[str, Any]:
        """Everything, with the machine and the versions."""
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine(),
            "versions": versions(),
            "threads": self.threads,
            "rounds": self.rounds,
            "parts": {
                part.name: {
                    "figures": [asdict(figure) | {"holds": figure.holds} for figure in part.figures],
                    "seconds": round(part.seconds, 1),
                    "obstacle": part.obstacle,
                }
                for part in self.parts
            },
        }

    def markdown(self) -> str:
        """A table with a row for every figure."""
        header = ["| part | what | measured | target | readings |", "|---|---|---|---|---|"]
        return "\n".join([*header, *(f"| {' | '.join(row.values())} |" for row in self.rows())])

    def write(self, directory: Path) -> None:
        """Write bench.json and a self-contained bench.html."""
        write_text(directory / "bench.json", json.dumps(self.to_json(), indent=2, ensure_ascii=False))
        write_text(directory / "bench.html", self.page().html())

    def page(self) -> Page:
        """The report as a page."""
        rows = self.rows()
        table = Table(tuple(rows[0]) if rows else (), [tuple(row.values()) for row in rows])
        judged = [figure for part in self.parts for figure in part.figures if figure.margin is not None]
        verdict = f"{len(judged) - len(self.short)} of {len(judged)} targets hold."
        figures = [figure_png(self.picture())] if judged else []
        facts = {name: str(value) for name, value in {**machine(), **versions(), "threads": self.threads}.items()}
        sections = [Section("Beside the targets", figures=figures), Section("All figures", tables=[table])]
        return Page("Benchmarks", verdict, sections, good=not self.short, facts=facts)

    def picture(self) -> "Picture":
        """How far every judged figure is on the good side of its target, on a logarithmic axis."""
        from matplotlib.figure import Figure as Picture

        judged = [
            (f"{part.name}: {figure.what}", margin)
            for part in self.parts
            for figure in part.figures
            if (margin := figure.margin) is not None
        ]
        picture = Picture(figsize=(9, 1 + 0.28 * len(judged)), layout="constrained")
        axes = picture.subplots()
        names, margins = [name for name, _ in judged], [min(max(margin, 1e-2), 1e2) for _, margin in judged]
        colours = ["#3b6fb6" if margin >= 1 else "#c0504d" for margin in margins]
        axes.barh(range(len(names)), [margin - 1 for margin in margins], left=1, color=colours)
        axes.set_yticks(range(len(names)), names, fontsize="small")
        axes.set_xscale("log")
        axes.axvline(1, color="#555", linewidth=0.8)
        axes.invert_yaxis()
        axes.set_xlabel("margin to the target; right of 1 it holds")
        return picture

    def rows(self) -> list[dict[str, str]]:
        """A row for every figure, and for every part that could not be measured."""
        rows = []
        for part in self.parts:
            if part.obstacle is not None:
                rows.append(_row(part.name, "not measured", part.obstacle, "", ""))
            for figure in part.figures:
                readings = ", ".join(
                    f"{name} {value:.4g} {figure.unit}".rstrip() for name, value in figure.readings.items()
                )
                rows.append(
                    _row(part.name, figure.what, f"{figure.value:.3g} {figure.meaning}", figure.target, readings)
                )
        return rows


def _row(part: str, what: str, measured: str, target: str, readings: str) -> dict[str, str]:
    return {"part": part, "what": what, "measured": measured, "target": target, "readings": readings}
