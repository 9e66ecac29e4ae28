"""Normalised mean squared errors, by sample and of a whole set.

    NMSE of a sample = Σ (ŝ - s)² / Σ s²        pooled NMSE = Σ over all samples (ŝ - s)² / Σ over all samples s²

The mean over samples and the pooled value differ by orders of magnitude where the samples' norms do: the first weighs a
slow flow like a fast one, the second hardly at all. So both are told.

Source: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.evaluation.metrics import batches
from fredholm.operators.operator import Operator


@dataclass(frozen=True)
class NormalisedErrors:
    """Squared errors and squared norms of every sample; further axes, such as of time, are kept.

    >>> truth = torch.tensor([[[1.0, 1.0]], [[10.0, 10.0]]])
    >>> errors = NormalisedErrors.of(truth + 1, truth)
    >>> round(float(errors.mean()), 3), round(float(errors.pooled()), 4)
    (0.505, 0.0198)
    """

    squares: Float[Tensor, "n *steps"]
    norms: Float[Tensor, "n *steps"]

    @classmethod
    def of(
        cls,
        prediction: Float[Tensor, "n *steps_and_points"],
        truth: Float[Tensor, "n *steps_and_points"],
        steps: int = 0,
    ) -> "NormalisedErrors":
        """Sums over all axes but the first and `steps` more, in float64."""
        error, norm = (prediction - truth).double().square(), truth.double().square()
        return cls(error.flatten(1 + steps).sum(-1), norm.flatten(1 + steps).sum(-1))

    @property
    def each(self) -> Float[Tensor, "n *steps"]:
        """NMSE of every sample; infinite or undefined where a truth is zero."""
        return self.squares / self.norms

    def mean(self) -> Float[Tensor, "*steps"]:
        """Mean NMSE over samples."""
        return self.each.mean(0)

    def pooled(self) -> Float[Tensor, "*steps"]:
        """NMSE of all samples together."""
        return self.squares.sum(0) / self.norms.sum(0)


def normalised_errors(operator: Operator, data: Dataset, channel: int = 0, batch: int = 64) -> NormalisedErrors:
    """Errors of one output channel of an operator on its output domain, over a data set."""
    parts = []
    with torch.inference_mode():
        for samples in batches(data, batch):
            prediction, truth = operator(data.inputs(samples)), data.outputs(samples)
            parts.append(NormalisedErrors.of(prediction[:, channel], truth[:, channel]))
    return NormalisedErrors(torch.cat([part.squares for part in parts]), torch.cat([part.norms for part in parts]))
