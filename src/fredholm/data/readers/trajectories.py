"""Trajectories of a state in time, as benchmarks store them, and the operators that can be learned from them.

    Window(given, ahead):    u(t - given + 1), ..., u(t)  ->  u(t + 1), ..., u(t + ahead)

The given frames are channels of the input function "state", the oldest first. One frame ahead lies on the spatial
grid; several lie on space x time, where time is counted from the last given frame. A sample is a trajectory and a frame
of it; `ahead=None` asks for all that follows the first `given` frames, one sample a trajectory.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from fredholm.data.dataset import Dataset, Description
from fredholm.data.lazy import LazySource, Read
from fredholm.errors import DataError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Parameter, Quantity, Signature

STATE = "state"


@dataclass(frozen=True)
class Static:
    """What goes with a trajectory and does not change in time: a parameter, or a function on the spatial grid.

    `values` are (count, components) of a parameter; `read` gives (b, channels, *shape) of a function by trajectory.
    """

    quantities: tuple[Quantity, ...]
    values: Float[ndarray, "count components"] | None = None
    read: Read | None = None


@dataclass(frozen=True)
class Trajectories:
    """`count` trajectories of len(times) frames (channels, *grid.shape) each.

    `read(trajectory, first, stop)` gives frames (stop - first, channels, *grid.shape).
    """

    channels: tuple[Quantity, ...]
    grid: Grid
    times: Float[ndarray, " frames"]
    count: int
    read: Callable[[int, int, int], np.ndarray]
    time_units: str = ""
    statics: Mapping[str, Static] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """How many frames are given, and how many ahead are asked for (None: all the rest).

    >>> Window(given=10, ahead=None).starts(20)
    [0]
    >>> len(Window().starts(20))
    19
    """

    given: int = 1
    ahead: int | None = 1

    def __post_init__(self) -> None:
        if self.given < 1 or (self.ahead is not None and self.ahead < 1):
            raise ValueError(f"a window needs a frame given and one ahead, got {self.given} and {self.ahead}")

    def starts(self, frames: int) -> list[int]:
        """The first given frame of every sample of a trajectory; raises DataError where it is too short for one."""
        last = frames - self.given - (self.ahead or 1)
        if last < 0:
            raise DataError(
                f"trajectories have {frames} frames, too few for {self.given} given and {self.ahead or 1} ahead: "
                "ask for a smaller window"
            )
        return [0] if self.ahead is None else list(range(last + 1))

    def dataset(self, file: Path, trajectories: Trajectories) -> Dataset:
        """All samples of the trajectories, read from `file` when they are asked for."""
        frames, grid = len(trajectories.times), trajectories.grid
        starts = self.starts(frames)
        ahead = frames - self.given if self.ahead is None else self.ahead
        rows = [(trajectory, start) for trajectory in range(trajectories.count) for start in starts]
        on_grid = DomainType.of(grid)
        inputs: dict[str, Function | Parameter] = {
            STATE: Function(_history(trajectories.channels, self.given), on_grid)
        }
        domains: dict[str, Domain] = {STATE: grid}
        reads: dict[str, Read] = {STATE: _stacked(trajectories, rows, 0, self.given)}
        for name, static in trajectories.statics.items():
            reads[name] = _static(static, rows)
            if static.read is None:
                inputs[name] = Parameter(static.quantities)
            else:
                inputs[name], domains[name] = Function(static.quantities, on_grid), grid
        output: Domain = grid if ahead == 1 else grid * _lead(trajectories, ahead)
        signature = Signature(inputs, Function(trajectories.channels, DomainType.of(output)))
        source = LazySource(
            file,
            len(rows),
            reads,
            _ahead(trajectories, rows, self.given, ahead),
            labels={"trajectory": torch.tensor([row[0] for row in rows]), "frame": torch.tensor([r[1] for r in rows])},
            choice=f"{self.given} {ahead}",
        )
        return Dataset(Description(signature, output, domains), source)


def joined(parts: Sequence[Trajectories], files: Sequence[Path]) -> Trajectories:
    """The trajectories of several files as one; raises DataError naming a file that does not go with the first."""
    first = parts[0]
    for part, file in zip(parts, files, strict=True):
        alike = (part.channels, part.grid, len(part.times), set(part.statics)) == (
            first.channels,
            first.grid,
            len(first.times),
            set(first.statics),
        )
        if not alike:
            raise DataError(f"{file} has other fields, another grid or another length than {files[0]}: open it alone")
    ends = np.cumsum([part.count for part in parts])

    def place(trajectory: int) -> tuple[int, int]:
        part = int(np.searchsorted(ends, trajectory, side="right"))
        return part, trajectory - (int(ends[part - 1]) if part else 0)

    def read(trajectory: int, start: int, stop: int) -> np.ndarray:
        part, own = place(trajectory)
        return parts[part].read(own, start, stop)

    def joined_static(name: str) -> Static:
        each = [part.statics[name] for part in parts]
        values = [static.values for static in each if static.values is not None]
        if values:
            return replace(each[0], values=np.concatenate(values))

        def read_static(rows: np.ndarray) -> np.ndarray:
            found = []
            for part, own in map(place, rows.tolist()):
                reader = each[part].read
                assert reader is not None  # a function in the first part is one in all
                found.append(reader(np.array([own]))[0])
            return np.stack(found)

        return replace(each[0], read=read_static)

    statics = {name: joined_static(name) for name in first.statics}
    return replace(first, count=int(ends[-1]), read=read, statics=statics)


def axis_of(name: str, points: np.ndarray, units: str = "", periodic: bool = False) -> Axis:
    """The axis with these ascending, equidistant points; raises DataError if they are not.

    >>> axis_of("x", np.array([0.5, 1.5, 2.5]), periodic=True)
    Axis(name='x', lower=0.5, upper=3.5, size=3, units='', periodic=True)
    """
    points = np.asarray(points, np.float64)
    steps = np.diff(points)
    if (
        points.ndim != 1
        or len(points) < 2
        or not steps.min() > 0
        or not np.allclose(steps, steps.mean(), rtol=1e-2, atol=1e-6 * np.abs(points).max())
    ):
        raise DataError(
            f"the points of {name!r} are not ascending and equidistant: interpolate onto a regular grid, or put "
            "them in a PointCloud"
        )
    end = points[-1] + steps.mean() if periodic else points[-1]
    return Axis(name, float(points[0]), float(end), len(points), units, periodic)


def _history(channels: tuple[Quantity, ...], given: int) -> tuple[Quantity, ...]:
    """Names of the given frames' channels: "u" of the last, "u[-1]" of the one before."""
    ages = range(given - 1, -1, -1)
    return tuple(Quantity(f"{c.name}[-{age}]" if age else c.name, c.units) for age in ages for c in channels)


