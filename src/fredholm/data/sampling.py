"""Samplers: what a training step draws from a data set.

Let b functions and m points be drawn. In the Cartesian layout all functions share the points, so that branch
and trunk of a DeepONet are evaluated b + m times for b m values; in the paired layout every function has
points of its own (Lu, Jin, Pang, Zhang, Karniadakis 2021, as "triples").

Every draw is uniform and without replacement *within* a batch, and independent of the draws before it: the
state of the generator is all there is, so that a run resumed from a checkpoint draws what it would have
drawn. (Shuffled epochs would need the place in the epoch as well.) A batch never holds a function or point
twice: where more are asked for than there are, it holds each once.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from fredholm.data.batch import Batch
from fredholm.data.dataset import Dataset
from fredholm.errors import DataError

_DENSE = 4  # shuffle all of n where at least n / _DENSE are drawn; below, redrawing repeats is cheaper
_SHORT = 8192  # one row of no more than these is permuted in less time than it takes to look for repeats


class Sampler(ABC):
    """Draws a batch; equal generator states, equal batches."""

    @abstractmethod
    def draw(self, dataset: Dataset, generator: torch.Generator) -> Batch:
        """The next batch of `dataset`."""


@dataclass(frozen=True)
class WholeFields(Sampler):
    """`functions` functions with their whole output: on the output domain, or at stored query points."""

    functions: int

    def draw(self, dataset: Dataset, generator: torch.Generator) -> Batch:
        samples = _draw_functions(dataset, self.functions, generator)
        if dataset.query is None:
            query, weights = None, dataset.output_points.weights.reshape(dataset.output_domain.shape)
        else:
            query = dataset.query[samples]
            weights = _equal_weights(dataset)
        return Batch(dataset.inputs(samples), query, dataset.outputs(samples), weights, samples)


@dataclass(frozen=True)
class CartesianPoints(Sampler):
    """`functions` functions at `points` points of the output domain that they share: query (m, d)."""

    functions: int
    points: int

    def draw(self, dataset: Dataset, generator: torch.Generator) -> Batch:
        if dataset.query is not None:
            raise DataError(
                "the samples of this data set have query points of their own, so that they cannot share "
                "points: draw PairedPoints or WholeFields"
            )
        samples = _draw_functions(dataset, self.functions, generator)
        domain = dataset.output_points
        points = domain.inside[draw_distinct(1, self.points, len(domain.inside), generator)[0]]
        return Batch(
            dataset.inputs(samples),
            domain.coordinates[points],
            dataset.outputs_at(samples, points),
            domain.weights[points],
            samples,
            points,
        )


@dataclass(frozen=True)
class PairedPoints(Sampler):
    """`functions` functions, each at `points` points of its own: query (b, m, d)."""

    functions: int
    points: int

    def draw(self, dataset: Dataset, generator: torch.Generator) -> Batch:
        samples = _draw_functions(dataset, self.functions, generator)
        if dataset.query is None:
            domain = dataset.output_points
            points = domain.inside[draw_distinct(len(samples), self.points, len(domain.inside), generator)]
            query, weights = domain.coordinates[points], domain.weights[points].unsqueeze(1)
        else:
            points = draw_distinct(len(samples), self.points, dataset.query.shape[1], generator)
            query, weights = dataset.query[samples[:, None], points], _equal_weights(dataset)[points]
            weights = weights.unsqueeze(1)
        target = dataset.outputs_at(samples, points)
        return Batch(dataset.inputs(samples), query, target, weights, samples, points)


def draw_distinct(rows: int, count: int, total: int, generator: torch.Generator) -> Int[Tensor, "rows count"]:
    """`rows` independent, uniform subsets of {0, ..., total - 1}, each of min(count, total) elements.

    >>> sorted(draw_distinct(1, 9, 4, torch.Generator().manual_seed(0))[0].tolist())
    [0, 1, 2, 3]
    """
    if count * _DENSE >= total:
        return torch.rand(rows, total, generator=generator).argsort(1)[:, :count]
    if rows == 1 and total <= _SHORT:
        return torch.randperm(total, generator=generator)[None, :count]
    drawn = torch.randint(total, (rows, count), generator=generator)
    todo = torch.arange(rows)
    while len(todo):
        # Sorted, repeats are neighbours. All but the first of equals are drawn again, which treats all points
        # alike, so that every subset remains equally likely.
        part = drawn[todo]
        part.numpy().sort(axis=1)  # in place; several times as fast as torch's, which also returns the order
        repeated = torch.zeros_like(part, dtype=torch.bool)
        repeated[:, 1:] = part[:, 1:] == part[:, :-1]
        part[repeated] = torch.randint(total, (int(repeated.sum()),), generator=generator)
        drawn[todo] = part
        todo = todo[repeated.any(1)]
    return drawn


def _draw_functions(dataset: Dataset, functions: int, generator: torch.Generator) -> Int[Tensor, " b"]:
    return draw_distinct(1, functions, len(dataset), generator)[0]


def _equal_weights(dataset: Dataset) -> Tensor:
    """Each stored query point stands for an equal share of the output domain's bounding box."""
    assert dataset.query is not None
    lower, upper = dataset.output_domain.bounds
    m = dataset.query.shape[1]
    return torch.full((m,), float((upper - lower).prod()) / m)
