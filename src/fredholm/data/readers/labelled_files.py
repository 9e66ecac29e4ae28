"""NetCDF files and zarr stores, through xarray: names, dimensions, coordinates and units are in the file.

What goes in and what comes out is said by an attribute `role` ("input", "output") of the variables, or by the caller.
Where neither does and there is a dimension of time, the variables that share its dimensions are a state that evolves,
as in atmospheric data: one frame is the input, the next the output.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fredholm.data.dataset import Dataset
from fredholm.data.labelled import ascending, dataset_of, grid_of, hours, quantities, roles_in
from fredholm.data.readers.contents import Choice, Contents, Format, StoredArray, first_bytes, split_named
from fredholm.data.readers.trajectories import Trajectories
from fredholm.errors import DataError

if TYPE_CHECKING:
    import xarray

_TIMES = ("time", "t")
_SAMPLES = ("sample", "samples", "trajectory", "member", "ensemble", "b", "batch")
_CLOSED = ("lon", "longitude")
_NETCDF3 = (b"CDF\x01", b"CDF\x02", b"CDF\x05")


def read(path: Path, choice: Choice) -> Contents:
    """The data set of a file; without roles and without time, its variables and what to do."""
    import xarray

    if path.is_dir():
        arrays = xarray.open_zarr(path)
    else:
        engine = "scipy" if first_bytes(path, 4) in _NETCDF3 else "h5netcdf"
        arrays = xarray.open_dataset(path, engine=engine)
    roles = roles_in(arrays)
    inputs, outputs = choice.inputs or tuple(roles["input"]), choice.outputs or tuple(roles["output"])
    stored = tuple(_described(arrays[name]) for name in (*arrays.data_vars, *arrays.coords))
    sample = next((name for name in _SAMPLES if name in arrays.dims), None)
    time = next((name for name in _TIMES if name in arrays.dims), None)
    notes: tuple[str, ...] = ()
    splits: dict[str, Dataset] = {}
    if inputs and outputs:
        if sample is None:
            raise DataError(
                f"{path} has the dimensions {list(arrays.dims)}; one of {', '.join(_SAMPLES)} must count samples"
            )
        data = dataset_of(arrays, inputs, outputs, sample, "channel", _CLOSED, path)
        splits[split_named(path)] = data
    elif time is not None:
        splits[split_named(path)] = choice.window.dataset(path, _series(arrays, outputs, sample, time, path))
        notes = (
            "nothing is marked as input or output: the variables in time are a state, and one frame gives the next",
        )
    else:
        notes = (
            "nothing is marked as input or output: name them, or give variables an attribute role, input or output",
        )
    return Contents("zarr store" if path.is_dir() else "NetCDF file", stored, splits, notes)


def _series(
    arrays: "xarray.Dataset", names: tuple[str, ...], sample: str | None, time: str, path: Path
) -> Trajectories:
    """The variables in time as one state; those with the most dimensions, where they differ."""
    single = [name for name, size in arrays.sizes.items() if size == 1 and name not in (sample, time)]
    arrays = ascending(arrays.squeeze(single))
    in_time = [arrays[name] for name in names or arrays.data_vars if time in arrays[name].dims]
    most = max((variable.ndim for variable in in_time), default=0)
    state = [variable for variable in in_time if variable.ndim == most and variable.dtype.kind == "f"]
    fixed = tuple(name for name in (sample, time) if name)
    grid = grid_of(state[0], fixed, _CLOSED) if state else None
    if grid is None or any(variable.dims != state[0].dims for variable in state):
        raise DataError(f"{path}: the variables in time share no axes in space: name some that do as outputs")
    times = arrays[time].values if time in arrays.coords else np.arange(arrays.sizes[time])
    units = str(arrays[time].attrs.get("units", "")) if time in arrays.coords else ""
    if times.dtype.kind == "M":
        times, units = hours(times), "h"

    def frames_of(trajectory: int, first: int, stop: int) -> np.ndarray:
        index = {time: slice(first, stop)} | ({sample: trajectory} if sample in state[0].dims else {})
        return np.stack([variable.isel(index).transpose(time, ...).values for variable in state], 1)

    channels = tuple(quantity for variable in state for quantity in quantities(variable, "channel"))
    count = arrays.sizes[sample] if sample else 1
    return Trajectories(channels, grid, np.asarray(times, np.float64), count, frames_of, units)


def _described(variable: "xarray.DataArray") -> StoredArray:
    units = variable.attrs.get("units", "")
    return StoredArray.of(str(variable.name), variable, f"({', '.join(map(str, variable.dims))}) {units}".strip())


def _looks_like(path: Path) -> bool:
    if path.is_dir():
        return any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zmetadata"))
    return path.suffix in (".nc", ".nc4", ".netcdf", ".cdf") or first_bytes(path, 4) in _NETCDF3


FORMAT = Format("NetCDF file or zarr store", _looks_like, read)
