"""Coordinates as networks like them: scaled to order one, and lifted to sines and cosines.

Source: Borrel-Jensen et al. 2024 for the scaling of space and time with one speed, and for the frequencies.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.layers.architecture import Described


class CoordinateScaling(nn.Module, Described):
    """y ↦ scale y + shift, coordinate by coordinate.

    >>> from fredholm.fields.grid import Axis, Grid
    >>> CoordinateScaling.box(Grid(Axis("x", 0.0, 4.0, 5)))(torch.tensor([[0.0], [3.0]])).tolist()
    [[-1.0], [0.5]]
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, scale: Sequence[float], shift: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32), persistent=False)
        self.register_buffer("shift", torch.tensor(shift, dtype=torch.float32), persistent=False)

    @classmethod
    def box(cls, domain: Domain) -> "CoordinateScaling":
        """Every coordinate of the domain onto [-1, 1]."""
        lower, upper = domain.bounds.tolist()
        scale = [2 / (b - a) for a, b in zip(lower, upper, strict=True)]
        return cls(scale, [-1 - s * a for s, a in zip(scale, lower, strict=True)])

    @classmethod
    def waves(cls, domain: Domain, speed: float) -> "CoordinateScaling":
        """Space isotropically onto [-1, 1], time as t' = c t / (2 L), where L is the largest extent in space.

        Space and time share the speed c and the length L, so that waves keep one speed in every direction.
        """
        axes = domain.coordinate_axes
        space = [axis for axis in axes if axis.name != "t"]
        lower, length = min(a.lower for a in space), max(a.upper for a in space) - min(a.lower for a in space)
        scale = [speed / (2 * length) if axis.name == "t" else 2 / length for axis in axes]
        return cls(scale, [0.0 if axis.name == "t" else -1 - 2 * lower / length for axis in axes])

    def forward(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        return points * self.scale + self.shift


class PeriodicScaling(nn.Module, Described):
    """y ↦ cos and sin of 2π (y - a) / L on periodic axes [a, a + L), and y onto [-1, 1] on the others.

    What a network makes of it closes on itself along the periodic axes, exactly.

    >>> from fredholm.fields.grid import Axis, Grid
    >>> scaling = PeriodicScaling.of(Grid(Axis("x", 0.0, 4.0, 4, periodic=True), Axis("y", 0.0, 2.0, 3)))
    >>> scaling(torch.tensor([[1.0, 2.0]])).round(decimals=4).tolist()
    [[-0.0, 1.0, 1.0]]
    """

    lower: Tensor
    extent: Tensor

    def __init__(self, lower: Sequence[float], extent: Sequence[float], periodic: Sequence[bool]) -> None:
        super().__init__()
        self.periodic = tuple(periodic)
        self.width = sum(2 if closes else 1 for closes in self.periodic)
        self.register_buffer("lower", torch.tensor(lower, dtype=torch.float32), persistent=False)
        self.register_buffer("extent", torch.tensor(extent, dtype=torch.float32), persistent=False)

    @classmethod
    def of(cls, domain: Domain) -> "PeriodicScaling":
        """For the bounds of a domain, and those of its axes that are periodic."""
        axes = domain.coordinate_axes
        return cls([a.lower for a in axes], [a.upper - a.lower or 1.0 for a in axes], [a.periodic for a in axes])

    def forward(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch width"]:
        unit = (points - self.lower) / self.extent
        columns = []
        for i, closes in enumerate(self.periodic):
            y = unit[..., i : i + 1]
            columns += [torch.cos(2 * math.pi * y), torch.sin(2 * math.pi * y)] if closes else [2 * y - 1]
        return torch.cat(columns, dim=-1)


class FourierFeatures(nn.Module, Described):
    """y ↦ [y, cos 2π f₁ y, ..., cos 2π fₖ y, sin 2π f₁ y, ..., sin 2π fₖ y], each f on all of y.

    >>> FourierFeatures([1.0, 0.5]).width(3)
    15
    """

    angular: Tensor

    def __init__(self, frequencies: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("angular", 2 * math.pi * torch.tensor(frequencies, dtype=torch.float32), persistent=False)

    def width(self, dimension: int) -> int:
        """Number of features of a point in `dimension` dimensions."""
        return dimension * (1 + 2 * len(self.angular))

    def forward(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch features"]:
        angles = (points.unsqueeze(-2) * self.angular.unsqueeze(-1)).flatten(-2)
        return torch.cat([points, torch.cos(angles), torch.sin(angles)], dim=-1)
