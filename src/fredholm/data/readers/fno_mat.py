"""MATLAB files of the Fourier neural operator papers.

    coeff, sol       Darcy: (n, s, s) each, on the unit square with its boundary
    a, u             Burgers: (n, s) each, u(0) and u(1) on the unit circle
    u, t             Navier-Stokes: (n, s, s, frames), vorticity on the unit torus; `a`, the state at time 0, is left
                     out, as it is by the benchmark
    input, output    plasticity: (n, 101) and (n, 101, 31, 20, 4); Burgers in time: (n, s) and (n, frames, s)

Files of version 5 are read by SciPy, a variable at a time; those of version 7.3 are HDF5, where axes stand in reverse,
and are read sample by sample.

Source: Li et al., "Fourier neural operator for parametric partial differential equations", ICLR 2021; Li, Huang, Liu,
Anandkumar, "Fourier neural operator with learned deformations for PDEs on general geometries", JMLR 24 (2023).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fredholm.data.dataset import Dataset
from fredholm.data.lazy import Rows, rows_of
from fredholm.data.readers.contents import (
    Choice,
    Contents,
    Format,
    StoredArray,
    first_bytes,
    parts_of,
    trajectory_parts,
)
from fredholm.data.readers.pairs import Stored, pairs
from fredholm.data.readers.trajectories import Trajectories
from fredholm.errors import DataError
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import Quantity

_Variables = Mapping[str, Any]
_Splits = tuple[Mapping[str, Dataset], tuple[str, ...]]
_TORUS = "periodic with period 1; the upper end, being the lower again, is left out"


class Reversed:
    """An HDF5 array as MATLAB means it: its axes the other way round."""

    def __init__(self, stored: Rows) -> None:
        self._stored = stored
        self.shape, self.dtype = tuple(stored.shape[::-1]), stored.dtype

    def __getitem__(self, index: Any) -> np.ndarray:
        """By a number or slice of the first axis, or a tuple of them for the first and the last."""
        first, last = index if isinstance(index, tuple) else (index, slice(None))
        middle = (slice(None),) * (len(self.shape) - 2)
        return np.asarray(self._stored[(last, *middle, first) if len(self.shape) > 1 else first]).T


class Variable:
    """A variable of a version 5 file, read whole when first indexed."""

    def __init__(self, file: Path, name: str, shape: tuple[int, ...], kind: str) -> None:
        self._file, self._name, self.shape, self.dtype = file, name, shape, kind
        self._values: np.ndarray | None = None

    def __getitem__(self, index: Any) -> np.ndarray:
        if self._values is None:
            from scipy.io import loadmat

            self._values = loadmat(self._file, variable_names=[self._name])[self._name]
        if isinstance(index, tuple):
            return np.asarray(self._values[index[0], ..., index[1]])
        return np.asarray(self._values[index])


def variables(path: Path) -> dict[str, Any]:
    """The numeric variables of a file of either version, in MATLAB's axis order, as yet unread."""
    if not first_bytes(path).startswith(b"MATLAB 5"):  # 7.3 is HDF5, with or without a block of MATLAB's own in front
        import h5py

        stored = h5py.File(path, "r")
        return {n: Reversed(v) for n, v in stored.items() if isinstance(v, h5py.Dataset) and v.dtype.kind in "fiu"}
    from scipy.io import whosmat

    _require_whole(path)
    return {name: Variable(path, name, shape, kind) for name, shape, kind in whosmat(path)}


def read(path: Path, choice: Choice) -> Contents:
    """The data set of a file, by the names of its variables."""
    found = variables(path)
    ranks = {name: len(array.shape) for name, array in found.items()}
    stored = tuple(StoredArray.of(name, array) for name, array in sorted(found.items()))
    for needed, layout in _LAYOUTS:
        if needed.items() <= ranks.items():
            splits, notes = layout(path, found, choice)
            return Contents("MATLAB file of the Fourier neural operator papers", stored, splits, notes)
    raise DataError(
        f"{path} has the variables {_listed(found)}; expected coeff and sol, a and u, u and t, or input and output. "
        "Load them with scipy.io.loadmat and pass them to Dataset.from_arrays"
    )


def _darcy(path: Path, found: _Variables, choice: Choice) -> _Splits:
    rows, columns = found["coeff"].shape[1:]
    square = Grid(Axis("x", 0.0, 1.0, rows), Axis("y", 0.0, 1.0, columns))
    data = pairs(
        path,
        found["coeff"].shape[0],
        {"coefficient": Stored.one("coefficient", rows_of(found["coeff"]), square)},
        Stored.one("pressure", rows_of(found["sol"]), square),
    )
    split = "train" if "smooth1" in path.name else "test" if "smooth2" in path.name else "all"
    return {split: data}, ("the unit square with its boundary", "smooth1 is the file to train on, smooth2 to test on")


