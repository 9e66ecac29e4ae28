"""Advection along a line: from what is carried, or from what carries it, to where it goes.

    ∂s/∂t + a(x) ∂s/∂x = 0,   0 ≤ x ≤ 1,   0 ≤ t ≤ T

Two operators, each on a ring (`periodic`) or on a line that is entered at x = 0; V is Gaussian with covariance
exp(-|x - x'|² / (2 l²)):

    AdvectionInitial,   s(x, 0) ↦ s,  linear:    a = 1;   ring   s(x, 0) = V(sin² πx)
                                                          line   s(x, 0) = x V(x),   s(0, t) = 0
    AdvectionVelocity,  a ↦ s,  not linear:      ring   a = 1 + 0.05 (V(x) + V(1 - x)),   s(x, 0) = sin 2πx
                                                 line   a = 1 + 0.1 V(x),   s(x, 0) = x²,   s(0, t) = sin πt

The reference follows characteristics, on which s is constant: for a given velocity with an error of fourth order in the
spacing of the points, whatever T; a ring's initial values are interpolated by their Fourier series, exactly where it
ends, and a line's by a cubic spline. x is in units of the length, t in those of the time in which a = 1 crosses it.

Source: Lu, Jin, Pang, Zhang, Karniadakis, "Learning nonlinear operators via DeepONet based on the universal
approximation theorem of operators", Nature Machine Intelligence 3 (2021), supplementary section on advection.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.differences import first_derivative
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.random_fields import RBFGaussianField
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.problems.pointwise import Jet, Partial, PointwiseForm, values_along
from fredholm.problems.problem import Problem, StrongForm, fewer, generator_of


class Advection(Problem, StrongForm, PointwiseForm):
    """What both operators share: an input function of x, and s as a function of x and t."""

    input_name: ClassVar[str]
    partials: ClassVar[tuple[Partial, ...]] = ((0,), (1,))
    terms: ClassVar[tuple[str, ...]] = ("balance",)

    points: int
    times: int
    duration: float
    correlation_length: float
    periodic: bool

    def __post_init__(self) -> None:
        if self.points < 4 or self.times < 3:
            raise ValueError(f"points {self.points} must be 4 or more, times {self.times} 3 or more")
        if not 0 < self.duration < math.inf:
            raise ValueError(f"duration must be positive and finite, got {self.duration}")
        if not self.correlation_length * self.points >= 1:
            raise ValueError(
                f"{self.points} points do not resolve a correlation length of {self.correlation_length}: "
                f"take a length of at least {1 / self.points:.3g}"
            )

    @cached_property
    def line(self) -> Grid:
        """The points along x."""
        return Grid(Axis("x", 0.0, 1.0, self.points, periodic=self.periodic))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {self.input_name: self.line}

    @cached_property
    def output_domain(self) -> Grid:
        """The points along x, by `times` times from 0 to T."""
        return Grid(self.line.axes[0], Axis("t", 0.0, self.duration, self.times))

    @property
    def signature(self) -> Signature:
        return Signature(
            {self.input_name: Function((Quantity(self.input_name),), DomainType.of(self.line))},
            Function((Quantity("s"),), DomainType.of(self.output_domain)),
        )

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        generators = [generator_of(seed, first + i) for i in range(n)]
        return {self.input_name: self._draw(generators, self.line.axes[0].points()).float().unsqueeze(1)}

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """The rest ∂s/∂t + a ∂s/∂x, by second-order differences; of no meaning where s has a kink."""
        x, t = self.output_domain.axes
        return first_derivative(output, 3, t) + self._velocity(inputs) * first_derivative(output, 2, x)

    def balance(self, jet: Jet, points: Float[Tensor, "m 2"], inputs: Inputs) -> Float[Tensor, "b 1 m"]:
        """∂s/∂t + a ∂s/∂x at points (x, t)."""
        velocity = self._velocity(inputs)
        if isinstance(velocity, Tensor):
            velocity = values_along(self.line, velocity[..., 0], points[:, 0])
        return jet[(1,)] + velocity * jet[(0,)]

    @cached_property
    def _field(self) -> RBFGaussianField:
        return RBFGaussianField(self.correlation_length)

    @property
    def _times(self) -> Float[Tensor, " k"]:
        return self.output_domain.axes[1].points()

    @abstractmethod
    def _draw(self, generators: list[torch.Generator], x: Float[Tensor, " m"]) -> Float[Tensor, "n m"]:
        """One input function for each generator."""

    @abstractmethod
    def _velocity(self, inputs: Inputs) -> Tensor | float:
        """Velocity a, to be multiplied with fields (n, 1, m, k)."""


@dataclass(frozen=True)
class AdvectionInitial(Advection):
    """From the initial values s(x, 0) to s(x, t), carried with velocity 1.

    Args:
        points: m along x; a ring leaves x = 1 out.
        times: k from 0 to T, at which s is returned.
        duration: T.
        correlation_length: l of V.
        periodic: a ring, or else a line with nothing entering at x = 0.

    >>> problem = AdvectionInitial()
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 100, 100])
    """

    name: ClassVar[str] = "advection"
    summary: ClassVar[str] = "s_t + s_x = 0: initial values -> s(x, t)"
    input_name: ClassVar[str] = "initial"

    points: int = 100
    times: int = 100
    duration: float = 1.0
    correlation_length: float = 0.2
    periodic: bool = True

    def coarsened(self, factor: float) -> "AdvectionInitial":
        return replace(self, points=fewer(self.points, factor), times=fewer(self.times, factor))

    def solve(self, inputs: Inputs) -> Tensor:
        self.signature.check(inputs, finite=True)
        initial = inputs["initial"][:, 0].double()
        carried = self._carried_round(initial) if self.periodic else self._carried_along(initial)
        return carried.float().unsqueeze(1)

    def _carried_round(self, initial: Float[Tensor, "n m"]) -> Float[Tensor, "n m k"]:
        coefficients = torch.fft.rfft(initial)
        order = torch.arange(coefficients.shape[1], dtype=torch.float64)
        phase = 2 * math.pi * order[:, None] * self._times
        return torch.fft.irfft(coefficients[:, :, None] * torch.polar(torch.ones_like(phase), -phase), self.points, 1)

    def _carried_along(self, initial: Float[Tensor, "n m"]) -> Float[Tensor, "n m k"]:
        from scipy.interpolate import CubicSpline

        x = self.line.axes[0].points()
        feet = (x[:, None] - self._times).numpy()
        values = CubicSpline(x.numpy(), initial.numpy(), axis=1)(np.maximum(feet, 0.0))
        return torch.from_numpy(np.where(feet >= 0, values, 0.0))

    def _draw(self, generators: list[torch.Generator], x: Float[Tensor, " m"]) -> Float[Tensor, "n m"]:
        if self.periodic:
            return self._field.sample_each(generators, torch.sin(math.pi * x).square())
        return x * self._field.sample_each(generators, x)

    def _velocity(self, inputs: Inputs) -> float:
        return 1.0


@dataclass(frozen=True)
class AdvectionVelocity(Advection):
    """From the velocity a(x) > 0 to s(x, t) with given initial values, and on a line given values that enter.

    Args:
        points: m along x; a ring leaves x = 1 out.
        times: k from 0 to T, at which s is returned.
        duration: T.
        correlation_length: l of V.
        periodic: a ring, or else a line.

    >>> problem = AdvectionVelocity()
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 100, 100])
    """

    name: ClassVar[str] = "advection-velocity"
    summary: ClassVar[str] = "s_t + a(x) s_x = 0: velocity a -> s(x, t)"
    input_name: ClassVar[str] = "velocity"

    points: int = 100
    times: int = 100
    duration: float = 1.0
    correlation_length: float = 0.2
    periodic: bool = False

    def coarsened(self, factor: float) -> "AdvectionVelocity":
        return replace(self, points=fewer(self.points, factor), times=fewer(self.times, factor))

    def solve(self, inputs: Inputs) -> Tensor:
        """Solution for positive velocities; raises SignatureError for others."""
        from fredholm.solvers.characteristics import Characteristics

        self.signature.check(inputs, finite=True)
        velocity = inputs["velocity"][:, 0].double().numpy()
        if not np.all(velocity > 0):
            sample = int((velocity <= 0).any(1).argmax())
            raise SignatureError(
                f"input 'velocity' of sample {sample} reaches {velocity[sample].min():g}; it must be positive"
            )
        if self.periodic:
            velocity = np.concatenate([velocity, velocity[:, :1]], axis=1)
        feet, entered = Characteristics(velocity, extent=1.0).traced(self._times.numpy())
        if self.periodic:
            s = np.sin(2 * np.pi * feet[:, :-1])
        else:
            s = np.where(entered > 0, np.sin(np.pi * entered), np.square(feet))
        return torch.from_numpy(s).float().unsqueeze(1)

    def _draw(self, generators: list[torch.Generator], x: Float[Tensor, " m"]) -> Float[Tensor, "n m"]:
        if not self.periodic:
            return 1 + 0.1 * self._field.sample_each(generators, x)
        both = self._field.sample_each(generators, torch.cat([x, 1 - x]))
        return 1 + 0.05 * (both[:, : len(x)] + both[:, len(x) :])

    def _velocity(self, inputs: Inputs) -> Tensor:
        return inputs["velocity"].unsqueeze(-1)
