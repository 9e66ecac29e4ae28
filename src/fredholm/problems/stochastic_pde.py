"""Diffusion through a random medium: from the process that the medium is to what diffuses.

    -(a u')' = f,   u(0) = u(1) = 0,   0 ≤ x ≤ 1,   a = exp b(x; ω),   b(x; ω) = Σᵢ ξᵢ √λᵢ φᵢ(x),   f = 10

b is a Gaussian process with covariance exp(-|x - x'|² / (2 l²)), whose length l differs from sample to sample, uniform
in (0.2, 2). It is given by its Karhunen-Loève expansion: the functions √λᵢ φᵢ. Two operators: `StochasticPDE` maps them
and the numbers ξ, standard normal, to the path u; `StochasticPDEMoments` maps them to mean and standard deviation of u
over all ω. The reference integrates the equation in closed form with a cubic spline for b, fourth order in the sensors'
spacing; the moments are those of 2¹² paths at Sobol's points, always the same: with four times as many the mean
changes by 2e-4 of its norm, the deviation by 5e-3. All quantities are numbers without units.

Source: Lu, Jin, Pang, Zhang, Karniadakis, "Learning nonlinear operators via DeepONet based on the universal
approximation theorem of operators", Nature Machine Intelligence 3 (2021), section on stochastic operators.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from fredholm.fields.differences import first_derivative, second_derivative
from fredholm.fields.signature import Inputs, Quantity
from fredholm.problems.problem import StrongForm
from fredholm.problems.random_process import GivenProcess, GivenProcessPath


@dataclass(frozen=True)
class StochasticPDE(GivenProcessPath, StrongForm):
    """From the process of the medium, and the numbers that make one path of it, to the path u.

    Args:
        sensors: m, equidistant on [0, 1], at which the process is known and u is returned.
        terms: of the expansion.
        lengths: between which the correlation length l is drawn.
        load: f.

    >>> problem = StochasticPDE()
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 30])
    """

    name: ClassVar[str] = "stochastic-pde"
    summary: ClassVar[str] = "-(exp(b) u')' = f for a Gaussian process b of random length: its modes, ξ -> path u"
    axis: ClassVar[str] = "x"
    outputs: ClassVar[tuple[Quantity, ...]] = (Quantity("u"),)

    sensors: int = 30
    terms: int = 8
    lengths: tuple[float, float] = (0.2, 2.0)
    load: float = 10.0

    def solve(self, inputs: Inputs) -> Tensor:
        from fredholm.solvers.line_diffusion import line_diffusion

        self.signature.check(inputs, finite=True)
        b = self.path(inputs["modes"].double(), inputs["xi"].double())
        return torch.from_numpy(line_diffusion(b.numpy(), self.load)).float().unsqueeze(1)

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """The rest -exp(b) (u'' + b' u') - f, by second-order differences."""
        b = self.path(inputs["modes"], inputs["xi"]).unsqueeze(1)
        (x,) = self.line.axes
        bent = second_derivative(output, 2, x) + first_derivative(b, 2, x) * first_derivative(output, 2, x)
        return -b.exp() * bent - self.load


@dataclass(frozen=True)
class StochasticPDEMoments(GivenProcess):
    """From the process of the medium to mean and standard deviation of u.

    Args:
        sensors: m, equidistant on [0, 1], at which the process is known and the moments are returned.
        terms: of the expansion.
        lengths: between which the correlation length l is drawn.
        load: f.
        paths: over which the moments are taken, a power of two.

    >>> problem = StochasticPDEMoments(paths=256)
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 2, 30])
    """

    name: ClassVar[str] = "stochastic-pde-moments"
    summary: ClassVar[str] = "-(exp(b) u')' = f for a Gaussian process b: its modes -> mean, deviation of u"
    axis: ClassVar[str] = "x"
    outputs: ClassVar[tuple[Quantity, ...]] = (Quantity("mean"), Quantity("standard_deviation"))

    sensors: int = 30
    terms: int = 8
    lengths: tuple[float, float] = (0.2, 2.0)
    load: float = 10.0
    paths: int = 4096

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.paths < 2 or self.paths & (self.paths - 1):
            raise ValueError(f"Sobol's points come in powers of two, got {self.paths} paths")

    def solve(self, inputs: Inputs) -> Tensor:
        from fredholm.solvers.line_diffusion import line_diffusion

        self.signature.check(inputs, finite=True)
        moments = np.empty((len(inputs["modes"]), 2, self.sensors))
        for modes, out in zip(inputs["modes"].double().numpy(), moments, strict=True):
            u = line_diffusion(self._xi @ modes, self.load)
            out[0], out[1] = u.mean(0), u.std(0)
        return torch.from_numpy(moments).float()

    @cached_property
    def _xi(self) -> ndarray:
        """Numbers (paths, terms) that fill the normal distribution evenly."""
        from scipy.special import ndtri
        from scipy.stats import qmc

        points = qmc.Sobol(self.terms, scramble=True, rng=0).random_base2(self.paths.bit_length() - 1)
        return ndtri(np.clip(points, 1e-12, 1 - 1e-12))