def _burgers(path: Path, found: _Variables, choice: Choice) -> _Splits:
    circle = Grid(Axis("x", 0.0, 1.0, found["a"].shape[1], periodic=True))
    data = pairs(
        path,
        found["a"].shape[0],
        {"initial": Stored.one("velocity", rows_of(found["a"]), circle)},
        Stored.one("velocity", rows_of(found["u"]), circle),
    )
    return parts_of(data, 1000, 200), (_TORUS, "a is the state at time 0, u at time 1")


def _vorticity(path: Path, found: _Variables, choice: Choice) -> _Splits:
    u = found["u"]
    count, rows, columns, frames = u.shape
    torus = Grid(Axis("x", 0.0, 1.0, rows, periodic=True), Axis("y", 0.0, 1.0, columns, periodic=True))
    times = np.ravel(found["t"][:]) if "t" in found else np.arange(1.0, frames + 1)

    def frames_of(trajectory: int, first: int, stop: int) -> np.ndarray:
        return np.moveaxis(np.asarray(u[trajectory, first:stop]), -1, 0)[:, None]

    trajectories = Trajectories((Quantity("vorticity"),), torus, times, count, frames_of)
    samples = choice.window.dataset(path, trajectories)
    notes = (
        _TORUS,
        "times run from 1; a, the state at time 0, is left out, as the benchmark leaves it out",
        "the benchmark gives 10 frames and asks for the next, trains on the first 1000 trajectories and tests on the "
        "last 200: Window(given=10)",
    )
    return trajectory_parts(samples, count, 1000, 200), notes


def _plasticity(path: Path, found: _Variables, choice: Choice) -> _Splits:
    count, long, high, frames, _ = found["output"].shape
    die = Grid(Axis("x", 0.0, 1.0, found["input"].shape[1]))
    block = Grid(Axis("x", 0.0, 1.0, long), Axis("y", 0.0, 1.0, high), Axis("t", 0.0, 1.0, frames))
    names = ("position_x", "position_y", "displacement_x", "displacement_y")
    data = pairs(
        path,
        count,
        {"die": Stored.one("height", rows_of(found["input"]), die)},
        Stored(rows_of(found["output"], channels_last=True), block, tuple(map(Quantity, names))),
    )
    return parts_of(data, 900, 80), ("points are counted from 0 to 1 along each axis; t likewise over the 20 frames",)


def _burgers_in_time(path: Path, found: _Variables, choice: Choice) -> _Splits:
    count, frames, points = found["output"].shape
    circle = Grid(Axis("x", 0.0, 1.0, points, periodic=True))
    end = float(np.ravel(found["tspan"][:])[-1]) if "tspan" in found else 1.0

    def solution(rows: np.ndarray) -> np.ndarray:
        return np.swapaxes(rows_of(found["output"])(rows), 2, 3)

    data = pairs(
        path,
        count,
        {"initial": Stored.one("velocity", rows_of(found["input"]), circle)},
        Stored.one("velocity", solution, circle * Grid(Axis("t", 0.0, end, frames))),
    )
    return {"all": data}, (_TORUS, "frames are stored time first; here time is the last axis")


_LAYOUTS: tuple[tuple[dict[str, int], Callable[[Path, _Variables, Choice], _Splits]], ...] = (
    ({"coeff": 3, "sol": 3}, _darcy),
    ({"u": 4}, _vorticity),
    ({"a": 2, "u": 2}, _burgers),
    ({"input": 2, "output": 5}, _plasticity),
    ({"input": 2, "output": 3}, _burgers_in_time),
)


def _require_whole(path: Path) -> None:
    """Follow the lengths of a version 5 file's elements to its end; raises EOFError where one reaches beyond."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        order: Literal["little", "big"] = "little" if file.read(128)[-2:] == b"IM" else "big"
        while file.tell() < size:
            tag = file.read(8)
            if file.seek(int.from_bytes(tag[4:], order), 1) > size or len(tag) < 8:
                raise EOFError(f"it has {size} bytes, and a variable that reaches beyond")


def _listed(found: _Variables) -> str:
    return ", ".join(f"{name} {tuple(array.shape)}" for name, array in sorted(found.items())) or "none"


def _looks_like(path: Path) -> bool:
    start = first_bytes(path, 128)
    return path.suffix == ".mat" or start.startswith(b"MATLAB ")


FORMAT = Format("MATLAB file", _looks_like, read)
