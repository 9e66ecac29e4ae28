"""PDEBench's HDF5 files, in their four layouts.

    nu (N, x, y), tensor (N, 1, x, y)                          Darcy: coefficient -> pressure
    tensor (N, t, x[, y])                                      advection, Burgers, diffusion-reaction in one dimension
    density, pressure, Vx[, Vy, Vz] (N, t, x[, y, z])          compressible flow
    velocity, particles (N, t, x, y, c), force (N, x, y, 2)    incompressible flow
    0000/data (t, x[, y], c), 0000/grid/{t, x[, y]}, ...       diffusion-sorption, diffusion-reaction, shallow water

Points are those of `x-coordinate`, the centres of cells. `t-coordinate` may have one entry more than there are frames;
it counts from the first. Parameters of the equation are attributes of the file, the same for all samples.

Source: Takamoto et al., "PDEBench: an extensive benchmark for scientific machine learning", NeurIPS 2022.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.data.lazy import rows_of
from fredholm.data.readers.contents import Choice, Contents, Format, StoredArray, first_bytes
from fredholm.data.readers.pairs import Stored, pairs
from fredholm.data.readers.trajectories import Static, Trajectories, axis_of
from fredholm.errors import DataError
from fredholm.fields.grid import Grid
from fredholm.fields.signature import Quantity

HDF5 = b"\x89HDF\r\n\x1a\n"
_FLOW = ("density", "pressure", "Vx", "Vy", "Vz")
_PERIODIC = ("advection", "burgers", "reacdiff", "periodic")  # in the names of files
_NAMED = {  # channels, by what the file is called
    "diff-sorp": ("concentration",),
    "diff-react": ("activator", "inhibitor"),
    "rdb": ("height",),
}


def read(path: Path, choice: Choice) -> Contents:
    """The data set of a file, by the names of its arrays."""
    import h5py

    file = h5py.File(path, "r")
    notes = tuple(f"{name} = {np.ravel(value)[0]}" for name, value in file.attrs.items() if np.size(value) == 1)
    if "nu" in file and "tensor" in file:
        square = _grid(file, path, 2)
        data = pairs(
            path,
            len(file["nu"]),
            {"coefficient": Stored.one("coefficient", rows_of(file["nu"]), square)},
            Stored.one("pressure", rows_of(file["tensor"], channel_axis=True), square),
        )
        owner, count = torch.arange(len(data)), len(data)
    else:
        trajectories = _trajectories(file, path)
        data, count = choice.window.dataset(path, trajectories), trajectories.count
        owner = data.labels["trajectory"]
        notes += ("the benchmark gives 10 frames and rolls out from there: Window(given=10)",)
    return Contents(
        "PDEBench HDF5 file", _arrays(file), _splits(data, owner, count, not any(map(str.isdigit, file))), notes
    )


def _splits(data: Dataset, owner: Tensor, count: int, first: bool) -> dict[str, Dataset]:
    """A tenth of the trajectories to test on: the first of one array, the last of groups."""
    tenth = count // 10
    tested = owner < tenth if first else owner >= count - tenth
    if not tenth:
        return {"all": data}
    return {
        "train": data.subset((~tested).nonzero()[:, 0]),
        "test": data.subset(tested.nonzero()[:, 0]),
        "all": data,
    }


def _trajectories(file: Any, path: Path) -> Trajectories:
    groups = sorted(name for name in file if name.isdigit())
    if groups:
        return _grouped(file, path, groups)
    if "velocity" in file:
        return _incompressible(file)
    names = ("tensor",) if "tensor" in file else tuple(name for name in _FLOW if name in file)
    if not names:
        raise DataError(f"{path} holds {sorted(file)}; expected tensor, density, velocity or groups 0000, 0001, ...")
    arrays = [file[name] for name in names]
    count, frames = arrays[0].shape[:2]

    def frames_of(trajectory: int, first: int, stop: int) -> np.ndarray:
        return np.stack([array[trajectory, first:stop] for array in arrays], 1)

    channels = tuple(Quantity("u" if name == "tensor" else name) for name in names)
    times = file["t-coordinate"][:frames] if "t-coordinate" in file else np.arange(frames)
    return Trajectories(channels, _grid(file, path, arrays[0].ndim - 2), times, count, frames_of)


def _grouped(file: Any, path: Path, groups: list[str]) -> Trajectories:
    """A group for each trajectory, as the diffusion and shallow-water problems have it."""
    first = file[groups[0]]
    frames, *spatial, channels = first["data"].shape
    known = next((names for key, names in _NAMED.items() if key in path.name.lower().replace("_", "-")), ())
    names = known if len(known) == channels else tuple(f"u{i}" for i in range(channels))
    grid = Grid(*(axis_of(name, first["grid"][name][:]) for name in "xyz"[: len(spatial)]))

    def frames_of(trajectory: int, begin: int, end: int) -> np.ndarray:
        return np.moveaxis(file[groups[trajectory]]["data"][begin:end], -1, 1)

    return Trajectories(tuple(map(Quantity, names)), grid, first["grid"]["t"][:frames], len(groups), frames_of)


def _incompressible(file: Any) -> Trajectories:
    velocity, particles, force = file["velocity"], file["particles"], file["force"]
    count, frames, rows, columns, _ = velocity.shape
    grid = Grid(*(axis_of(name, (np.arange(n) + 0.5) / n) for name, n in (("x", rows), ("y", columns))))

    def frames_of(trajectory: int, first: int, stop: int) -> np.ndarray:
        parts = [np.moveaxis(array[trajectory, first:stop], -1, 1) for array in (velocity, particles)]
        return np.concatenate(parts, 1)

    channels = (Quantity("Vx"), Quantity("Vy"), Quantity("particles"))
    times = file["t"][0, :frames] if "t" in file else np.arange(frames)
    statics = {"force": Static((Quantity("Fx"), Quantity("Fy")), read=rows_of(force, channels_last=True))}
    return Trajectories(channels, grid, times, count, frames_of, statics=statics)


def _grid(file: Any, path: Path, dimension: int) -> Grid:
    periodic = any(word in path.name.lower() for word in _PERIODIC)
    names = "xyz"[:dimension]
    return Grid(*(axis_of(name, file[f"{name}-coordinate"][:], periodic=periodic) for name in names))


def _arrays(file: Any) -> tuple[StoredArray, ...]:
    """All arrays; of the groups 0000, 0001, ... those of the first."""
    groups = sorted(name for name in file if name.isdigit())
    shown: list[StoredArray] = []

    def visit(name: str, thing: Any) -> None:
        if hasattr(thing, "shape") and (not groups or name.startswith(groups[0]) or not name.split("/")[0].isdigit()):
            meaning = f"the first of {len(groups)} trajectories" if groups and name.endswith("/data") else ""
            shown.append(StoredArray.of(name, thing, meaning))

    file.visititems(visit)
    return tuple(shown)


def _looks_like(path: Path) -> bool:
    if first_bytes(path, 8) != HDF5:
        return False
    import h5py

    with h5py.File(path, "r") as file:
        keys = set(file)
        return (
            bool(keys & {"x-coordinate"} and keys & {"tensor", *_FLOW})
            or {"velocity", "particles", "force"} <= keys
            or any(name.isdigit() and {"data", "grid"} <= set(file[name]) for name in keys)
        )


FORMAT = Format("PDEBench HDF5 file", _looks_like, read)
