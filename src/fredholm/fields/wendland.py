"""Compactly supported test functions on small balls, and quadrature on the ball, for weak forms at random places.

    v(ξ) = (1 - r)₊^(l+2) [(l² + 4 l + 3) r² + (3 l + 6) r + 3] / 3,     r = |ξ|,     l = ⌊d/2⌋ + 3
    ∇v(ξ) = -(1 - r)₊^(l+1) [(l³ + 8 l² + 19 l + 12) r + (l² + 7 l + 12)] / 3 · ξ

Around a centre c of radius R the test function is v((x - c) / R). Integrating by parts, ∫ ξᵢ ∂ᵢv = -∫ v: this is what
makes a weak form consistent. A rule of few nodes keeps it only nearly, c₀ = -⟨ξ₁ ∂₁v⟩ / ⟨v⟩ ≠ 1, and then every flux
comes out 1 / c₀ times too large. Gradients are therefore divided by c₀, unless a rule says that they are not.

Sources: Wendland, "Piecewise polynomial, positive definite and compactly supported radial functions of minimal degree",
Adv. Comput. Math. 4 (1995); Zang, Koutsourelakis, "DGenNO", J. Comput. Phys. 538 (2025), for plain means on a grid.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def wendland(xi: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
    """V at points of ℝᵈ; zero for |ξ| ≥ 1.

    >>> wendland(torch.tensor([[0.0, 0.0], [1.0, 0.0]])).tolist()
    [1.0, 0.0]
    """
    r, k = xi.norm(dim=-1), _smoothness(xi.shape[-1])
    return (1 - r).clamp_min(0) ** (k + 2) * ((k * k + 4 * k + 3) * r * r + (3 * k + 6) * r + 3) / 3


def wendland_gradient(xi: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
    """∇v at points of ℝᵈ."""
    r, k = xi.norm(dim=-1, keepdim=True), _smoothness(xi.shape[-1])
    slope = (k**3 + 8 * k * k + 19 * k + 12) * r + k * k + 7 * k + 12
    return -((1 - r).clamp_min(0) ** (k + 1)) * slope / 3 * xi


class BallRule(ABC):
    """Nodes and weights on the unit ball, the weights of sum one."""

    corrected: ClassVar[bool] = True  # whether gradients are divided by c₀

    @abstractmethod
    def nodes(self, dimension: int) -> tuple[Float[Tensor, "q d"], Float[Tensor, " q"]]:
        """Nodes and weights, float64; raises ValueError for a dimension that the rule does not serve."""


@dataclass(frozen=True)
class CorrectedMean(BallRule):
    """The mean over those of n × ... × n equidistant points of [-1, 1]ᵈ that lie in the ball, with c₀ divided out.

    Args:
        points: n.

    >>> CorrectedMean(9).nodes(2)[0].shape
    torch.Size([45, 2])
    """

    points: int = 9

    def __post_init__(self) -> None:
        if self.points < 4:
            raise ValueError(f"a mean over the ball needs at least 4 points along each side, got {self.points}")

    def nodes(self, dimension: int) -> tuple[Float[Tensor, "q d"], Float[Tensor, " q"]]:
        line = torch.linspace(-1, 1, self.points, dtype=torch.float64)
        mesh = torch.stack(torch.meshgrid(*[line] * dimension, indexing="ij"), dim=-1).reshape(-1, dimension)
        inside = mesh[mesh.norm(dim=-1) < 1 - 1e-9]
        return inside, torch.full((len(inside),), 1 / len(inside), dtype=torch.float64)


@dataclass(frozen=True)
class PlainMean(CorrectedMean):
    """The same mean as it stands, without dividing by c₀: the published rule."""

    corrected: ClassVar[bool] = False


@dataclass(frozen=True)
class GaussBall(BallRule):
    """Gauss's nodes along radii times equidistant angles, in one or two dimensions.

    Args:
        radial: nodes of each radius.
        angles: directions in the plane; a flux is integrated exactly in angle up to polynomials of degree angles - 2.

    >>> GaussBall(radial=2, angles=4).nodes(2)[0].shape
    torch.Size([8, 2])
    """

    radial: int = 4
    angles: int = 8

    def __post_init__(self) -> None:
        if self.radial < 1 or self.angles < 3:
            raise ValueError(f"a rule needs 1 radial node and 3 angles or more, got {self.radial} and {self.angles}")

    def nodes(self, dimension: int) -> tuple[Float[Tensor, "q d"], Float[Tensor, " q"]]:
        if dimension not in (1, 2):
            raise ValueError(f"this rule serves one and two dimensions, not {dimension}: take CorrectedMean")
        x, w = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(self.radial))
        r, w = (x + 1) / 2, w / 2
        if dimension == 1:
            return torch.cat([r, -r])[:, None], torch.cat([w, w]) / 2
        turn = 2 * math.pi * torch.arange(self.angles, dtype=torch.float64) / self.angles
        directions = torch.stack([turn.cos(), turn.sin()], dim=-1)
        nodes = (r[:, None, None] * directions).reshape(-1, 2)
        weights = (w * r)[:, None].expand(-1, self.angles).flatten()
        return nodes, weights / weights.sum()


@dataclass(frozen=True)
class WendlandTests:
    """Test functions v((x - c) / R) with a quadrature rule, scaled to ⟨v⟩ = 1.

    Args:
        dimension: d, of the coordinates in which they are functions.
        radius: R, in units of the coordinates.
        rule: on the ball.

    Since ⟨v⟩ = 1, a residual ⟨F · ∇v - S v⟩ is -(div F + S) at the centre up to O(R²), in units of S.

    >>> tests = WendlandTests(dimension=2, radius=0.01, rule=PlainMean(7))
    >>> round(tests.constant, 5)
    0.98763
    """

    dimension: int
    radius: float = 1e-2
    rule: BallRule = field(default_factory=CorrectedMean)

    def __post_init__(self) -> None:
        if not 0 < self.radius < math.inf:
            raise ValueError(f"the radius of test functions must be positive and finite, got {self.radius}")

    @cached_property
    def _rule(self) -> tuple[Tensor, Tensor]:
        return self.rule.nodes(self.dimension)

    @cached_property
    def constant(self) -> float:
        """c₀ = -⟨ξ₁ ∂₁v⟩ / ⟨v⟩ of the rule, which is one for exact integrals."""
        xi, weights = self._rule
        products = (xi * wendland_gradient(xi)).mean(-1)
        return -float(weights @ products) / float(weights @ wendland(xi))

    @cached_property
    def offsets(self) -> Float[Tensor, "q d"]:
        """Nodes R ξ, to be added to a centre."""
        return self.radius * self._rule[0]

    @cached_property
    def values(self) -> Float[Tensor, " q"]:
        """W v, of sum one."""
        xi, weights = self._rule
        values = weights * wendland(xi)
        return values / values.sum()

    @cached_property
    def gradients(self) -> Float[Tensor, "q d"]:
        """W ∇v / R, over c₀ where the rule is corrected, in the scale of `values`."""
        xi, weights = self._rule
        scale = self.radius * float(weights @ wendland(xi)) * (self.constant if self.rule.corrected else 1.0)
        return weights[:, None] * wendland_gradient(xi) / scale


def _smoothness(dimension: int) -> int:
    return dimension // 2 + 3
