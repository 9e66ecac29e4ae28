"""What problems of the kind s' = F(s, u) share: a Gaussian random function u of time that drives a system from rest."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.random_fields import RBFGaussianField
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.problems.problem import Problem, StrongForm, generator_of

_STEPS = 2  # of the solver between sensors: its error is then below that of the spline through them


class ForcedODE(Problem, StrongForm):
    """The operator u ↦ s₁ of s' = F(s, u), s(0) = 0, both functions at m equidistant sensors.

    u is Gaussian with covariance exp(-|t - t'|² / (2 l²)). The reference drives the system with the cubic spline
    through u, by the classical Runge-Kutta method: fourth order in the sensors' spacing.
    """

    input_quantity: ClassVar[Quantity]
    output_quantity: ClassVar[Quantity]
    time: ClassVar[tuple[str, str]]  # the axis' name and units
    equations: ClassVar[int]

    sensors: int
    correlation_length: float
    duration: float

    def __post_init__(self) -> None:
        if self.sensors < 4:
            raise ValueError(f"a cubic spline needs at least 4 sensors, got {self.sensors}")
        if not 0 < self.duration < float("inf"):
            raise ValueError(f"duration must be positive and finite, got {self.duration}")
        if not self.correlation_length >= self.duration / (self.sensors - 1):
            raise ValueError(
                f"{self.sensors} sensors are {self.duration / (self.sensors - 1):.3g} apart and do not resolve a "
                f"correlation length of {self.correlation_length}"
            )

    @cached_property
    def line(self) -> Grid:
        """The sensors, equidistant on [0, T]."""
        name, units = self.time
        return Grid(Axis(name, 0.0, self.duration, self.sensors, units))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {self.input_quantity.name: self.line}

    @property
    def output_domain(self) -> Domain:
        return self.line

    @property
    def signature(self) -> Signature:
        line = DomainType.of(self.line)
        inputs = {self.input_quantity.name: Function((self.input_quantity,), line)}
        return Signature(inputs, Function((self.output_quantity,), line))

    @cached_property
    def _field(self) -> RBFGaussianField:
        return RBFGaussianField(self.correlation_length / self.duration)

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        return {self.input_quantity.name: self._draw([generator_of(seed, first + i) for i in range(n)])}

    def _draw(self, generators: list[torch.Generator]) -> Float[Tensor, "n 1 m"]:
        at = self.line.axes[0].points() / self.duration
        return self._field.sample_each(generators, at).float().unsqueeze(1)

    def solve(self, inputs: Inputs) -> Tensor:
        self.signature.check(inputs, finite=True)
        return torch.from_numpy(self._states(inputs)[0]).float().unsqueeze(1)

    def _states(self, inputs: Inputs) -> Float[ndarray, "d n m"]:
        """All components of s at the sensors."""
        from scipy.interpolate import CubicSpline

        from fredholm.solvers.forced_dynamics import drive

        u = inputs[self.input_quantity.name][:, 0].double().numpy()
        spline = CubicSpline(self.line.axes[0].points().numpy(), u, axis=1)
        halves = np.linspace(0.0, self.duration, 2 * _STEPS * (self.sensors - 1) + 1)
        rest = np.zeros((self.equations, len(u)))
        return drive(self._slope, rest, spline(halves), 2 * halves[1])[..., ::_STEPS]

    @abstractmethod
    def _slope(self, state: Float[ndarray, "d n"], force: Float[ndarray, " n"]) -> Float[ndarray, "d n"]:
        """F(s, u)."""
