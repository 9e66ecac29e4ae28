"""A nonlinear ordinary differential equation: from its force to its solution.

    G: u ↦ s,   s' = -s² + u(x),   s(0) = 0,   0 ≤ x ≤ 1

u is Gaussian with covariance exp(-|x - x'|² / (2 l²)). Where u stays below zero s may run away to -∞ before x = 1; such
forces, about one in a thousand, are drawn again, so that all solutions stay above -20. The reference is the classical
Runge-Kutta method on the cubic spline through u, fourth order in the sensors' spacing. All quantities are numbers
without units.

Source: Lu, Jin, Pang, Zhang, Karniadakis, "Learning nonlinear operators via DeepONet based on the universal
approximation theorem of operators", Nature Machine Intelligence 3 (2021), section on 1-D dynamic systems.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from fredholm.errors import SolverError
from fredholm.fields.differences import first_derivative
from fredholm.fields.signature import Inputs, Quantity
from fredholm.problems.forced_ode import ForcedODE
from fredholm.problems.problem import generator_of

_LOWEST = -20.0  # below, s' ≈ -s² reaches -∞ within 0.05


@dataclass(frozen=True)
class NonlinearODE(ForcedODE):
    """s' = -s² + u with s(0) = 0.

    Args:
        sensors: m, equidistant, at which u is known and s is returned.
        correlation_length: l of the Gaussian force.
        duration: T of [0, T].

    >>> problem = NonlinearODE()
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 100])
    """

    name: ClassVar[str] = "nonlinear-ode"
    summary: ClassVar[str] = "s' = -s² + u, s(0) = 0, for Gaussian random u: u -> s"
    input_quantity: ClassVar[Quantity] = Quantity("u")
    output_quantity: ClassVar[Quantity] = Quantity("s")
    time: ClassVar[tuple[str, str]] = ("x", "")
    equations: ClassVar[int] = 1

    sensors: int = 100
    correlation_length: float = 0.2
    duration: float = 1.0

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        """Forces whose solution stays above -20; the others are drawn again from the same generator."""
        generators = [generator_of(seed, first + i) for i in range(n)]
        u = self._draw(generators)
        while (left := np.flatnonzero(self._runaway(self._states({"u": u})[0]))).size:
            u[left] = self._draw([generators[i] for i in left])
        return {"u": u}

    def solve(self, inputs: Inputs) -> Tensor:
        """Solution at the sensors; raises SolverError for the first solution that falls below -20."""
        self.signature.check(inputs, finite=True)
        s = self._states(inputs)[0]
        runaway = self._runaway(s)
        if runaway.any():
            sample = int(runaway.argmax())
            x = self.line.axes[0].points()[int((~(s[sample] > _LOWEST)).argmax())]
            raise SolverError(sample, f"its solution falls below {_LOWEST:g} at x = {x:.3g}, on its way to -∞")
        return torch.from_numpy(s).float().unsqueeze(1)

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """The rest s' + s² - u, by second-order differences."""
        return first_derivative(output, 2, self.line.axes[0]) + output.square() - inputs["u"]

    def _slope(self, state: ndarray, force: ndarray) -> ndarray:
        return force - state * state

    @staticmethod
    def _runaway(s: ndarray) -> ndarray:
        return np.logical_not((s > _LOWEST).all(1))  # NaN is not above
