"""Decoders: from a latent vector to a function, as a MultiONet whose points all latent vectors share.

    f(x; β) = m(x) [(1/l) Σ_{i=D-l+1..D} ωᵢ ⟨hᵢ(x), aᵢ(β)⟩ + b₀]

m is a factor that vanishes where f is known to, such as on the walls. The trunk hᵢ is evaluated once for all β, and so
are its derivatives: ∇f is a sum of products of aᵢ(β) and ∇(m hᵢ)(x).

Source: Zang, Koutsourelakis, "DGenNO", J. Comput. Phys. 538 (2025).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.layers.architecture import Described
from fredholm.layers.forward_mode import layers_with_derivatives
from fredholm.layers.perceptron import LayerwiseMLP


class BoundaryFactor(nn.Module, Described, ABC):
    """A factor m(x) of a function."""

    @abstractmethod
    def forward(self, points: Float[Tensor, "m d"]) -> Float[Tensor, " m"]:
        """M at points."""

    @abstractmethod
    def gradient(self, points: Float[Tensor, "m d"]) -> Float[Tensor, "d m"]:
        """∂m/∂xᵢ at points."""


class ZeroWalls(BoundaryFactor):
    """Π sin(π (xᵢ - aᵢ) / (bᵢ - aᵢ)) over some coordinates: zero on the walls of a box.

    >>> ZeroWalls([0.0], [2.0], [0])(torch.tensor([[1.0, 7.0], [2.0, 7.0]])).round(decimals=4).abs().tolist()
    [1.0, 0.0]
    """

    def __init__(self, lower: Sequence[float], upper: Sequence[float], axes: Sequence[int]) -> None:
        super().__init__()
        self.lower, self.upper, self.axes = tuple(lower), tuple(upper), tuple(axes)

    def forward(self, points: Float[Tensor, "m d"]) -> Float[Tensor, " m"]:
        return torch.sin(self._angles(points)).prod(1)

    def gradient(self, points: Float[Tensor, "m d"]) -> Float[Tensor, "d m"]:
        angles, gradient = self._angles(points), torch.zeros_like(points.T)
        sines, cosines = angles.sin(), angles.cos()
        for i, axis in enumerate(self.axes):
            others = [j for j in range(len(self.axes)) if j != i]
            frequency = math.pi / (self.upper[i] - self.lower[i])
            gradient[axis] = frequency * cosines[:, i] * sines[:, others].prod(1)
        return gradient

    def _angles(self, points: Tensor) -> Tensor:
        lower, upper = points.new_tensor(self.lower), points.new_tensor(self.upper)
        return math.pi * (points[:, list(self.axes)] - lower) / (upper - lower)


class LatentDecoder(nn.Module, Described):
    """A function of points for each latent vector.

    Args:
        trunk: hᵢ, of points scaled to [-1, 1].
        branch: aᵢ, of latent vectors; as many layers as the trunk, equally wide.
        lower: corner of the box that is scaled to [-1, 1]ᵈ.
        upper: the other corner.
        factor: m; one, if not given.
        scale: of the values, such as a typical size of the function.

    Raises ValueError if trunk and branch do not fit.
    """

    def __init__(
        self,
        trunk: LayerwiseMLP,
        branch: LayerwiseMLP,
        lower: Sequence[float],
        upper: Sequence[float],
        factor: BoundaryFactor | None = None,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        if (trunk.width, trunk.last) != (branch.width, branch.last):
            raise ValueError(
                f"the trunk answers with {trunk.last} layers of width {trunk.width}, the branch with {branch.last} of "
                f"{branch.width}: give both the same"
            )
        self.trunk, self.branch, self.factor, self.scale = trunk, branch, factor, scale
        self.lower, self.upper = tuple(lower), tuple(upper)
        self.omega = nn.Parameter(torch.zeros(trunk.last))
        self.bias = nn.Parameter(torch.zeros(1))

    @classmethod
    def of(
        cls,
        domain: Domain,
        latent: int,
        activation: nn.Module,
        sizes: tuple[int, int, int] = (64, 5, 4),
        factor: BoundaryFactor | None = None,
        scale: float = 1.0,
    ) -> "LatentDecoder":
        """Of functions on a domain: `sizes` are width, depth D and last layers l of both networks."""
        lower, upper = domain.bounds.tolist()
        width, depth, last = sizes
        trunk = LayerwiseMLP(domain.dimension, width, depth, activation, last)
        branch = LayerwiseMLP(latent, width, depth, activation, last)
        return cls(trunk, branch, lower, upper, factor, scale)

    def forward(self, beta: Float[Tensor, "batch latent"], points: Float[Tensor, "m d"]) -> Float[Tensor, "batch m"]:
        """Values at points that all latent vectors share."""
        return self.coefficients(beta) @ self.basis(points).T

    def with_gradient(
        self, beta: Float[Tensor, "batch latent"], points: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, "batch m"], Float[Tensor, "batch m d"]]:
        """Values and gradients, by forward mode through the trunk, once for all latent vectors."""
        return self.contracted(self.coefficients(beta), self.basis_with_derivatives(points))

    def coefficients(self, beta: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch p"]:
        """All that depends on β: ωᵢ aᵢ(β) / l and b₀."""
        layers = torch.stack(self.branch(beta), dim=1)
        weighed = (layers * (self.omega / self.branch.last)[:, None]).flatten(1)
        return self.scale * torch.cat([weighed, self.bias.expand(len(beta), 1)], dim=1)

    def basis(self, points: Float[Tensor, "m d"]) -> Float[Tensor, "m p"]:
        """All that depends on points: m hᵢ and m."""
        layers = torch.cat(self.trunk(self._scaled(points)), dim=-1)
        features = torch.cat([layers, torch.ones_like(layers[:, :1])], dim=-1)
        return features if self.factor is None else features * self.factor(points)[:, None]

    def basis_with_derivatives(self, points: Float[Tensor, "m d"]) -> Float[Tensor, "rows m p"]:
        """The basis, and its derivative along each coordinate."""
        d = points.shape[1]
        units = torch.eye(d).to(points)[:, None].expand(-1, len(points), -1)
        layers = layers_with_derivatives(self.trunk, self._scaled(points), units * self._stretch(points))
        constant = torch.zeros_like(layers[0][..., :1])
        constant[0] = 1
        features = torch.cat([*layers, constant], dim=-1)
        if self.factor is None:
            return features
        m, slopes = self.factor(points)[:, None], self.factor.gradient(points)[..., None]
        return torch.cat([m * features[:1], m * features[1:] + slopes * features[0]])

    @staticmethod
    def contracted(
        coefficients: Float[Tensor, "batch p"], basis: Float[Tensor, "rows m p"]
    ) -> tuple[Float[Tensor, "batch m"], Float[Tensor, "batch m d"]]:
        """Values and gradients of both parts."""
        products = (coefficients @ basis.flatten(0, 1).T).unflatten(1, basis.shape[:2])
        return products[:, 0], products[:, 1:].transpose(1, 2)

    def _stretch(self, points: Tensor) -> Tensor:
        return 2 / (points.new_tensor(self.upper) - points.new_tensor(self.lower))

    def _scaled(self, points: Tensor) -> Tensor:
        return (points - points.new_tensor(self.lower)) * self._stretch(points) - 1
