"""Layout of a data set on disk: a zarr group (version 3) that xarray opens with dimension names and units.

    output          (sample, channel, *axes)     the operator's output
    input.NAME      (sample, channel, *axes)     each input function, or (sample, component) of a parameter
    label.NAME      (sample, ...)                small numbers from which the inputs were made
    x, y, t, ...                                 coordinates of the axes, with their units
    channel, ...                                 names of the channels

A dimension that an input samples otherwise than the output (a coarser x, other channels) bears the input's
name as well: `x_NAME`. All that is needed to use the set stands in the group's attribute "fredholm", as JSON.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.grid import Grid
from fredholm.fields.product import Product
from fredholm.fields.signature import Function, Parameter, Quantity
from fredholm.problems.problem import Problem

if TYPE_CHECKING:
    import zarr

OUTPUT, INPUT, LABEL = "output", "input.", "label."
_SMALLEST_CHUNK = 64 * 1024  # bytes of a chunk's rows; smaller samples share a file
_MOST_ROWS = 32  # in a chunk: what an interruption can cost

_PLAIN: dict[str, Any] = {
    "compressors": None,
    "filters": None,
    "chunk_key_encoding": {"name": "default", "separator": "."},  # one flat directory for an array
}


@dataclass(frozen=True)
class Dimension:
    """A named dimension with coordinates along it: variable name -> (values, units)."""

    name: str
    size: int
    coordinates: Mapping[str, tuple[list[Any], str]]

    def of(self, owner: str) -> "Dimension":
        """The same, named as `owner`'s own."""
        renamed = {f"{name}_{owner}": values for name, values in self.coordinates.items()}
        return Dimension(f"{self.name}_{owner}", self.size, renamed)


def dimensions_of(domain: Domain) -> list[Dimension]:
    """Dimensions of the trailing axes of a field on `domain`.

    >>> from fredholm.fields.grid import Axis
    >>> [dimension.name for dimension in dimensions_of(Grid(Axis("x", 0, 1, 5)) * Grid(Axis("t", 0, 1, 3)))]
    ['x', 't']
    """
    if isinstance(domain, Product):
        return dimensions_of(domain.first) + dimensions_of(domain.second)
    if isinstance(domain, Grid):
        return [
            Dimension(axis.name, axis.size, {axis.name: (axis.points().tolist(), axis.units)}) for axis in domain.axes
        ]
    if len(domain.shape) > 1:
        return [Dimension(f"{domain.kind}_{i}", size, {}) for i, size in enumerate(domain.shape)]
    columns = zip(domain.coordinate_axes, domain.coordinates().T.tolist(), strict=True)
    return [Dimension("point", domain.size, {axis.name: (values, axis.units) for axis, values in columns})]


def names_of(dimension: str, quantities: Iterable[Quantity]) -> Dimension:
    """A dimension that counts named quantities."""
    names = [quantity.name for quantity in quantities]
    return Dimension(dimension, len(names), {dimension: (names, "")})


