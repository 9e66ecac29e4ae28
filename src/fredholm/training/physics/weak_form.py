"""Weak forms at random places: what an equation leaves of a field, tested with functions on tiny balls.

    -div F(x, a, u, ∇u) = S(x, a, u, ∇u)        rⱼ = ⟨F · ∇vⱼ - S vⱼ⟩,    vⱼ around a random centre

The equation is a `BalanceLaw`: its flux F and its source S are all that one states, in some of the coordinates (space;
derivatives along the others, such as ∂u/∂t, belong to S). No derivative of a and no second derivative of u is needed.
The mixed form takes the flux from a decoder σ of its own, for coefficients that jump:

    r₁ = σ - F,    r₂ⱼ = ⟨σ · ∇vⱼ - S vⱼ⟩

Residuals are divided by what the law says is their unit there. A mean square of residuals that grow with a is dominated
by where a is large, and made small by solutions that are too small everywhere: for diffusion the unit is √a.

Source: Zang, Koutsourelakis, "DGenNO", J. Comput. Phys. 538 (2025).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.pointwise import Pointwise
from fredholm.fields.wendland import WendlandTests


@dataclass(frozen=True)
class LocalFields:
    """Everything a law may use, at m points that b samples share.

    Args:
        points: x.
        solution: u.
        gradient: ∇u, along every coordinate.
        inputs: the input functions, by name.
    """

    points: Float[Tensor, "m d"]
    solution: Float[Tensor, "b m"]
    gradient: Float[Tensor, "b m d"]
    inputs: Mapping[str, Float[Tensor, "b m"]]


class BalanceLaw(ABC):
    """-div F = S; `axes` are the coordinates in which div is taken."""

    axes: tuple[int, ...]

    @abstractmethod
    def flux(self, fields: LocalFields) -> Float[Tensor, "b m axes"]:
        """F, along each of `axes`."""

    @abstractmethod
    def source(self, fields: LocalFields) -> Float[Tensor, "b m"]:
        """S."""

    def unit(self, fields: LocalFields) -> Float[Tensor, "b m"] | None:
        """By what residuals are divided; as they stand, if None."""
        return None


@dataclass(frozen=True)
class Diffusion(BalanceLaw):
    """-div(a grad u) = f.

    Args:
        coefficient: the name of the input a.
        source_of: f, a function of points (m, d) or a number.
        typical: of a: residuals are divided by √(a / typical); as they stand, if None.
        axes: the coordinates of space.
    """

    coefficient: str = "coefficient"
    source_of: float | Callable[[Tensor], Tensor] = 1.0
    typical: float | None = None
    axes: tuple[int, ...] = (0, 1)

    def flux(self, fields: LocalFields) -> Float[Tensor, "b m axes"]:
        return fields.inputs[self.coefficient][..., None] * fields.gradient[..., list(self.axes)]

    def source(self, fields: LocalFields) -> Float[Tensor, "b m"]:
        if callable(self.source_of):
            return self.source_of(fields.points).expand_as(fields.solution)
        return torch.full_like(fields.solution, self.source_of)

    def unit(self, fields: LocalFields) -> Float[Tensor, "b m"] | None:
        return None if self.typical is None else (fields.inputs[self.coefficient] / self.typical).sqrt()


@dataclass(frozen=True)
class ViscousConvection(BalanceLaw):
    """∂u/∂t + u ∂u/∂x = ν ∂²u/∂x² for u(x, t): F = ν ∂u/∂x, S = -(∂u/∂t + u ∂u/∂x)."""

    viscosity: float
    axes: tuple[int, ...] = (0,)

    def flux(self, fields: LocalFields) -> Float[Tensor, "b m axes"]:
        return self.viscosity * fields.gradient[..., :1]

    def source(self, fields: LocalFields) -> Float[Tensor, "b m"]:
        return -(fields.gradient[..., 1] + fields.solution * fields.gradient[..., 0])


@dataclass(frozen=True)
class WeakForm:
    """A law, tested at random places of a box.

    Args:
        law: the equation.
        domain: whose bounds are the box; centres keep the radius away from its walls along the law's axes.
        inputs: how each input function of the law is evaluated between its points.
        tests: the test functions, in as many dimensions as the law has axes.
        particles: of one draw.

    Raises ValueError if tests and law disagree on the dimension, or the balls do not fit into the box.
    """

    law: BalanceLaw
    domain: Domain
    inputs: Mapping[str, Pointwise]
    tests: WendlandTests = field(default_factory=lambda: WendlandTests(2))
    particles: int = 60

    def __post_init__(self) -> None:
        if self.tests.dimension != len(self.law.axes):
            raise ValueError(
                f"the law is stated in {len(self.law.axes)} coordinates, the test functions in {self.tests.dimension}: "
                f"take WendlandTests({len(self.law.axes)})"
            )
        if self.particles < 1:
            raise ValueError(f"a draw has 1 particle or more, got {self.particles}")
        lower, upper = self.domain.bounds
        extent = float((upper - lower)[list(self.law.axes)].min())
        if 2 * self.tests.radius >= extent:
            raise ValueError(
                f"balls of radius {self.tests.radius:g} do not fit into a box of width {extent:g}: take smaller ones"
            )

    def draw(self, generator: torch.Generator) -> Float[Tensor, "pq d"]:
        """The nodes of all balls, those of one after the other; centres are a Latin hypercube."""
        lower, upper = self.domain.bounds.float()
        margin = torch.zeros_like(lower)
        margin[list(self.law.axes)] = self.tests.radius
        n, d = self.particles, len(lower)
        order = torch.stack([torch.randperm(n, generator=generator) for _ in range(d)], dim=-1)
        share = (order + torch.rand(n, d, generator=generator)) / n
        return self.nodes(lower + margin + share * (upper - lower - 2 * margin))

    def nodes(self, centres: Float[Tensor, "p d"]) -> Float[Tensor, "pq d"]:
        """The nodes of balls around given centres."""
        offsets = torch.zeros(len(self.tests.values), centres.shape[1]).to(centres)
        offsets[:, list(self.law.axes)] = self.tests.offsets.to(centres)
        return (centres[:, None] + offsets).flatten(0, 1)

    def input_values(self, inputs: Mapping[str, Tensor], points: Float[Tensor, "m d"]) -> dict[str, Tensor]:
        """The law's input functions (b, m) at points; raises SignatureError for one that is missing."""
        if missing := sorted(set(self.inputs) - set(inputs)):
            raise SignatureError(f"the weak form needs the input {missing[0]!r}, got {sorted(inputs)}")
        return {name: rule.at(inputs[name].flatten(1), points) for name, rule in self.inputs.items()}

    def residual(self, fields: LocalFields, flux: Float[Tensor, "b m axes"] | None = None) -> Float[Tensor, "b p"]:
        """Rⱼ of fields at the nodes of p balls; with a given flux in place of the law's."""
        f = self.law.flux(fields) if flux is None else flux
        values, gradients = self.tests.values.to(f), self.tests.gradients.to(f)
        f = f.unflatten(1, (-1, len(values)))
        s = self.law.source(fields).unflatten(1, (-1, len(values)))
        rest = torch.einsum("bpqd,qd->bp", f, gradients) - s @ values
        unit = self.law.unit(fields)
        return rest if unit is None else rest / (unit.unflatten(1, (-1, len(values))) @ values)
