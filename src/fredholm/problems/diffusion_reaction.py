"""Diffusion and reaction on a line: from the source to the concentration in space and time.

    ∂s/∂t = D ∂²s/∂x² + k s² + u(x),   0 ≤ x ≤ 1,   0 ≤ t ≤ T,   s = 0 at both ends and at t = 0

u is Gaussian with covariance exp(-|x - x'|² / (2 l²)). G: u ↦ s is not linear, for k s². The reference is a compact
scheme, fourth order in the spacing, with sines and exponential time differencing, fourth order in time. With the
defaults s(T) differs by 1e-7 of its norm from that on four times the points. x is in units of the line's length, t in
those of a time.

Source: Lu, Jin, Pang, Zhang, Karniadakis, "Learning nonlinear operators via DeepONet based on the universal
approximation theorem of operators", Nature Machine Intelligence 3 (2021), section on the diffusion-reaction system.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.differences import first_derivative, second_derivative
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.random_fields import RBFGaussianField
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.problems.pointwise import Jet, Partial, PointwiseForm, values_along
from fredholm.problems.problem import Problem, StrongForm, fewer, generator_of


@dataclass(frozen=True)
class DiffusionReaction(Problem, StrongForm, PointwiseForm):
    """From the source u(x) to s(x, t).

    Args:
        points: m along x, both ends included.
        times: from 0 to T, at which s is returned.
        duration: T.
        diffusivity: D.
        reaction_rate: k.
        correlation_length: l of the source.

    >>> problem = DiffusionReaction()
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 100, 100])
    """

    name: ClassVar[str] = "diffusion-reaction"
    summary: ClassVar[str] = "s_t = D s_xx + k s² + u, s = 0 around: source u(x) -> s(x, t)"
    partials: ClassVar[tuple[Partial, ...]] = ((1,), (0, 0))
    terms: ClassVar[tuple[str, ...]] = ("balance",)

    points: int = 100
    times: int = 100
    duration: float = 1.0
    diffusivity: float = 0.01
    reaction_rate: float = 0.01
    correlation_length: float = 0.2

    def __post_init__(self) -> None:
        if self.points < 4 or self.times < 3:
            raise ValueError(f"points {self.points} must be 4 or more, times {self.times} 3 or more")
        if not (0 < self.duration < math.inf and 0 < self.diffusivity < math.inf):
            raise ValueError(f"duration {self.duration} and diffusivity {self.diffusivity} must be positive and finite")
        if not math.isfinite(self.reaction_rate):
            raise ValueError(f"reaction rate must be finite, got {self.reaction_rate}")
        spacing, layer = 1 / (self.points - 1), math.sqrt(self.diffusivity * self.duration)
        if min(layer, self.correlation_length) < spacing:
            raise ValueError(
                f"{self.points} points are {spacing:.3g} apart and do not resolve the ends' layers of "
                f"√(D T) = {layer:.3g}, or the source's correlation length {self.correlation_length}"
            )

    @cached_property
    def line(self) -> Grid:
        """The points along x."""
        return Grid(Axis("x", 0.0, 1.0, self.points))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"source": self.line}

    @cached_property
    def output_domain(self) -> Grid:
        """The points along x, by `times` times from 0 to T."""
        return Grid(self.line.axes[0], Axis("t", 0.0, self.duration, self.times))

    @property
    def signature(self) -> Signature:
        return Signature(
            {"source": Function((Quantity("source"),), DomainType.of(self.line))},
            Function((Quantity("s"),), DomainType.of(self.output_domain)),
        )

    @cached_property
    def _field(self) -> RBFGaussianField:
        return RBFGaussianField(self.correlation_length)

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        generators = [generator_of(seed, first + i) for i in range(n)]
        return {"source": self._field.sample_each(generators, self.line.axes[0].points()).float().unsqueeze(1)}

    def coarsened(self, factor: float) -> "DiffusionReaction":
        return replace(self, points=fewer(self.points, factor), times=fewer(self.times, factor))

    def solve(self, inputs: Inputs) -> Tensor:
        """Concentration s; raises SolverError naming a sample whose reaction runs away."""
        from fredholm.solvers.diffusion_reaction import DiffusionReactionSolver

        self.signature.check(inputs, finite=True)
        solver = DiffusionReactionSolver(
            self.points, 1.0, self.diffusivity, lambda s: self.reaction_rate * np.square(s)
        )
        frame = self.output_domain.axes[1].spacing
        later = solver.solve(inputs["source"][:, 0].double().numpy(), self.duration, self.times - 1, step=frame)
        s = np.concatenate([np.zeros_like(later[:, :1]), later], axis=1)
        return torch.from_numpy(s).float().mT.unsqueeze(1).contiguous()

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """The rest ∂s/∂t - D ∂²s/∂x² - k s² - u, by second-order differences.

        At x = 0 and 1 the equation holds only for t > 0: s = 0 there, and u is not.
        """
        x, t = self.output_domain.axes
        diffused = self.diffusivity * second_derivative(output, 2, x)
        reacted = self.reaction_rate * output.square()
        return first_derivative(output, 3, t) - diffused - reacted - inputs["source"].unsqueeze(-1)

    def balance(self, jet: Jet, points: Float[Tensor, "m 2"], inputs: Inputs) -> Float[Tensor, "b 1 m"]:
        """∂s/∂t - D ∂²s/∂x² - k s² - u at points (x, t)."""
        source = values_along(self.line, inputs["source"], points[:, 0])
        return jet[(1,)] - self.diffusivity * jet[(0, 0)] - self.reaction_rate * jet[()].square() - source
