"""Sensors adapted to data: standardised, or whitened to few coordinates. What was fitted is saved with the weights.

For features x of n training samples with mean μ, deviation s and singular value decomposition Σᵢ σᵢ uᵢ vᵢᵀ,

    Standardised   x ↦ (x - μ) / s
    Whitened       x ↦ √n (v₁·x / σ₁, ..., v_r·x / σ_r)

Whitening takes no mean away, so that it is linear. Its coordinates are orthogonal over the samples and of mean square
one, as gradient descent on a linear map needs; what lies beyond the leading r directions is dropped.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.sensors import Sensors


class Standardised(Sensors):
    """(x - mean) / deviation of each feature of `sensors`; a feature that does not vary is only centred."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, sensors: Sensors) -> None:
        super().__init__()
        self.sensors, self.width = sensors, sensors.width
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("deviation", torch.ones(self.width))

    @classmethod
    def of(cls, sensors: Sensors, inputs: Mapping[str, Tensor]) -> "Standardised":
        """Fitted to training inputs."""
        adapted = cls(sensors)
        adapted.fit(inputs)
        return adapted

    def fit(self, inputs: Mapping[str, Tensor]) -> None:
        """Take mean and deviation from training inputs."""
        with torch.no_grad():
            features = self.sensors(inputs).double()
            deviation = features.std(0, correction=0)
            varies = deviation > 1e-6 * features.abs().amax(0)
            self.mean.copy_(features.mean(0))
            self.deviation.copy_(torch.where(varies, deviation, 1.0))

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        features: Tensor = self.sensors(inputs)
        return (features - self.mean) / self.deviation


class Whitened(Sensors):
    """The leading `rank` whitened coordinates of the features of `sensors`."""

    directions: Tensor

    def __init__(self, sensors: Sensors, rank: int) -> None:
        super().__init__()
        self.sensors, self.width = sensors, rank
        self.register_buffer("directions", torch.zeros(sensors.width, rank))

    @classmethod
    def of(cls, sensors: Sensors, inputs: Mapping[str, Tensor], rank: int) -> "Whitened":
        """Fitted to training inputs; raises ValueError if they span fewer than `rank` directions."""
        features = sensors(inputs).double()
        _, singular, right = torch.linalg.svd(features, full_matrices=False)
        spanned = int((singular > 1e-6 * singular[0]).sum())  # float32 inputs are noise beyond that
        if rank > spanned:
            raise ValueError(f"the inputs span {spanned} directions at the sensors, fewer than the {rank} asked for")
        adapted = cls(sensors, rank)
        adapted.directions = (len(features) ** 0.5 * right[:rank].T / singular[:rank]).float()
        return adapted

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        features: Tensor = self.sensors(inputs)
        return features @ self.directions


def fit_sensors(module: nn.Module, inputs: Mapping[str, Tensor]) -> None:
    """Fit all standardised sensors inside a module to training inputs, in place."""
    for part in module.modules():
        if isinstance(part, Standardised):
            part.fit(inputs)
