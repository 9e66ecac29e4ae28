"""The Well's HDF5 files, one or a folder of them, by its specification.

    dimensions/{time, x, y, ...}     @spatial_dims names the axes of every field, in order
    boundary_conditions/NAME         @bc_type PERIODIC closes its @associated_dims
    scalars/NAME                     parameters, of the file or of each trajectory (@sample_varying)
    t0_fields/NAME                   scalars (trajectory, time, *axes); axes, time or trajectory are missing where
                                     @dim_varying, @time_varying or @sample_varying say so
    t1_fields, t2_fields             vectors and tensors: one and two axes of components at the end

Fields that vary in time are the state; those that do not are inputs beside it. Splits are folders train, valid and
test. Scalars that vary in time are left out, as are normalising statistics.

Source: Ohana et al., "The Well: a large-scale collection of diverse physics simulations for machine learning", NeurIPS
2024; its data-format specification.
"""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from fredholm.data.readers.contents import Choice, Contents, Format, StoredArray, first_bytes, split_named
from fredholm.data.readers.pdebench import HDF5
from fredholm.data.readers.trajectories import Static, Trajectories, axis_of, joined
from fredholm.errors import DataError
from fredholm.fields.grid import Grid
from fredholm.fields.signature import Quantity

_RANKS = ("t0_fields", "t1_fields", "t2_fields")
_SUFFIXES = (".hdf5", ".h5")
SPLITS = ("train", "valid", "test")


def read(path: Path, choice: Choice) -> Contents:
    """The data set of a file, or one for each split of a folder."""
    import h5py

    splits, shown = {}, None
    for split, names in _files(path).items():
        opened = [h5py.File(name, "r") for name in names]
        trajectories = joined([_trajectories(file, name) for file, name in zip(opened, names, strict=True)], names)
        splits[split] = choice.window.dataset(path, trajectories)
        shown = shown or opened[0]
    assert shown is not None  # a folder without files is not recognised
    notes = [f"data set {_text(shown.attrs['dataset_name'])}, {_text(shown.attrs['grid_type'])} grid"]
    in_time = [name for name in _names(shown["scalars"]) if shown["scalars"][name].attrs["time_varying"]]
    if in_time:
        notes.append(f"scalars that vary in time are left out: {', '.join(in_time)}")
    return Contents("file of The Well", _arrays(shown), splits, tuple(notes))


def _files(path: Path) -> dict[str, list[Path]]:
    """The files of each split."""
    if path.is_file():
        parent = path.parent.name
        return {parent if parent in SPLITS else split_named(path): [path]}
    root = path / "data" if (path / "data").is_dir() else path
    found = {split: sorted(f for f in (root / split).glob("*") if f.suffix in _SUFFIXES) for split in SPLITS}
    return {split: files for split, files in found.items() if files}


class _Field:
    """A field of some rank: reads frames (stop - first, components, *shape) of a trajectory."""

    def __init__(self, stored: Any, rank: int, name: str, axes: tuple[str, ...]) -> None:
        self._stored, self._rank = stored, rank
        self.in_time, self._by_sample = bool(stored.attrs["time_varying"]), bool(stored.attrs["sample_varying"])
        self._along = [bool(varies) for varies in stored.attrs["dim_varying"]]
        parts = ["_".join([name, *component]) for component in product(axes, repeat=rank)]
        self.channels = tuple(map(Quantity, parts))

    def read(self, trajectory: int, first: int, stop: int, shape: tuple[int, ...]) -> np.ndarray:
        index: tuple[Any, ...] = (trajectory,) if self._by_sample else ()
        values = np.asarray(self._stored[(*index, slice(first, stop)) if self.in_time else (*index, ...)])
        if not self.in_time:
            values = values[None]
        for axis, varies in enumerate(self._along):
            if not varies:
                values = np.expand_dims(values, 1 + axis)
        components = values.shape[1 + len(shape) :]
        full = np.broadcast_to(values, (len(values), *shape, *components))
        return np.moveaxis(full.reshape(len(values), *shape, -1), -1, 1)


def _trajectories(file: Any, path: Path) -> Trajectories:
    dimensions = file["dimensions"]
    axes = tuple(map(_text, dimensions.attrs["spatial_dims"]))
    moving = [name for name in (*axes, "time") if dimensions[name].attrs["sample_varying"]]
    if moving:
        raise DataError(f"{path}: {moving[0]} differs by trajectory, which is not supported: open trajectories alone")
    closed = _closed(file)
    grid = Grid(*(axis_of(name, dimensions[name][:], periodic=name in closed) for name in axes))
    every = [
        (name, _Field(file[group][name], rank, name, axes))
        for rank, group in enumerate(_RANKS)
        for name in _names(file.get(group))
    ]
    state = [field for _, field in every if field.in_time]
    if not state:
        raise DataError(f"{path} has no field that varies in time")

    def frames_of(trajectory: int, first: int, stop: int) -> np.ndarray:
        return np.concatenate([field.read(trajectory, first, stop, grid.shape) for field in state], 1)

    count = int(file.attrs["n_trajectories"])
    statics = {name: _static(field, grid) for name, field in every if not field.in_time} | _scalars(file, count)
    channels = tuple(channel for field in state for channel in field.channels)
    return Trajectories(channels, grid, dimensions["time"][:], count, frames_of, statics=statics)


def _static(field: _Field, grid: Grid) -> Static:
    def read(trajectories: np.ndarray) -> np.ndarray:
        return np.concatenate([field.read(int(i), 0, 1, grid.shape) for i in trajectories])

    return Static(field.channels, read=read)


def _scalars(file: Any, count: int) -> dict[str, Static]:
    found = {}
    for name in _names(file["scalars"]):
        stored = file["scalars"][name]
        if not stored.attrs["time_varying"]:
            values = np.broadcast_to(np.ravel(stored[()]), (count,))
            found[name] = Static((Quantity(name),), values[:, None])
    return found


def _closed(file: Any) -> set[str]:
    """Axes that boundary conditions close on themselves."""
    conditions = file.get("boundary_conditions", {}).values()
    periodic = [c for c in conditions if _text(c.attrs["bc_type"]).upper() == "PERIODIC"]
    return {_text(name) for condition in periodic for name in np.ravel(condition.attrs["associated_dims"])}


def _names(group: Any) -> list[str]:
    return [] if group is None else [_text(name) for name in group.attrs["field_names"]]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _arrays(file: Any) -> tuple[StoredArray, ...]:
    shown: list[StoredArray] = []
    file.visititems(lambda name, thing: shown.append(StoredArray.of(name, thing)) if hasattr(thing, "shape") else None)
    return tuple(shown)


def _looks_like(path: Path) -> bool:
    files = [path] if path.is_file() else [name for names in _files(path).values() for name in names]
    if not files or first_bytes(files[0], 8) != HDF5:
        return False
    import h5py

    with h5py.File(files[0], "r") as file:
        return "dimensions" in file and "t0_fields" in file and "n_trajectories" in file.attrs


FORMAT = Format("file of The Well", _looks_like, read)
