"""Incompressible flow on a torus: from what drives it, or from where it starts, to its vorticity later.

    ∂w/∂t + u·∇w = ν Δw + f,   u = (∂ψ/∂y, -∂ψ/∂x),   -Δψ = w,   w(0) = w₀

Two operators between periodic functions. `NavierStokesForcing`, G: f ↦ w(T) from rest, commutes with translations.
`NavierStokesInitial`, G: w₀ ↦ w(T) under a fixed force, does not. The reference is a dealiased pseudo-spectral method.
With the defaults' 64² points, half the step changes w(T) by some 1e-5 of its norm and twice the points by 4e-3 in the
forced flow, and both by 2e-8 in the other.

Sources: Li, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar, "Fourier neural operator for parametric
partial differential equations", ICLR 2021, appendix A.3.3, for the initial vorticity; Kossaifi, Kovachki,
Azizzadenesheli, Anandkumar, "Multi-grid tensorized Fourier neural operator for high-resolution PDEs", TMLR 2024,
section 4, for the forcing.
"""

import math
from abc import abstractmethod
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
from fredholm.problems.problem import Problem, fewer, generator_of


class PeriodicFlow(Problem):
    """What both operators share: an input function and the final vorticity on n × n points of a periodic square."""

    input_name: ClassVar[str]
    extent: ClassVar[float]  # of the square's sides
    points: int
    step: float
    duration: float
    solver_points: int | None

    def __post_init__(self) -> None:
        if self.points < 4:
            raise ValueError(f"a flow needs at least 4 points along each side, got {self.points}")
        if not 0 < self.step <= self.duration < math.inf:
            raise ValueError(f"a step of {self.step} does not fit in a duration of {self.duration}")
        if self.solver_points is not None and (self.solver_points < 1 or self.solver_points % self.points):
            raise ValueError(f"{self.solver_points} solver points are no multiple of the {self.points} points stored")

    @cached_property
    def grid(self) -> Grid:
        """The points (i L / n, j L / n)."""
        return self._grid(self.points)

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {self.input_name: self.grid}

    @property
    def output_domain(self) -> Domain:
        return self.grid

    @property
    def signature(self) -> Signature:
        torus = DomainType.of(self.grid)
        return Signature(
            {self.input_name: Function((Quantity(self.input_name),), torus)}, Function((Quantity("vorticity"),), torus)
        )

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        field, scale = self._field
        values = field.sample_each([generator_of(seed, first + i) for i in range(n)])
        return {self.input_name: (scale * (values - values.mean((1, 2), keepdim=True))).float().unsqueeze(1)}

    def solve(self, inputs: Inputs) -> Tensor:
        """Final vorticity; raises SolverError naming a sample whose flow is too fast for the solver."""
        from fredholm.solvers.vorticity import VorticitySolver

        self.signature.check(inputs, finite=True)
        fine = self._grid(self.solver_points or self.points)
        vorticity, forcing = self._driven(resample(inputs[self.input_name][:, 0].double(), self.grid, fine), fine)
        solver = VorticitySolver(fine.axes[0].size, self.extent, self._viscosity)
        end = solver.solve(vorticity.numpy(), forcing.numpy(), self.duration, self.step)
        every = fine.axes[0].size // self.points
        return torch.from_numpy(end[:, ::every, ::every]).float().unsqueeze(1).contiguous()

    def _grid(self, points: int) -> Grid:
        return Grid(*(Axis(name, 0.0, self.extent, points, periodic=True) for name in ("x", "y")))

    @property
    @abstractmethod
    def _field(self) -> tuple[PeriodicGaussianField, float]:
        """The input's random field, and the factor by which its samples are multiplied."""

    @property
    @abstractmethod
    def _viscosity(self) -> float:
        """ν."""

    @abstractmethod
    def _driven(self, values: Float[Tensor, "b n n"], grid: Grid) -> tuple[Tensor, Tensor]:
        """Initial vorticity (b, n, n) and forcing (b, n, n) or (n, n) of inputs on the solver's grid."""


