"""PDEArena's HDF5 files: a group named by its split, with an array for each field.

    train/{u, vx, vy} (N, t, x, y), train/{t, x, y} (N, ...), train/buo_y (N,)     smoke in a buoyant flow
    train/{d_field, h_field} (N, t, x, y, z, 3)                                    Maxwell's equations

Points are those of the file's `x` and `y`, where it has them; they reach from wall to wall, although values are those
of cells and faces. The buoyancy of a trajectory, where it is stored, is a parameter. The shallow-water set is NetCDF or
zarr, and read as such.

Source: Gupta, Brandstetter, "Towards multi-spatiotemporal-scale generalized PDE modeling", TMLR 2023.
"""

from pathlib import Path
from typing import Any

import numpy as np

from fredholm.data.readers.contents import Choice, Contents, Format, StoredArray, first_bytes
from fredholm.data.readers.pdebench import HDF5
from fredholm.data.readers.trajectories import Static, Trajectories, axis_of
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import Quantity

SPLITS = ("train", "valid", "test")
_SMOKE = ("u", "vx", "vy")


def read(path: Path, choice: Choice) -> Contents:
    """A data set for each split of the file."""
    import h5py

    file = h5py.File(path, "r")
    splits = {
        split: choice.window.dataset(path, _smoke(file[split]) if "u" in file[split] else _maxwell(file[split]))
        for split in SPLITS
        if split in file
    }
    arrays = [(f"{split}/{name}", array) for split in splits for name, array in file[split].items()]
    stored = tuple(StoredArray.of(name, array) for name, array in arrays if hasattr(array, "shape"))
    return Contents("PDEArena HDF5 file", stored, splits, ("the benchmark gives 4 frames and asks for the next",))


def _smoke(group: Any) -> Trajectories:
    fields = [group[name] for name in _SMOKE]
    count, frames, rows, columns = fields[0].shape
    lengths = {"x": rows, "y": columns}
    grid = Grid(*(_axis(group, name, size) for name, size in lengths.items()))

    def frames_of(trajectory: int, first: int, stop: int) -> np.ndarray:
        return np.stack([array[trajectory, first:stop] for array in fields], 1)

    buoyancy = {}
    if "buo_y" in group:
        buoyancy = {"buoyancy": Static((Quantity("buoyancy"),), np.asarray(group["buo_y"][:]).reshape(count, 1))}
    channels = (Quantity("smoke"), Quantity("velocity_x"), Quantity("velocity_y"))
    return Trajectories(channels, grid, _times(group, frames), count, frames_of, statics=buoyancy)


def _maxwell(group: Any) -> Trajectories:
    fields = [group["d_field"], group["h_field"]]
    count, frames, *spatial, _ = fields[0].shape
    grid = Grid(*(Axis(name, 0.0, 1.0, size, periodic=True) for name, size in zip("xyz", spatial, strict=True)))

    def frames_of(trajectory: int, first: int, stop: int) -> np.ndarray:
        return np.concatenate([np.moveaxis(array[trajectory, first:stop], -1, 1) for array in fields], 1)

    channels = tuple(Quantity(f"{field}_{axis}") for field in ("d", "h") for axis in "xyz")
    return Trajectories(channels, grid, _times(group, frames), count, frames_of)


def _axis(group: Any, name: str, size: int) -> Axis:
    return axis_of(name, np.asarray(group[name])[0]) if name in group else Axis(name, 0.0, 1.0, size)


def _times(group: Any, frames: int) -> np.ndarray:
    return np.asarray(group["t"])[0, :frames] if "t" in group else np.arange(frames, dtype=np.float64)


def _looks_like(path: Path) -> bool:
    if first_bytes(path, 8) != HDF5:
        return False
    import h5py

    with h5py.File(path, "r") as file:
        groups = [file[split] for split in SPLITS if split in file]
        return any(hasattr(g, "keys") and (set(_SMOKE) <= set(g) or {"d_field", "h_field"} <= set(g)) for g in groups)


FORMAT = Format("PDEArena HDF5 file", _looks_like, read)