def _lead(trajectories: Trajectories, ahead: int) -> Grid:
    times = trajectories.times
    step = float(times[-1] - times[0]) / (len(times) - 1)
    return Grid(Axis("t", step, ahead * step, ahead, trajectories.time_units))


def _stacked(trajectories: Trajectories, rows: list[tuple[int, int]], offset: int, count: int) -> Read:
    def read(wanted: np.ndarray) -> np.ndarray:
        frames = [trajectories.read(i, start + offset, start + offset + count) for i, start in _pick(rows, wanted)]
        return np.stack(frames).reshape(len(wanted), -1, *trajectories.grid.shape)

    return read


def _ahead(trajectories: Trajectories, rows: list[tuple[int, int]], given: int, ahead: int) -> Read:
    def read(wanted: np.ndarray) -> np.ndarray:
        frames = np.stack(
            [trajectories.read(i, start + given, start + given + ahead) for i, start in _pick(rows, wanted)]
        )
        return frames[:, 0] if ahead == 1 else np.moveaxis(frames, 1, -1)  # (b, channels, *shape, time)

    return read


def _static(static: Static, rows: list[tuple[int, int]]) -> Read:
    def read(wanted: np.ndarray) -> np.ndarray:
        trajectories = np.array([i for i, _ in _pick(rows, wanted)])
        if static.read is not None:
            return static.read(trajectories)
        assert static.values is not None
        return static.values[trajectories]

    return read


def _pick(rows: list[tuple[int, int]], wanted: np.ndarray) -> list[tuple[int, int]]:
    return [rows[int(row)] for row in wanted]
