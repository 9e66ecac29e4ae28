"""Squared error of a step in time, in units of what a step changes.

    L = mean over samples and channels of ∫ (s - ŝ)² dy / ∫ dy / σ²,    σ² the mean square of a channel's increments

Where all channels count alike, those that hardly change weigh as much as those that do. A channel that changes by less
than a hundredth of what the others do is not given more weight for it: its increments may be nothing but noise.

Source: Benson, Bastos, Reimers, Winkler, Yang, Reichstein, "Atmospheric transport modeling of CO2 with neural
networks", Journal of Advances in Modeling Earth Systems 17 (2025); the floor is ours.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from fredholm.data.batch import Batch
from fredholm.training.losses import Loss

_FLOOR = 0.01  # of the largest σ


class IncrementError(Loss):
    """Mean squared error by quadrature, with σ of every channel.

    >>> import torch
    >>> before, after = torch.zeros(1, 2, 4), torch.tensor([3.0, 5.0])[None, :, None].expand(1, 2, 4)
    >>> IncrementError.of(before, after).deviations
    (3.0, 5.0)
    """

    def __init__(self, deviations: Sequence[float]) -> None:
        if not all(deviation > 0 for deviation in deviations):
            raise ValueError(f"every channel has to change in a step, got deviations {tuple(deviations)}")
        self.deviations = tuple(deviations)

    @classmethod
    def of(
        cls, states: Float[Tensor, "samples channels *shape"], outputs: Float[Tensor, "samples channels *shape"]
    ) -> "IncrementError":
        """With σ from the states before and after some steps."""
        square = (outputs - states).double().square().transpose(0, 1).flatten(1).mean(1)
        return cls(square.sqrt().clamp_min(_FLOOR * square.max().sqrt()).tolist())

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        deviations = prediction.new_tensor(self.deviations).reshape(-1, *[1] * (prediction.ndim - 2))
        weights = batch.weights.expand_as(batch.target)
        return (weights * ((prediction - batch.target) / deviations).square()).sum() / weights.sum()
