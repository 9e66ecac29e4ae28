"""The squared error in deviations of each channel, so that pascals and per cents count alike.

mean over samples, channels c and points of ((ŝ_c - s_c) / σ_c)²
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.batch import Batch
from fredholm.training.losses import Loss


class ChannelSquaredError(Loss):
    """Mean squared error of channels divided by their deviations σ.

    >>> loss = ChannelSquaredError.of(torch.tensor([[[0.0, 2e5], [0.0, 2.0]]]))
    >>> [round(scale, 1) for scale in loss.deviations]
    [100000.0, 1.0]
    """

    def __init__(self, deviations: Sequence[float]) -> None:
        if not all(0 < deviation < float("inf") for deviation in deviations):
            raise ValueError(f"deviations of channels must be positive and finite, got {list(deviations)}")
        self.deviations = tuple(deviations)

    @classmethod
    def of(cls, outputs: Float[Tensor, "samples channels *shape"]) -> "ChannelSquaredError":
        """With the deviations of training outputs."""
        return cls(outputs.double().transpose(0, 1).flatten(1).std(1, correction=0).tolist())

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        scale = torch.tensor(self.deviations).to(prediction)
        error = (prediction - batch.target) / scale.reshape(-1, *[1] * (prediction.ndim - 2))
        return error.square().mean()
