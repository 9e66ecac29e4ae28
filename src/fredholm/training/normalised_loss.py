"""The squared error in units of the truth, the loss by which flows of very different speeds train together.

    mean over samples of Σ (ŝ - s)² / Σ s²      sums over the channels and points of a batch

It is the measure by which steps in time are judged, so that a slow flow counts for as much as a fast one. Where a mask
makes prediction and truth zero, neither sum has a share of it.

Source: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023;
there the sums of the loss are over a whole batch, by which fast flows outweigh slow ones.
"""

from jaxtyping import Float
from torch import Tensor

from fredholm.data.batch import Batch
from fredholm.training.losses import Loss

_TINY = 1e-30  # keeps 0 / 0 of a sample that is zero everywhere finite


class NormalisedSquaredError(Loss):
    """Mean over samples of Σ (ŝ - s)² / Σ s²: the square of the relative error."""

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        error = (prediction - batch.target).square().flatten(1).sum(1)
        return (error / batch.target.square().flatten(1).sum(1).clamp_min(_TINY)).mean()
