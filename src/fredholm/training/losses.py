"""Losses: what a training step makes small.

A loss is an object that is called with a prediction and the batch it belongs to. Losses that learn something of
their own, such as adaptive weights, are hooks as well, and their state is part of every checkpoint.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.data.batch import Batch
from fredholm.training.hooks import Hook


class Loss(ABC):
    """A scalar of a prediction (batch, channels, ...) and its batch."""

    @abstractmethod
    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        """The value to make small."""


class MeanSquaredError(Loss):
    """mean (s - ŝ)² over samples, channels and points."""

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        return torch.nn.functional.mse_loss(prediction, batch.target)


class RelativeL2(Loss):
    """mean over samples of ‖s - ŝ‖ / ‖s‖, norms by the quadrature weights of the batch's points."""

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        error = (batch.weights * (prediction - batch.target).square()).flatten(1).sum(1)
        norm = (batch.weights * batch.target.square()).flatten(1).sum(1)
        return (error / norm.clamp_min(1e-30)).sqrt().mean()


class SelfAdaptiveWeights(Loss, Hook):
    """mean (s - w ŝ)², where w ascends while the operator descends.

    One weight for every training sample and every bin of one coordinate (the time, say) starts at 1, takes Adam steps
    uphill at `rate` and stays within [0, ceiling]. So late, weak reflections can come to count as much as the first
    pulse.

    Source: McClenny and Braga-Neto 2023 for the ascent; Borrel-Jensen et al. 2024 for w on the prediction inside the
    square. Their weights belong to places in a batch; here they belong to samples and bins, which keep their meaning.

    Args:
        samples: size of the training set.
        coordinate: index of the coordinate that is binned.
        bounds: its lower and upper end.
        bins: number of bins.
        rate: of the ascent.
        ceiling: largest weight.
    """

    def __init__(
        self,
        samples: int,
        coordinate: int,
        bounds: tuple[float, float],
        bins: int = 16,
        rate: float = 1e-5,
        ceiling: float = 1000.0,
    ) -> None:
        self.weights = nn.Parameter(torch.ones(samples, bins))
        self.coordinate, self.bounds, self.bins, self.ceiling = coordinate, bounds, bins, ceiling
        self.optimizer = torch.optim.Adam([self.weights], lr=rate, maximize=True)

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        if batch.query is None:
            raise ValueError("adaptive weights need a sampler of points: CartesianPoints or PairedPoints")
        lower, upper = self.bounds
        position = (batch.query[..., self.coordinate] - lower) / (upper - lower)
        bins = (position * self.bins).long().clamp(0, self.bins - 1)
        samples = batch.samples[:, None]
        weights = self.weights[samples, bins if bins.ndim == 2 else bins[None]]
        return (batch.target - weights[:, None] * prediction).square().mean()

    def after_backward(self, iteration: int) -> None:
        self.optimizer.step()
        self.optimizer.zero_grad()
        with torch.no_grad():
            self.weights.clamp_(0.0, self.ceiling)

    def state_dict(self) -> dict[str, Any]:
        return {"weights": self.weights.data, "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        with torch.no_grad():
            self.weights.copy_(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
