"""Exponential growth at a random rate: from the process that the rate is to its growth.

    y'(t) = k(t; ω) y(t),   y(0) = 1,   0 ≤ t ≤ 1,   k(t; ω) = Σᵢ ξᵢ √λᵢ φᵢ(t)

k is a Gaussian process with covariance exp(-|t - t'|² / (2 l²)), whose length l differs from sample to sample, uniform
in (1, 2). It is given by its Karhunen-Loève expansion: the functions √λᵢ φᵢ. Two operators: `StochasticODE` maps them
and the numbers ξ, standard normal, to the path y = exp ∫k; `StochasticODEMoments` maps them to mean and standard
deviation of y over all ω, √(E y)² = exp(v / 2) with the variance v = Σ (∫√λᵢ φᵢ)². The integrals are those of cubic
splines through the sensors' values, fourth order in their spacing. All quantities are numbers without units.

Source: Lu, Jin, Pang, Zhang, Karniadakis, "Learning nonlinear operators via DeepONet based on the universal
approximation theorem of operators", Nature Machine Intelligence 3 (2021), section on stochastic operators.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.differences import first_derivative
from fredholm.fields.signature import Inputs, Quantity
from fredholm.problems.problem import StrongForm
from fredholm.problems.random_process import GivenProcess, GivenProcessPath


def _integrals(modes: Float[Tensor, "n k m"]) -> Float[Tensor, "n k m"]:
    """Integrals from 0 of functions at equidistant points of [0, 1]."""
    from scipy.interpolate import CubicSpline

    points = torch.linspace(0, 1, modes.shape[-1], dtype=torch.float64).numpy()
    return torch.from_numpy(CubicSpline(points, modes.double().numpy(), axis=2).antiderivative()(points))


@dataclass(frozen=True)
class StochasticODE(GivenProcessPath, StrongForm):
    """From the process of the rate, and the numbers that make one path of it, to the path y.

    Args:
        sensors: m, equidistant on [0, 1], at which the process is known and y is returned.
        terms: of the expansion.
        lengths: between which the correlation length l is drawn.

    >>> problem = StochasticODE()
    >>> inputs = problem.sample(2, seed=0)
    >>> {name: tuple(values.shape) for name, values in inputs.items()}
    {'modes': (2, 5, 20), 'xi': (2, 5)}
    >>> problem.solve(inputs).shape
    torch.Size([2, 1, 20])
    """

    name: ClassVar[str] = "stochastic-ode"
    summary: ClassVar[str] = "y' = k y for a Gaussian process k of random length: its modes, ξ -> path y"
    axis: ClassVar[str] = "t"
    outputs: ClassVar[tuple[Quantity, ...]] = (Quantity("y"),)

    sensors: int = 20
    terms: int = 5
    lengths: tuple[float, float] = (1.0, 2.0)

    def solve(self, inputs: Inputs) -> Tensor:
        self.signature.check(inputs, finite=True)
        return self.path(_integrals(inputs["modes"]), inputs["xi"].double()).exp().float().unsqueeze(1)

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """The rest y' - k y, by second-order differences."""
        rate = self.path(inputs["modes"], inputs["xi"]).unsqueeze(1)
        return first_derivative(output, 2, self.line.axes[0]) - rate * output


@dataclass(frozen=True)
class StochasticODEMoments(GivenProcess):
    """From the process of the rate to mean and standard deviation of y.

    Args:
        sensors: m, equidistant on [0, 1], at which the process is known and the moments are returned.
        terms: of the expansion.
        lengths: between which the correlation length l is drawn.

    >>> problem = StochasticODEMoments()
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 2, 20])
    """

    name: ClassVar[str] = "stochastic-ode-moments"
    summary: ClassVar[str] = "y' = k y for a Gaussian process k of random length: its modes -> mean, deviation of y"
    axis: ClassVar[str] = "t"
    outputs: ClassVar[tuple[Quantity, ...]] = (Quantity("mean"), Quantity("standard_deviation"))

    sensors: int = 20
    terms: int = 5
    lengths: tuple[float, float] = (1.0, 2.0)

    def solve(self, inputs: Inputs) -> Tensor:
        self.signature.check(inputs, finite=True)
        variance = _integrals(inputs["modes"]).square().sum(1)
        mean = (variance / 2).exp()
        return torch.stack([mean, mean * torch.expm1(variance).sqrt()], 1).float()