class Layout:
    """The zarr group of `samples` samples of a problem, as yet without the values of its samples.

    Args:
        problem: whose signature and domains are laid out.
        samples: their number.
        seed: of the sequence of samples.
        dtype: of the stored output, "float16" or "float32". Inputs are float32: they are what was solved for.
    """

    def __init__(self, problem: Problem, samples: int, seed: int, dtype: str) -> None:
        self._problem, self._samples, self._seed, self._dtype = problem, samples, seed, dtype
        self._placed: dict[str, Dimension] = {}
        first = {name: tuple(values.shape[1:]) for name, values in problem.sample(1, seed).items()}
        output = len(problem.signature.output.channels) * math.prod(problem.output_domain.shape)
        row = output * np.dtype(dtype).itemsize + sum(4 * math.prod(shape) for shape in first.values())
        self._input_shapes = first
        self._per_chunk = max(1, min(_MOST_ROWS, _SMALLEST_CHUNK // row))

    def write(self, directory: Path, attributes: Mapping[str, Any]) -> None:
        """Write the group with its coordinates and labels into `directory`."""
        import zarr

        group = zarr.create_group(directory, attributes=dict(attributes))
        signature = self._problem.signature
        self._add_function(group, OUTPUT, signature.output, self._problem.output_domain)
        for name, entry in signature.inputs.items():
            if isinstance(entry, Parameter):
                components = names_of("component", entry.components)
                self._add(group, INPUT + name, [components.of(name)], entry.components)
            else:
                self._add_function(group, INPUT + name, entry, self._problem.input_domains.get(name))
        for name in sorted(set(self._input_shapes) - set(signature.inputs)):
            shape = self._input_shapes[name]
            self._add(
                group,
                INPUT + name,
                [Dimension(f"axis_{i}", size, {}).of(name) for i, size in enumerate(shape)],
            )
        for name, values in self._problem.labels(self._samples, self._seed).items():
            self._add_label(group, name, values)
        _consolidate(directory)

    def _add_function(self, group: "zarr.Group", name: str, entry: Function, domain: Domain | None) -> None:
        owner = name.removeprefix(INPUT)
        channels = names_of("channel", entry.channels)
        if domain is None or entry.domain.shape is None:  # sample by sample another domain
            size = self._problem.output_domain.size if name == OUTPUT else self._input_shapes[owner][-1]
            axes = [Dimension("point", size, {}).of(owner)]
        else:
            axes = dimensions_of(domain)
        placed = [self._place(dimension, owner) for dimension in (channels, *axes)]
        self._add(group, name, placed, entry.channels)

    def _place(self, dimension: Dimension, owner: str) -> Dimension:
        """The dimension under its own name, if that is free or means the same; else under its owner's."""
        if self._placed.setdefault(dimension.name, dimension) == dimension:
            return dimension
        return dimension.of(owner)

    def _add(self, group: "zarr.Group", name: str, axes: list[Dimension], quantities: Iterable[Quantity] = ()) -> None:
        for dimension in axes:
            _add_coordinates(group, dimension)
        shape = [dimension.size for dimension in axes]
        units = list(dict.fromkeys(quantity.units for quantity in quantities))
        auxiliary = [c for d in axes for c in d.coordinates if c != d.name]
        group.create_array(
            name,
            shape=(self._samples, *shape),
            chunks=(self._per_chunk, *shape),
            dtype=self._dtype if name == OUTPUT else "float32",
            **_PLAIN,
            fill_value=math.nan,
            dimension_names=("sample", *(dimension.name for dimension in axes)),
            attributes={
                **({"units": units[0]} if len(units) == 1 and units[0] else {}),
                **({"coordinates": " ".join(auxiliary)} if auxiliary else {}),
            },
        )

    def _add_label(self, group: "zarr.Group", name: str, values: Tensor) -> None:
        array = values.numpy()
        names = ("sample", *(f"label_{name}_{i}" for i in range(1, array.ndim)))
        stored = group.create_array(
            LABEL + name,
            shape=array.shape,
            chunks=array.shape,
            dtype=array.dtype,
            **_PLAIN,
            dimension_names=names,
        )
        stored[...] = array


def _add_coordinates(group: "zarr.Group", dimension: Dimension) -> None:
    for name, (values, units) in dimension.coordinates.items():
        if name in group:
            continue
        strings = bool(values) and isinstance(values[0], str)
        stored = group.create_array(
            name,
            shape=(dimension.size,),
            chunks=(dimension.size,),
            dtype="string" if strings else "float64",
            **_PLAIN,
            dimension_names=(dimension.name,),
            attributes={"units": units} if units else {},
        )
        stored[...] = np.array(values, dtype=object if strings else np.float64)


def _consolidate(directory: Path) -> None:
    """Repeat the arrays' metadata in the group's, so that opening reads one file."""
    import warnings

    import zarr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "not part of the specification": readers without it read the arrays' own
        zarr.consolidate_metadata(directory)