@dataclass(frozen=True)
class NavierStokesForcing(PeriodicFlow):
    """From the curl f of a steady body force to the vorticity w(T), from rest, on [0, 2π)².

    f is Gaussian with covariance proportional to (-Δ + τ²)^-α and zero mean. Smaller exponents and larger inverse
    lengths put energy into shorter waves, which a coarser grid of points does not see.

    Args:
        points: n, along each side.
        reynolds: 1 / ν.
        duration: T.
        strength: standard deviation of f; at 0.18 that of w(T) is about 0.8, and the flow is far from linear.
        exponent: α.
        inverse_length: τ.
        step: of the solver, in time; faster flows are given shorter ones.
        solver_points: along each side of the solver's own grid, a multiple of `points`; the same grid, if None.

    >>> problem = NavierStokesForcing(points=16, duration=0.5)
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 16, 16])
    """

    name: ClassVar[str] = "navier-stokes-forcing"
    summary: ClassVar[str] = "2-D incompressible flow on a torus from rest: forcing -> vorticity at time T"
    input_name: ClassVar[str] = "forcing"
    extent: ClassVar[float] = 2 * math.pi

    points: int = 64
    reynolds: float = 500.0
    duration: float = 5.0
    strength: float = 0.18
    exponent: float = 4.0
    inverse_length: float = 3.0
    step: float = 0.05
    solver_points: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.reynolds > 0 and self.strength > 0):
            raise ValueError(f"Reynolds number {self.reynolds} and strength {self.strength} must be positive")

    def coarsened(self, factor: float) -> "NavierStokesForcing":
        step = min(factor * self.step, self.duration)
        return replace(self, points=fewer(self.points, factor), step=step, solver_points=None)

    @cached_property
    def _field(self) -> tuple[PeriodicGaussianField, float]:
        order = torch.fft.fftfreq(self.points, 1 / self.points, dtype=torch.float64)
        spectrum = (order[:, None] ** 2 + order**2 + self.inverse_length**2) ** -self.exponent
        variance = float(spectrum.sum() - spectrum[0, 0]) / self.extent**2
        field = PeriodicGaussianField(self.grid, self.exponent, self.inverse_length)
        return field, self.strength / math.sqrt(variance)

    @property
    def _viscosity(self) -> float:
        return 1 / self.reynolds

    def _driven(self, values: Float[Tensor, "b n n"], grid: Grid) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(values), values


@dataclass(frozen=True)
class NavierStokesInitial(PeriodicFlow):
    """From the initial vorticity w₀ to w(T) under f = 0.1 (sin 2π(x + y) + cos 2π(x + y)), on [0, 1)².

    w₀ is Gaussian with covariance 7³ (-Δ + 7²)^-2.5 and zero mean.

    Args:
        points: n, along each side.
        viscosity: ν.
        duration: T.
        step: of the solver, in time; faster flows are given shorter ones.
        solver_points: along each side of the solver's own grid, a multiple of `points`; the same grid, if None.

    >>> problem = NavierStokesInitial(points=16, duration=0.5)
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 16, 16])
    """

    name: ClassVar[str] = "navier-stokes"
    summary: ClassVar[str] = "2-D incompressible flow on a torus under a fixed force: initial vorticity -> at time T"
    input_name: ClassVar[str] = "initial_vorticity"
    extent: ClassVar[float] = 1.0

    points: int = 64
    viscosity: float = 1e-3
    duration: float = 20.0
    step: float = 0.05
    solver_points: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.viscosity >= 0:
            raise ValueError(f"viscosity {self.viscosity} must not be negative")

    def coarsened(self, factor: float) -> "NavierStokesInitial":
        step = min(factor * self.step, self.duration)
        return replace(self, points=fewer(self.points, factor), step=step, solver_points=None)

    @cached_property
    def _field(self) -> tuple[PeriodicGaussianField, float]:
        return PeriodicGaussianField(self.grid, exponent=2.5, inverse_length=7.0, scale=7**1.5), 1.0

    @property
    def _viscosity(self) -> float:
        return self.viscosity

    def _driven(self, values: Float[Tensor, "b n n"], grid: Grid) -> tuple[Tensor, Tensor]:
        phase = 2 * math.pi * grid.coordinates().sum(-1).reshape(grid.shape)
        return values, 0.1 * (phase.sin() + phase.cos())
