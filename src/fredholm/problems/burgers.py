"""Burgers' equation on a ring: from the velocity to the velocity later.

    ∂u/∂t + u ∂u/∂x = ν ∂²u/∂x²,   u(·, 0) = u₀,   0 ≤ x < 1, periodic

Waves steepen into shocks of thickness 4 ν / Δu, Δu being the jump, which then merge and decay. u₀ is Gaussian with
covariance 25² (-d²/dx² + 5²)^-2. G: u₀ ↦ u(T) commutes with translations. The reference is a dealiased pseudo-spectral
method with exponential time differencing: spectral in space, fourth order in time. With the defaults half the step
changes u(T) by 1e-8 of its norm, twice the points by 1e-11. Length, time and ν are in units of the ring's length and of
a time; the defaults are those of the source.

Source: Li, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar, "Fourier neural operator for parametric
partial differential equations", ICLR 2021, section 5.1 and appendix A.3.1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.random_fields import PeriodicGaussianField
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.fields.spectral import resample
from fredholm.problems.pointwise import Jet, Partial, PointwiseForm
from fredholm.problems.problem import Conserving, Problem, fewer, generator_of

_DEVIATION = 0.592  # of u₀ around its mean: √(2 Σ 625 / (4 π² j² + 25)²)
_SPACINGS = 2  # in a shock layer, for an error of about 1e-3 there


@dataclass(frozen=True)
class Burgers(Problem, Conserving, PointwiseForm):
    """From u₀ to u(T).

    Refused are grids that do not resolve the shock of a jump of four standard deviations of u₀, about 2.4: its layer
    must hold two spacings of the solver's points.

    Args:
        points: n, of the ring.
        viscosity: ν.
        duration: T.
        step: of the solver, in time; faster waves are given shorter ones.
        solver_points: of the solver's own grid, a multiple of `points`; the same grid, if None.

    >>> problem = Burgers(points=64)
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 64])
    """

    name: ClassVar[str] = "burgers"
    summary: ClassVar[str] = "u_t + u u_x = ν u_xx on a ring: u at time 0 -> u at time T"
    partials: ClassVar[tuple[Partial, ...]] = ((0,), (1,), (0, 0))
    terms: ClassVar[tuple[str, ...]] = ("balance",)

    points: int = 256
    viscosity: float = 0.1
    duration: float = 1.0
    step: float = 0.005
    solver_points: int | None = None

    def __post_init__(self) -> None:
        if self.points < 4:
            raise ValueError(f"a ring needs at least 4 points, got {self.points}")
        if not 0 < self.step <= self.duration < math.inf:
            raise ValueError(f"a step of {self.step} does not fit in a duration of {self.duration}")
        if not 0 < self.viscosity < math.inf:
            raise ValueError(f"viscosity must be positive and finite, got {self.viscosity}")
        if self.solver_points is not None and (self.solver_points < 1 or self.solver_points % self.points):
            raise ValueError(f"{self.solver_points} solver points are no multiple of the {self.points} points stored")
        points, layer = self.solver_points or self.points, 4 * self.viscosity / (4 * _DEVIATION)
        if layer * points < _SPACINGS:
            raise ValueError(
                f"shock layers of viscosity {self.viscosity:g} are {layer:.3g} thick, {points} points {1 / points:.3g} "
                f"apart: take at least {math.ceil(_SPACINGS / layer)} solver points, or a viscosity of at least "
                f"{_SPACINGS * _DEVIATION / points:.3g}"
            )

    @cached_property
    def ring(self) -> Grid:
        """The points i / n."""
        return self._ring(self.points)

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"initial": self.ring}

    @property
    def output_domain(self) -> Domain:
        return self.ring

    @property
    def signature(self) -> Signature:
        ring = DomainType.of(self.ring)
        return Signature({"initial": Function((Quantity("u"),), ring)}, Function((Quantity("u"),), ring))

    @cached_property
    def _field(self) -> PeriodicGaussianField:
        return PeriodicGaussianField(self.ring, exponent=2.0, inverse_length=5.0, scale=25.0)

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        u = self._field.sample_each([generator_of(seed, first + i) for i in range(n)])
        return {"initial": u.float().unsqueeze(1)}

    def coarsened(self, factor: float) -> "Burgers":
        return replace(
            self, points=fewer(self.points, factor), step=min(factor * self.step, self.duration), solver_points=None
        )

    def solve(self, inputs: Inputs) -> Tensor:
        """Final u; raises SolverError naming a sample whose shocks the points do not resolve."""
        from fredholm.solvers.fourier_line import FourierLine
        from fredholm.solvers.nonlinear_convection import burgers

        self.signature.check(inputs, finite=True)
        points = self.solver_points or self.points
        initial = resample(inputs["initial"][:, 0].double(), self.ring, self._ring(points))
        end = burgers(FourierLine(points, 1.0), self.viscosity).solve(initial.numpy(), self.duration, self.step)
        return torch.from_numpy(end[..., :: points // self.points]).float().contiguous()

    def imbalance(self, inputs: Inputs, output: Tensor) -> Tensor:
        """Gain of the mean of u, which neither convection nor viscosity changes on a ring, (n, 1)."""
        return (output - inputs["initial"]).mean(-1)

    def balance(self, jet: Jet, points: Float[Tensor, "m 2"], inputs: Inputs) -> Float[Tensor, "b 1 m"]:
        """∂u/∂t + u ∂u/∂x - ν ∂²u/∂x² at points (x, t), for operators that answer at all times."""
        return jet[(1,)] + jet[()] * jet[(0,)] - self.viscosity * jet[(0, 0)]

    @staticmethod
    def _ring(points: int) -> Grid:
        return Grid(Axis("x", 0.0, 1.0, points, periodic=True))
