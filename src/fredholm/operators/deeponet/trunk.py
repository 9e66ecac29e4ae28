"""Trunks: basis functions t₁(y), ..., t_w(y) of the output.

Sources: Lu et al. 2021 (network trunk, activation also after its last layer); Lu et al. 2022, "A comprehensive and fair
comparison of two neural operators" (POD trunk).
"""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.affine import affine
from fredholm.layers.architecture import Described
from fredholm.operators.deeponet.modes import Modes


class Trunk(nn.Module, Described, ABC):
    """`width` basis functions, at given points or on the operator's output domain."""

    width: int

    @abstractmethod
    def forward(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch width"]:
        """The basis functions at points, in physical units."""

    def on_domain(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n width"]:
        """The basis functions on the whole output domain, whose points are `points`."""
        values: Tensor = self(points)
        return values

    def combined(
        self,
        coefficients: Float[Tensor, "batch width"],
        points: Float[Tensor, "m d"],
        constant: Float[Tensor, " 1"] | None = None,
    ) -> Float[Tensor, "batch m"]:
        """Σₖ coefficients[·, k] tₖ, and a constant, at points that all samples share."""
        return affine(coefficients, self(points), None if constant is None else constant.expand(points.shape[0]))


class NetworkTrunk(Trunk):
    """A network of the coordinates: y ↦ network(features(scaling(y)))."""

    def __init__(
        self, network: nn.Module, width: int, scaling: nn.Module | None = None, features: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.network, self.width = network, width
        self.scaling, self.features = scaling or nn.Identity(), features or nn.Identity()

    def forward(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch width"]:
        values: Tensor = self.network(self.features(self.scaling(points)))
        return values


class PODTrunk(Trunk):
    """Fixed modes, such as the leading singular vectors of training data."""

    def __init__(self, modes: Modes) -> None:
        super().__init__()
        self.modes, self.width = modes, modes.rank

    def forward(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch width"]:
        return self.modes.at(points)

    def on_domain(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n width"]:
        return self.modes.on_domain()

    def combined(
        self,
        coefficients: Float[Tensor, "batch width"],
        points: Float[Tensor, "m d"],
        constant: Float[Tensor, " 1"] | None = None,
    ) -> Float[Tensor, "batch m"]:
        values = self.modes.combined(coefficients, points)
        return values if constant is None else values + constant


class JoinedTrunk(Trunk):
    """Basis functions of several trunks one after the other: independent trunks for several outputs."""

    def __init__(self, trunks: list[Trunk]) -> None:
        super().__init__()
        self.trunks = nn.ModuleList(trunks)
        self.width = sum(trunk.width for trunk in trunks)

    def forward(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch width"]:
        return torch.cat([trunk(points) for trunk in self.trunks], dim=-1)

    def on_domain(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n width"]:
        return torch.cat([trunk.on_domain(points) for trunk in self.trunks], dim=-1)  # type: ignore[operator]
