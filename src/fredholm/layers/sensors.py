"""Sensors: how a branch sees an input function or parameter, as a vector of numbers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import DomainType, Parameter, Signature
from fredholm.layers.architecture import Described
from fredholm.layers.grid_inputs import GridInputs


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
        values = values.flatten(1)
        return values if self.scale == 1 else self.scale * values


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


class ImageSensors(Sensors):
    """All inputs as channels of one image on the grid of `domain`, flat; parameters are constant over it.

    Raises SignatureError for an input that cannot be brought onto the grid.
    """

    def __init__(self, signature: Signature, domain: Domain) -> None:
        super().__init__()
        self.image = GridInputs(signature, domain, coordinates=False)
        self.channels, self.shape = self.image.channels, domain.shape
        self.width = self.channels * domain.size

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        channels: Tensor = self.image(inputs)
        return channels.flatten(1)


def all_sensors(signature: Signature, output_domain: Domain) -> dict[str, Sensors]:
    """For every input of a signature, by name, all of its values.

    Raises SignatureError for an input function whose points differ from sample to sample: what is seen of them would
    have no order and no fixed number.

    >>> from fredholm.fields import Axis, DomainType, Function, Grid, Quantity
    >>> line = Grid(Axis("x", 0.0, 1.0, 8))
    >>> on_line = Function((Quantity("u"),), DomainType.of(line))
    >>> all_sensors(Signature({"u": on_line, "k": Parameter((Quantity("k"),))}, on_line), line)["u"].width
    8
    """
    sensors: dict[str, Sensors] = {}
    for name, entry in signature.inputs.items():
        if isinstance(entry, Parameter):
            sensors[name] = ParameterSensors(name, len(entry.components))
            continue
        if entry.domain.shape is None:
            raise SignatureError(
                f"input {name!r} has points of each sample's own, and sensors need fixed ones: interpolate it onto a "
                "domain, or take an operator for clouds that differ"
            )
        same = entry.domain == DomainType.of(output_domain)
        domain = output_domain if same else entry.domain.grid()
        sensors[name] = FunctionSensors(name, domain, channels=len(entry.channels))
    return sensors
