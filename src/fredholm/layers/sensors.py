"""Sensors: how a branch sees an input function or parameter, as a vector of numbers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.layers.architecture import Described


class Sensors(nn.Module, Described, ABC):
    """Inputs of a signature to features (batch, width), linearly."""

    width: int

    @abstractmethod
    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        """The features."""


class FunctionSensors(Sensors):
    """scale u(xᵢ) of the input function `name`, for all channels and the points xᵢ of `at`.

    u is interpolated from `domain`, where it is given, by the domain's stencil; without `at`, all points are sensors.
    """

    indices: Tensor
    weights: Tensor

    def __init__(
        self, name: str, domain: Domain, at: Domain | None = None, channels: int = 1, scale: float = 1.0
    ) -> None:
        super().__init__()
        self.name, self.scale = name, scale
        self.width = channels * (domain if at is None else at).size
        self.axes = len(domain.shape)
        self.interpolates = at is not None
        if at is not None:
            stencil = domain.stencil(at.coordinates())
            self.register_buffer("indices", stencil.indices, persistent=False)
            self.register_buffer("weights", stencil.weights.float(), persistent=False)

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        values = inputs[self.name].flatten(-self.axes)
        if self.interpolates:
            near = values[..., self.indices.reshape(-1)].unflatten(-1, self.indices.shape)
            values = (near * self.weights).sum(-1)
        return self.scale * values.flatten(1)


class ParameterSensors(Sensors):
    """scale (λ - shift) of the input parameter `name`, (batch, components)."""

    def __init__(self, name: str, components: int, scale: float = 1.0, shift: float = 0.0) -> None:
        super().__init__()
        self.name, self.width, self.scale, self.shift = name, components, scale, shift

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        return self.scale * (inputs[self.name] - self.shift)


class Concatenated(Sensors):
    """Features of several inputs, one after the other, for each sample."""

    def __init__(self, parts: list[Sensors]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.width = sum(part.width for part in parts)

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        return torch.cat([part(inputs) for part in self.parts], dim=-1)
