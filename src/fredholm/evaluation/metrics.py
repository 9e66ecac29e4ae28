"""Errors of predictions: relative, in units, by sample, and by window of one coordinate. Norms are by quadrature.

relative L2 of a sample = (Σ w (ŝ - s)²)^½ / (Σ w s²)^½        RMSE = (Σ w (ŝ - s)² / Σ w)^½
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fredholm.data.dataset import Dataset

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


def measure(predict: Predictor, data: Dataset, windows: int = 4, batch: int = 4) -> Errors:
    """Errors of `predict(samples)` against the outputs of `data`, a few samples in memory at a time."""
    weights = point_weights(data)
    parts: list[tuple[Tensor, ...]] = []
    for samples in batches(data, batch):
        prediction, truth = predict(samples), data.outputs(samples)
        squared, energy = (prediction - truth).square() * weights, truth.square() * weights
        error, norm = squared.flatten(1).sum(1), energy.flatten(1).sum(1)
        volume = (torch.ones_like(truth) * weights).flatten(1).sum(1)
        largest = ((prediction - truth).abs() * (weights > 0)).flatten(1).amax(1)
        shares = [
            (a.flatten(1).sum(1) / b.flatten(1).sum(1).clamp_min(1e-30)).sqrt()
            for a, b in zip(squared.tensor_split(windows, -1), energy.tensor_split(windows, -1), strict=True)
        ]
        parts.append(
            ((error / norm.clamp_min(1e-30)).sqrt(), (error / volume).sqrt(), largest, torch.stack(shares, -1))
        )
    return Errors(*(torch.cat(column) for column in zip(*parts, strict=True)))


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

    >>> energy_decay_decibels(torch.tensor([1.0, 1.0]))[1].item()  # half the energy is left
    -3.0102999210357666
    """
    remaining = signal.square().flip(-1).cumsum(-1).flip(-1)
    return 10 * torch.log10((remaining / remaining[..., :1].clamp_min(1e-30)).clamp_min(1e-12))
