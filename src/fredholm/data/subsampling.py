"""The same functions known at fewer points: data on coarser grids for tests of what an operator does at resolutions.

Values are those of the finer grid at the points that both have, not averages, so that a coarser set describes the same
functions, waves it cannot tell apart included.
"""

from dataclasses import replace

import torch
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.errors import DataError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Signature


def subsampled(data: Dataset, every: int) -> Dataset:
    """The set, in memory, with every `every`-th point along each axis of every grid in it.

    Raises DataError where a function is on no grid, on a masked one, or where the points left would not reach from one
    end of an axis to the other.

    >>> from fredholm.fields.signature import Quantity
    >>> torus = Grid(Axis("x", 0.0, 1.0, 8, periodic=True))
    >>> u = Function((Quantity("u"),), DomainType.of(torus))
    >>> values = torch.rand(5, 1, 8)
    >>> data = Dataset.from_arrays(Signature({"u": u}, u), torus, {"u": values}, values, input_domains={"u": torus})
    >>> subsampled(data, 2).output_domain.shape
    (4,)
    """
    if every < 1:
        raise DataError(f"every {every}th point cannot be kept: expected 1 or more")
    if data.query is not None:
        raise DataError("the samples have query points of their own, and not the points of a grid")
    domains = {name: _thinned(name, data.input_domains.get(name), every) for name in _functions(data.signature)}
    output_domain = _thinned("the output", data.output_domain, every)
    inputs: dict[str, Function] = {
        name: replace(function, domain=DomainType.of(domains[name]))
        for name, function in _functions(data.signature).items()
    }
    signature = Signature(
        {**data.signature.inputs, **inputs}, replace(data.signature.output, domain=DomainType.of(output_domain))
    )
    samples = torch.arange(len(data))
    values = data.inputs(samples)
    return Dataset.from_arrays(
        signature,
        output_domain,
        {name: _at_every(tensor, every) if name in domains else tensor for name, tensor in values.items()},
        _at_every(data.outputs(samples), every),
        input_domains=domains,
        labels=data.labels,
    )


def _functions(signature: Signature) -> dict[str, Function]:
    return {name: entry for name, entry in signature.inputs.items() if isinstance(entry, Function)}


def _at_every(values: Tensor, every: int) -> Tensor:
    return values[(slice(None), slice(None), *[slice(None, None, every)] * (values.ndim - 2))].contiguous()


def _thinned(name: str, domain: Domain | None, every: int) -> Grid:
    if not isinstance(domain, Grid) or domain.mask is not None:
        raise DataError(f"{name} is on {domain!r}: only functions on grids without a mask are subsampled")
    return Grid(*(_thinned_axis(axis, every) for axis in domain.axes))


def _thinned_axis(axis: Axis, every: int) -> Axis:
    intervals = axis.size if axis.periodic else axis.size - 1
    if intervals % every:
        raise DataError(
            f"every {every}th of the {axis.size} points of axis {axis.name!r} does not reach its end: "
            f"{every} does not divide its {intervals} intervals"
        )
    return replace(axis, size=intervals // every + (0 if axis.periodic else 1))
