"""A pendulum under a force: from the force over time to the angle over time.

    G: u ↦ s,   s'' = -k sin s + u(t),   s(0) = s'(0) = 0,   0 ≤ t ≤ T

s is the angle (rad), k = g / length (1/s²) and u the torque over the moment of inertia (rad/s²), Gaussian with
covariance exp(-|t - t'|² / (2 l²)). The longer T, the more the force decides, and the harder G is to learn. The
reference is the classical Runge-Kutta method on the cubic spline through u, fourth order in the sensors' spacing.

Source: Lu, Jin, Pang, Zhang, Karniadakis, "Learning nonlinear operators via DeepONet based on the universal
approximation theorem of operators", Nature Machine Intelligence 3 (2021), section on the gravity pendulum.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy import ndarray
from torch import Tensor

from fredholm.fields.differences import second_derivative
from fredholm.fields.signature import Inputs, Quantity
from fredholm.problems.forced_ode import ForcedODE


@dataclass(frozen=True)
class Pendulum(ForcedODE):
    """s'' = -k sin s + u from rest.

    Args:
        sensors: m, equidistant on [0, T], at which u is known and s is returned.
        correlation_length: l of the Gaussian force, in s.
        duration: T, in s.
        stiffness: k = g / length, in 1/s².

    >>> problem = Pendulum(duration=3.0)
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 100])
    """

    name: ClassVar[str] = "pendulum"
    summary: ClassVar[str] = "s'' = -k sin s + u from rest, for Gaussian random u: force -> angle"
    input_quantity: ClassVar[Quantity] = Quantity("force", "rad/s²")
    output_quantity: ClassVar[Quantity] = Quantity("angle", "rad")
    time: ClassVar[tuple[str, str]] = ("t", "s")
    equations: ClassVar[int] = 2

    sensors: int = 100
    correlation_length: float = 0.2
    duration: float = 1.0
    stiffness: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.stiffness < float("inf"):
            raise ValueError(f"stiffness must be finite and not negative, got {self.stiffness}")
        spacing = self.duration / (self.sensors - 1)
        if self.stiffness * spacing**2 > 1:
            raise ValueError(
                f"sensors {spacing:.3g} s apart do not resolve swings of stiffness {self.stiffness}: "
                f"k (T / (m - 1))² is {self.stiffness * spacing**2:.3g}, over 1"
            )

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """The rest s'' + k sin s - u, by second-order differences."""
        return second_derivative(output, 2, self.line.axes[0]) + self.stiffness * output.sin() - inputs["force"]

    def _slope(self, state: ndarray, force: ndarray) -> ndarray:
        return np.stack([state[1], force - self.stiffness * np.sin(state[0])])
