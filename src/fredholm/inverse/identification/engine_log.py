"""Logs of engines as tables: columns with their units, a row every so often.

    time [s], speed [rpm], fuel [mg/cycle], EGR [%], VGT [%], p_im [kPa], p_em [kPa], omega_t [rpm], W_egr [kg/h]

Units are read from the column's name and converted. What is wrong with a log is told with its line and column, and
nothing is filled in: an estimate from made-up rows would look like any other.
"""

import csv
import math
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import DataError
from fredholm.inverse.identification.engine_record import (
    MEASURED,
    MEASURED_UNITS,
    EngineRecord,
    estimated_deviations,
)
from fredholm.solvers.diesel_engine_parameters import COMMAND_RANGES

_COLUMNS = ("time", *COMMAND_RANGES, *MEASURED)
_UNITS = {
    "time": {"s": 1.0, "ms": 1e-3},
    "speed": {"rpm": 1.0, "1/min": 1.0, "rad/s": 30 / math.pi},
    "fuel": {"mg/cycle": 1.0, "g/cycle": 1e3},
    "EGR": {"%": 1.0, "1": 100.0},
    "VGT": {"%": 1.0, "1": 100.0},
    "p_im": {"Pa": 1.0, "kPa": 1e3, "bar": 1e5},
    "p_em": {"Pa": 1.0, "kPa": 1e3, "bar": 1e5},
    "omega_t": {"rad/s": 1.0, "rpm": math.pi / 30, "1/min": math.pi / 30},
    "W_egr": {"kg/s": 1.0, "g/s": 1e-3, "kg/h": 1 / 3600},
}
_PLAUSIBLE = {"p_im": (5e4, 1e6), "p_em": (5e4, 2e6), "omega_t": (100.0, 2e4), "W_egr": (-0.1, 1.0)}  # medians, SI
_JITTER, _OFF = 0.02, 2e-3  # of the spacing: of one row, and of all
_STEP = 0.005  # s, of the engine's solver


def read_log(path: Path) -> EngineRecord:
    """The record in a CSV file; the noise is estimated from what is measured.

    Raises DataError for a missing column, a unit that is none of its quantity, values that do not look like their unit,
    rows that are no numbers, gaps in time, commands outside the actuators' range, and records too short to tell.
    """
    rows = _rows(path)
    columns = _columns(path, rows[0])
    values = _numbers(path, rows[1:], columns)
    table = {name: factor * values[:, k] for k, (name, (_, factor, _)) in enumerate(columns.items())}
    for name, (lowest, highest) in _PLAUSIBLE.items():
        middle = float(table[name].median())
        if not lowest <= middle <= highest:
            units, written = MEASURED_UNITS[MEASURED.index(name)], columns[name][2]
            raise DataError(
                f"{path}, column {written!r}: its median would be {middle:.4g} {units}, and an engine's is within "
                f"{lowest:g} to {highest:g} {units}: is the unit right?"
            )
    spacing = _spacing(path, table["time"])
    measured = torch.stack([table[name] for name in MEASURED])
    commands = torch.stack([table[name] for name in COMMAND_RANGES])
    return EngineRecord(spacing, commands, measured, estimated_deviations(measured))


def _rows(path: Path) -> list[list[str]]:
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a table: {error}") from error
    if len(rows) < 2:
        raise DataError(f"{path} has no rows below its header")
    return rows


def _columns(path: Path, header: list[str]) -> dict[str, tuple[int, float, str]]:
    """Place, factor to the engine's units and written name of every column."""
    found: dict[str, tuple[int, float, str]] = {}
    for place, written in enumerate(header):
        name, _, rest = written.strip().partition("[")
        if (name := name.strip()) not in _COLUMNS:
            continue
        units = rest.rstrip().removesuffix("]").strip()
        if units not in _UNITS[name]:
            known = ", ".join(_UNITS[name])
            told = f"in {units!r}" if units else "without a unit"
            raise DataError(f"{path}, column {written.strip()!r} is {told}: write it as '{name} [unit]' with {known}")
        found[name] = (place, _UNITS[name][units], written.strip())
    if missing := [name for name in _COLUMNS if name not in found]:
        wanted = ", ".join(f"{name} [{next(iter(_UNITS[name]))}]" for name in missing)
        raise DataError(f"{path} lacks {'a column' if len(missing) == 1 else 'columns'}: {wanted}")
    return {name: found[name] for name in _COLUMNS}


def _numbers(path: Path, rows: list[list[str]], columns: dict[str, tuple[int, float, str]]) -> Float[Tensor, "m c"]:
    table = []
    for line, row in enumerate(rows, start=2):
        numbers = []
        for place, _, written in columns.values():
            try:
                value = float(row[place])
            except (IndexError, ValueError):
                value = math.nan
            if not math.isfinite(value):
                text = row[place] if place < len(row) else ""
                raise DataError(
                    f"{path}, line {line}, column {written!r}: {text!r} is no finite number: cut the log there"
                )
            numbers.append(value)
        table.append(numbers)
    return torch.tensor(table, dtype=torch.float64)


def _spacing(path: Path, times: Float[Tensor, " m"]) -> float:
    apart = times.diff()
    if len(apart) == 0:
        raise DataError(f"{path} has one row: a record has many")
    usual = float(apart.median())
    spacing = max(1, round(usual / _STEP)) * _STEP
    if not usual > 0 or abs(usual - spacing) > _OFF * spacing:
        raise DataError(
            f"{path} has a row every {usual:.4g} s: resample it to a multiple of {_STEP:g} s, such as 0.2 s"
        )
    off = (apart - usual).abs() > max(_JITTER * usual, 1e-9)
    if bool(off.any()):
        row = int(off.nonzero()[0])
        raise DataError(
            f"{path}, line {row + 3}: {float(apart[row]):.4g} s after the row before it, where others are "
            f"{usual:.4g} s apart: a gap; cut the log there"
        )
    return round(spacing, 9)
