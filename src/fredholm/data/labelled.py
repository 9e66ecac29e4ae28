"""Data sets from labelled arrays (xarray): dimensions become axes, attributes units, and values are read when needed.

Each variable has a dimension that counts samples. What is left of it are axes, with their coordinates, so that a
variable with no more is a parameter; a dimension of channels is named by its coordinate. Coordinates that descend are
turned round, values with them; dates are counted in hours from the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fredholm.data.dataset import Dataset, Description
from fredholm.data.lazy import LazySource, Read
from fredholm.errors import DataError, UnknownNameError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Parameter, Quantity, Signature

if TYPE_CHECKING:
    import xarray


def dataset_of(
    arrays: "xarray.Dataset",
    inputs: Sequence[str],
    outputs: Sequence[str],
    sample: str,
    channel: str,
    periodic: Iterable[str],
    where: Path | str = "an xarray Dataset",
) -> Dataset:
    """See `Dataset.from_xarray`."""
    if not inputs or not outputs:
        raise DataError(
            f"{where} has the variables {list(map(str, arrays.data_vars))}: say which are inputs and outputs"
        )
    for name in (*inputs, *outputs):
        if name not in arrays:
            raise UnknownNameError("variable", name, map(str, arrays.data_vars))
        if sample not in arrays[name].dims:
            raise DataError(
                f"{name} has the dimensions {arrays[name].dims}, none of which counts samples as {sample!r}"
            )
    arrays = ascending(arrays[[*inputs, *outputs]])
    closed = frozenset(periodic)
    entries: dict[str, Function | Parameter] = {}
    domains: dict[str, Domain] = {}
    for name in inputs:
        channels, grid = quantities(arrays[name], channel), grid_of(arrays[name], (sample, channel), closed)
        if grid is None:
            entries[name] = Parameter(channels)
        else:
            entries[name], domains[name] = Function(channels, DomainType.of(grid)), grid
    grids = [grid_of(arrays[name], (sample, channel), closed) for name in outputs]
    if any(grid is None or grid != grids[0] for grid in grids) or grids[0] is None:
        raise DataError(f"the outputs {list(outputs)} must have axes, and all the same")
    asked = tuple(q for name in outputs for q in quantities(arrays[name], channel))
    signature = Signature(entries, Function(asked, DomainType.of(grids[0])))
    reads = {name: _reader([arrays[name]], sample, channel) for name in inputs}
    output = _reader([arrays[name] for name in outputs], sample, channel)
    source = LazySource(where, arrays.sizes[sample], reads, output, choice=f"{inputs} {outputs}")
    return Dataset(Description(signature, grids[0], domains), source)


def ascending(arrays: "xarray.Dataset") -> "xarray.Dataset":
    """The arrays with every coordinate of a dimension in ascending order."""
    for name in map(str, arrays.dims):
        if name in arrays.coords and arrays[name].dtype.kind != "U" and arrays.sizes[name] > 1:
            values = arrays[name].values
            if values.dtype.kind in "fiuM" and values[0] > values[-1]:
                arrays = arrays.isel({name: slice(None, None, -1)})
    return arrays


def quantities(variable: "xarray.DataArray", channel: str) -> tuple[Quantity, ...]:
    """Names and units of a variable's channels: its own name, where it has but one."""
    units = str(variable.attrs.get("units", ""))
    if channel not in variable.dims:
        return (Quantity(str(variable.name), units),)
    count = variable.sizes[channel]
    names = list(variable[channel].values) if channel in variable.coords else list(range(count))
    each = variable["units"].values if "units" in variable.coords else [units] * count
    return tuple(
        Quantity(name if isinstance(name, str) else f"{variable.name}_{name}", str(unit))
        for name, unit in zip(names, each, strict=True)
    )


def grid_of(variable: "xarray.DataArray", without: tuple[str, ...], periodic: Iterable[str]) -> Grid | None:
    """The grid of a variable's dimensions other than those, or None if there are no others."""
    names = [str(name) for name in variable.dims if name not in without]
    return Grid(*(axis_along(variable, name, name in set(periodic)) for name in names)) if names else None


def axis_along(variable: "xarray.DataArray", name: str, periodic: bool) -> Axis:
    """The axis of a dimension's coordinate; raises DataError where it has none, or none that is equidistant."""
    from fredholm.data.readers.trajectories import axis_of

    if name not in variable.coords:
        raise DataError(
            f"dimension {name!r} of {variable.name!r} has no coordinate: give it one with assign_coords, so that "
            "points have a place"
        )
    points, units = variable[name].values, str(variable[name].attrs.get("units", ""))
    if points.dtype.kind == "M":
        points, units = hours(points), "h"
    return axis_of(name, points, units, periodic)


def hours(dates: np.ndarray) -> np.ndarray:
    """Dates as hours from the first."""
    return (dates - dates[0]) / np.timedelta64(1, "h")


def _reader(variables: "list[xarray.DataArray]", sample: str, channel: str) -> Read:
    def read(rows: np.ndarray) -> np.ndarray:
        parts = []
        for variable in variables:
            values = variable.isel({sample: rows})
            if channel in variable.dims:
                parts.append(values.transpose(sample, channel, ...).values)
            else:
                parts.append(values.transpose(sample, ...).values[:, None])
        return np.concatenate(parts, 1)

    return read


def roles_in(arrays: "xarray.Dataset") -> Mapping[str, list[str]]:
    """Variables that say what they are by an attribute `role`, "input" or "output"."""
    return {
        role: [str(name) for name, variable in arrays.data_vars.items() if variable.attrs.get("role") == role]
        for role in ("input", "output")
    }
