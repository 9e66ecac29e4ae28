"""Growth and diffusion: from a law of growth and a first population to the population later.

    ∂u/∂t = D ∂²u/∂x² + c₁ u + c₂ u² + c₃ u³ + c₄ u⁴,   0 < x < 1,   ∂u/∂x = 0 at x = 0 and 1,   u(x, 0) = u₀(x)

u is a fraction of what the place can carry, in [0, 1]; lengths are in units of the interval, times in those of the
rates. The growth law is one of several forms, told by its coefficients c; u₀ is a Gaussian function with covariance
exp(-|x - x'|² / (2 l²)), shifted and scaled to reach from 0 to 1. The operator maps (c, u₀) to u(x, t) at equidistant
times up to T. The reference integrates diffusion exactly, by cosines, and growth by a Runge-Kutta method of fourth
order. One network that learns all forms at once is a multi-task problem: the coefficients tell it which.

Sources: Kumar, Goswami, Kontolati, Shields, Karniadakis, "Synergistic learning with multi-task DeepONet for efficient
PDE problem solving", Neural Networks 184 (2025), whose rates are a fifth of these, so that fronts are seen here within
the time T = 1; Fisher, "The wave of advance of advantageous genes", Ann. Eugenics 7 (1937).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from fredholm.fields.differences import first_derivative, second_derivative
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.random_fields import RBFGaussianField
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Quantity, Signature
from fredholm.problems.problem import Problem, StrongForm, fewer, generator_of
from fredholm.problems.reactions import FisherGrowth, FlameGrowth, Growth, NewellWhiteheadGrowth


@dataclass(frozen=True)
class Fisher(Problem, StrongForm):
    """Growth of several forms with diffusion on an interval that nothing leaves.

    Args:
        reactions: forms of the growth law; each sample draws one of them, all equally likely, and then its numbers.
        diffusivity: D.
        duration: T.
        points: of the interval, both ends among them.
        times: at T / times, 2 T / times, ..., T.
        correlation_length: l of the initial populations.
        step: of the solver, in time.

    >>> problem = Fisher()
    >>> inputs = problem.sample(2, seed=0)
    >>> {name: tuple(values.shape) for name, values in inputs.items()}
    {'reaction': (2, 4), 'initial': (2, 1, 64)}
    >>> problem.solve(inputs).shape
    torch.Size([2, 1, 64, 20])
    """

    name: ClassVar[str] = "fisher"
    summary: ClassVar[str] = "growth of several forms, with diffusion in 1-D: growth law, initial -> population in time"

    reactions: tuple[Growth, ...] = (FisherGrowth(), NewellWhiteheadGrowth(), FlameGrowth())
    diffusivity: float = 0.01
    duration: float = 1.0
    points: int = 64
    times: int = 20
    correlation_length: float = 0.2
    step: float = 0.025

    def __post_init__(self) -> None:
        if not self.reactions:
            raise ValueError("a growth law of some form is needed, got no reactions")
        if not (0 <= self.diffusivity < math.inf and 0 < self.duration < math.inf):
            raise ValueError(f"diffusivity {self.diffusivity} must not be negative, duration {self.duration} positive")
        if self.points < 4 or self.times < 3:
            raise ValueError(f"points {self.points} must be 4 or more, times {self.times} 3 or more")
        if not self.correlation_length * (self.points - 1) >= 2:
            raise ValueError(
                f"correlation length {self.correlation_length} is less than two spacings of {self.points} points"
            )
        fastest = max(reaction.rate[1] for reaction in self.reactions)
        if not 0 < self.step * fastest <= 0.5:
            raise ValueError(
                f"a step of {self.step} does not resolve rates of {fastest}: take at most {0.5 / fastest:g}"
            )

    @cached_property
    def line(self) -> Grid:
        """Where the initial population is known."""
        return Grid(Axis("x", 0.0, 1.0, self.points))

    @cached_property
    def plane(self) -> Grid:
        """Space and time."""
        return Grid(*self.line.axes, Axis("t", self.duration / self.times, self.duration, self.times))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"initial": self.line}

    @property
    def output_domain(self) -> Domain:
        return self.plane

    @property
    def signature(self) -> Signature:
        population = (Quantity("population"),)
        return Signature(
            {
                "reaction": Parameter(tuple(Quantity(f"c{power}") for power in (1, 2, 3, 4))),
                "initial": Function(population, DomainType.of(self.line)),
            },
            Function(population, DomainType.of(self.plane)),
        )

    @cached_property
    def _field(self) -> RBFGaussianField:
        return RBFGaussianField(self.correlation_length)

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        generators = [generator_of(seed, first + i) for i in range(n)]
        laws = [self.reactions[self._form(g)].coefficients(g) for g in generators]
        u = self._field.sample_each(generators, self.line.axes[0].points())
        lowest, highest = u.amin(1, keepdim=True), u.amax(1, keepdim=True)
        return {
            "reaction": torch.stack(laws).float(),
            "initial": ((u - lowest) / (highest - lowest)).float().unsqueeze(1),
        }

    def labels(self, n: int, seed: int, first: int = 0) -> dict[str, Tensor]:
        """Which of `reactions` each sample has, (n, 1)."""
        return {"form": torch.tensor([[self._form(generator_of(seed, first + i))] for i in range(n)])}

    def coarsened(self, factor: float) -> "Fisher":
        return replace(self, points=fewer(self.points, factor), step=min(factor * self.step, self.duration))

    def solve(self, inputs: Inputs) -> Tensor:
        """The population; raises SolverError for a law that is too fast for the step, or under which it explodes."""
        from fredholm.solvers.fisher import FisherSolver

        self.signature.check(inputs, finite=True)
        solver = FisherSolver(self.points, 1.0, self.diffusivity)
        times = np.linspace(self.duration / self.times, self.duration, self.times)
        u = solver.solve(
            inputs["initial"][:, 0].double().numpy(), inputs["reaction"].double().numpy(), times, self.step
        )
        return torch.from_numpy(u).float().mT.unsqueeze(1).contiguous()

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """∂u/∂t - D ∂²u/∂x² - c₁ u - ... - c₄ u⁴ (n, 1, x, t), by differences of second order."""
        x, t = self.plane.axes
        growth = torch.zeros_like(output)
        for coefficient in inputs["reaction"].T.flip(0):
            growth = (growth + coefficient[:, None, None, None]) * output
        diffusion = self.diffusivity * second_derivative(output, 2, x)
        return first_derivative(output, 3, t) - diffusion - growth

    def _form(self, generator: torch.Generator) -> int:
        return int(torch.randint(len(self.reactions), (), generator=generator))
