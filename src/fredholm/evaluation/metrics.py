"""Errors of predictions: relative, in units, by sample, and by window of one coordinate. Norms are by quadrature.

relative L2 of a sample = (Σ w (ŝ - s)²)^½ / (Σ w s²)^½        RMSE = (Σ w (ŝ - s)² / Σ w)^½
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fredholm.data.cluster import Cluster
from fredholm.data.dataset import Dataset
from fredholm.operators.operator import Operator

_TASK = 256  # samples that a process of a cluster measures at a time

Predictor = Callable[[Int[Tensor, " b"]], Tensor]


@dataclass(frozen=True)
class Errors:
    """Errors of every sample of a data set; `windows` are relative L2 errors by window of the last coordinate."""

    relative_l2: Float[Tensor, " n"]
    rmse: Float[Tensor, " n"]
    largest: Float[Tensor, " n"]
    windows: Float[Tensor, "n windows"]

    @property
    def mean(self) -> float:
        """Mean relative L2 error over the samples."""
        return float(self.relative_l2.mean())

    @property
    def total_rmse(self) -> float:
        """Root of the mean squared error over all samples, in the output's units."""
        return float(self.rmse.square().mean().sqrt())


@dataclass(frozen=True)
class Answers:
    """What an operator answers to samples of `data`, on the output domain or at their own query points."""

    operator: Operator
    data: Dataset

    def __call__(self, samples: Int[Tensor, " b"]) -> Tensor:
        query = None if self.data.query is None else self.data.query[samples]
        with torch.inference_mode():
            values: Tensor = self.operator(self.data.inputs(samples), query)
        return values


def measure(
    predict: Predictor, data: Dataset, windows: int = 4, batch: int = 4, workers: Cluster | None = None
) -> Errors:
    """Errors of `predict(samples)` against the outputs of `data`, a few samples in memory at a time.

    A cluster of `workers` shares the samples, and is sent what predicts and the data; a stored set is read where it is
    stored. The batches, and so the numbers, are the same.
    """
    measuring = _Measuring(predict, data, windows, batch)
    if workers is None:
        return _joined([measuring(range(len(data)))])
    size = max(1, _TASK // batch) * batch
    tasks = [range(len(data))[first : first + size] for first in range(0, len(data), size)]
    found = {part.first: part for part in workers.run(measuring, tasks)}
    return _joined([found[task.start] for task in tasks])


class _Part(NamedTuple):
    """Errors of the samples from `first` on."""

    first: int
    errors: Errors


@dataclass(frozen=True)
class _Measuring:
    """Errors of a run of samples, in whichever process."""

    predict: Predictor
    data: Dataset
    windows: int
    batch: int

    def __call__(self, task: range) -> _Part:
        weights = point_weights(self.data)
        parts = [self._of(samples, weights) for samples in torch.arange(task.start, task.stop).split(self.batch)]
        return _Part(task.start, Errors(*(torch.cat(column) for column in zip(*parts, strict=True))))

    def _of(self, samples: Int[Tensor, " b"], weights: Tensor) -> tuple[Tensor, ...]:
        prediction, truth = self.predict(samples), self.data.outputs(samples)
        squared, energy = (prediction - truth).square() * weights, truth.square() * weights
        error, norm = squared.flatten(1).sum(1), energy.flatten(1).sum(1)
        volume = (torch.ones_like(truth) * weights).flatten(1).sum(1)
        largest = ((prediction - truth).abs() * (weights > 0)).flatten(1).amax(1)
        shares = [
            (a.flatten(1).sum(1) / b.flatten(1).sum(1).clamp_min(1e-30)).sqrt()
            for a, b in zip(squared.tensor_split(self.windows, -1), energy.tensor_split(self.windows, -1), strict=True)
        ]
        return (error / norm.clamp_min(1e-30)).sqrt(), (error / volume).sqrt(), largest, torch.stack(shares, -1)


def _joined(parts: Sequence[_Part]) -> Errors:
    names = [field.name for field in fields(Errors)]
    return Errors(*(torch.cat([getattr(part.errors, name) for part in parts]) for name in names))


def point_weights(data: Dataset) -> Tensor:
    """Quadrature weights shaped like one channel of an output; equal ones at stored query points."""
    if data.query is not None:
        return torch.ones(data.query.shape[1])
    return data.output_domain.weights().float().reshape(data.output_domain.shape)


def batches(data: Dataset, size: int) -> Iterator[Int[Tensor, " b"]]:
    """All samples, `size` at a time."""
    yield from torch.arange(len(data)).split(size)


def window_edges(data: Dataset, windows: int = 4) -> list[tuple[float, float]]:
    """Lower and upper end of every window of the last coordinate."""
    shape, axis = data.output_domain.shape, data.output_domain.coordinate_axes[-1]
    parts = torch.linspace(axis.lower, axis.upper, shape[-1]).tensor_split(windows)
    return [(float(part[0]), float(part[-1])) for part in parts if len(part)]


def energy_decay_decibels(signal: Float[Tensor, "*batch times"]) -> Float[Tensor, "*batch times"]:
    """Schroeder's energy decay curve, 10 log₁₀ of ∫ₜ^∞ p² over ∫₀^∞ p², in dB.

    >>> round(energy_decay_decibels(torch.tensor([1.0, 1.0]))[1].item(), 3)  # half the energy is left
    -3.01
    """
    remaining = signal.square().flip(-1).cumsum(-1).flip(-1)
    return 10 * torch.log10((remaining / remaining[..., :1].clamp_min(1e-30)).clamp_min(1e-12))
