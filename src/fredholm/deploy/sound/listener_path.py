"""Where a listener goes, and where the two ears are.

A file is a table with a header and a line for each place, times ascending; between them the listener moves straight.

    t,x,y[,z][,heading]      s, m, and degrees counter-clockwise from the x axis; without a heading one looks along y
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.errors import DataError


@dataclass(frozen=True, eq=False)
class ListenerPath:
    """Places (n, d) in m at times in s, and headings in degrees.

    >>> path = ListenerPath(np.array([0.0, 1.0]), np.array([[1.0, 1.0], [1.0, 2.0]]), np.array([90.0, 90.0]))
    >>> path.ears(0.5, spacing=0.2).round(6).tolist()
    [[0.9, 1.5], [1.1, 1.5]]
    """

    times: Float[ndarray, " n"]
    places: Float[ndarray, "n d"]
    headings: Float[ndarray, " n"]

    def __post_init__(self) -> None:
        if not len(self.times) or not (np.diff(self.times) > 0).all():
            raise DataError("the times of a path must ascend, and there must be one place at least")

    def ears(self, time: float, spacing: float) -> Float[ndarray, "2 d"]:
        """Left and right ear, `spacing` m apart; before and after the path the listener stands."""
        here = np.array([np.interp(time, self.times, column) for column in self.places.T])
        heading = math.radians(float(np.interp(time, self.times, self.headings)))
        left = np.zeros(len(here))
        left[:2] = -math.sin(heading), math.cos(heading)
        return np.stack([here + spacing / 2 * left, here - spacing / 2 * left])


def read_path(path: str | Path, dimension: int) -> ListenerPath:
    """The path in a file; raises DataError naming the line that is not what it should be."""
    path = Path(path)
    wanted = ["t", *"xyz"[:dimension]]
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"path {path} cannot be read: {error}") from error
    if not rows:
        raise DataError(f"path {path} has no places: expected a header {','.join(wanted)} and a line for each place")
    columns = set(rows[0])
    if not columns >= set(wanted) or columns - {*wanted, "heading"}:
        raise DataError(
            f"path {path} has columns {', '.join(map(str, rows[0]))}; expected {', '.join(wanted)} and, if you like, "
            f"heading: the room has {dimension} dimensions"
        )
    numbers = []
    for line, row in enumerate(rows, start=2):
        try:
            found = [float(row[name]) for name in wanted] + [float(row.get("heading", 90.0))]
        except (TypeError, ValueError):
            raise DataError(f"{path}, line {line}: {', '.join(map(str, row.values()))!r} are not numbers") from None
        if not all(map(math.isfinite, found)):
            raise DataError(f"{path}, line {line}: a number is not finite")
        numbers.append(found)
    table = np.array(numbers)
    if not (np.diff(table[:, 0]) > 0).all():
        line = int(np.flatnonzero(np.diff(table[:, 0]) <= 0)[0]) + 3
        raise DataError(f"{path}, line {line}: t does not ascend")
    return ListenerPath(table[:, 0], table[:, 1:-1], table[:, -1])
