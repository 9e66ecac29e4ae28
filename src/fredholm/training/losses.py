"""Losses: what a training step makes small.

A loss is an object that is called with a prediction and the batch it belongs to. Losses that learn something of their
own (`SelfAdaptiveWeights`) are hooks as well, and their state is part of every checkpoint.
"""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.batch import Batch

_TINY = 1e-30  # keeps 0 / 0 of a sample that is zero everywhere finite


class Loss(ABC):
    """A scalar of a prediction (batch, channels, ...) and its batch."""

    @abstractmethod
    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        """The value to make small."""

    def by_sample(self, prediction: Tensor, batch: Batch) -> Float[Tensor, " batch"]:
        """The loss of each sample, as if it were alone in the batch.

        >>> batch = Batch({}, None, torch.zeros(2, 1, 3), torch.ones(3), torch.arange(2))
        >>> MeanSquaredError().by_sample(torch.tensor([1.0, 2.0])[:, None, None].expand(-1, 1, 3), batch)
        tensor([1., 4.])
        """
        return torch.stack([self(prediction[row : row + 1], batch.alone(row)) for row in range(len(batch.samples))])


class MeanSquaredError(Loss):
    """mean (s - ŝ)² over samples, channels and points."""

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        return torch.nn.functional.mse_loss(prediction, batch.target)


class QuadratureSquaredError(Loss):
    """mean over samples and channels of ∫ (s - ŝ)² dy / ∫ dy, by the quadrature weights of the batch's points.

    Unlike the mean over points it does not depend on where a mesh is fine, and masked points (of weight zero) do not
    count.
    """

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        weights = batch.weights.expand_as(batch.target)
        return (weights * (prediction - batch.target).square()).sum() / weights.sum()


class RelativeL2(Loss):
    """mean over samples of ‖s - ŝ‖ / ‖s‖, norms by the quadrature weights of the batch's points."""

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        error = (batch.weights * (prediction - batch.target).square()).flatten(1).sum(1)
        norm = (batch.weights * batch.target.square()).flatten(1).sum(1)
        return (error / norm.clamp_min(_TINY)).sqrt().mean()
