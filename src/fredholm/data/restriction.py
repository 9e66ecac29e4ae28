"""The same functions on a part of their output domain: what a sub-domain's network learns from."""

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from fredholm.data.dataset import Dataset, Description
from fredholm.data.source import ArraySource
from fredholm.errors import DataError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.product import Product
from fredholm.fields.signature import DomainType, Signature

_TOLERANCE = 1e-6  # of a spacing


def restricted(data: Dataset, box: Mapping[str, tuple[float, float]]) -> Dataset:
    """The set, in memory, with its outputs on the least part of the grid that holds a box, and its inputs as they are.

    Raises DataError for outputs on no grid, for an axis that they do not have or that is periodic, and for a box beside
    the domain.

    >>> from fredholm.problems import Darcy
    >>> from fredholm.data.simulation import simulate
    >>> restricted(simulate(Darcy(points=9), 2, seed=0), {"x": (0.0, 0.5)}).output_domain.shape
    (5, 9)
    """
    if data.query is not None:
        raise DataError("the samples have query points of their own, and not the points of a grid")
    names = [axis.name for axis in data.output_domain.coordinate_axes]
    if unknown := sorted(set(box) - set(names)):
        raise DataError(f"the output has no axis {unknown[0]!r}; it has {', '.join(names)}")
    domain, kept = _cut(data.output_domain, box)
    signature = Signature(data.signature.inputs, replace(data.signature.output, domain=DomainType.of(domain)))
    samples = torch.arange(len(data))
    outputs = data.outputs(samples)
    for axis, points in enumerate(kept, start=2):
        outputs = outputs.index_select(axis, points)
    about = Description(signature, domain, data.input_domains, data.problem, data.failures)
    return Dataset(about, ArraySource(data.inputs(samples), outputs, None, data.labels))


def _cut(domain: Domain, box: Mapping[str, tuple[float, float]]) -> tuple[Domain, list[Tensor]]:
    """The points of a domain that are in the box, and which they are along each axis."""
    if isinstance(domain, Product):
        (first, of_first), (second, of_second) = _cut(domain.first, box), _cut(domain.second, box)
        return Product(first, second), of_first + of_second
    if not isinstance(domain, Grid):
        if set(box) & {axis.name for axis in domain.coordinate_axes}:
            raise DataError(f"{domain!r} is no grid: only functions on grids are restricted to a box")
        return domain, [torch.arange(size) for size in domain.shape]
    axes, kept = zip(*(_cut_axis(axis, box.get(axis.name)) for axis in domain.axes), strict=True)
    mask = domain.mask
    if mask is not None:
        for place, points in enumerate(kept):
            mask = mask.index_select(place, points)
    return Grid(*axes, mask=mask), list(kept)


def _cut_axis(axis: Axis, ends: tuple[float, float] | None) -> tuple[Axis, Tensor]:
    if ends is None:
        return axis, torch.arange(axis.size)
    if axis.periodic:
        raise DataError(f"axis {axis.name!r} is periodic and has no part: restrict another one")
    places = [(end - axis.lower) / axis.spacing for end in ends]
    first = max(0, math.floor(places[0] + _TOLERANCE))
    last = min(axis.size - 1, math.ceil(places[1] - _TOLERANCE))
    if last <= first:
        raise DataError(
            f"{ends[0]:g} <= {axis.name} <= {ends[1]:g} is no part of the axis, which goes from {axis.lower:g} to "
            f"{axis.upper:g}"
        )
    kept = torch.arange(first, last + 1)
    points = axis.points()[kept]
    return replace(axis, lower=float(points[0]), upper=float(points[-1]), size=len(kept)), kept
