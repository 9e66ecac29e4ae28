"""The antiderivative, the "hello world" of operator learning.

    G: u ↦ s,   s(y) = ∫₀ʸ u(x) dx,   0 ≤ y ≤ 1

G is linear and smoothing. Inputs are Gaussian random functions with covariance exp(-|x - x'|² / (2 l²)). The reference
integrates the cubic spline through the sensor values exactly, which is fourth order in the sensor spacing.

Source: Lu, Jin, Pang, Zhang, Karniadakis, "Learning nonlinear operators via DeepONet", Nature Machine Intelligence
3 (2021), section on the 1-D dynamic system.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.random_fields import RBFGaussianField
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.problems.problem import Problem, generator_of


@dataclass(frozen=True)
class Antiderivative(Problem):
    """s' = u with s(0) = 0 on [0, 1].

    Args:
        sensors: number m of equidistant points at which u is known, and s is returned.
        correlation_length: l of the Gaussian random inputs.

    >>> problem = Antiderivative()
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 100])
    """

    name: ClassVar[str] = "antiderivative"
    summary: ClassVar[str] = "s' = u, s(0) = 0 on [0, 1], for Gaussian random u: u -> s"

    sensors: int = 100
    correlation_length: float = 0.2

    def __post_init__(self) -> None:
        if self.sensors < 4:
            raise ValueError(f"a cubic spline needs at least 4 sensors, got {self.sensors}")
        if not self.correlation_length > 0:
            raise ValueError(f"correlation length must be positive, got {self.correlation_length}")

    @cached_property
    def line(self) -> Grid:
        """The sensors, equidistant on [0, 1]."""
        return Grid(Axis("x", 0.0, 1.0, self.sensors))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"u": self.line}

    @property
    def output_domain(self) -> Domain:
        return self.line

    @property
    def signature(self) -> Signature:
        line = DomainType.of(self.line)
        return Signature({"u": Function((Quantity("u"),), line)}, Function((Quantity("s"),), line))

    @cached_property
    def _inputs(self) -> RBFGaussianField:
        return RBFGaussianField(self.correlation_length)

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        generators = [generator_of(seed, first + i) for i in range(n)]
        return {"u": self._inputs.sample_each(generators, self.line.axes[0].points()).float().unsqueeze(1)}

    def solve(self, inputs: Inputs) -> Tensor:
        return self.solve_at(inputs, self.line.coordinates().expand(len(inputs["u"]), -1, -1))

    def solve_at(self, inputs: Inputs, query: Float[Tensor, "n m 1"]) -> Float[Tensor, "n 1 m"]:
        """S at the points `query` of each sample."""
        self.signature.check(inputs, query, finite=True)
        from scipy.interpolate import CubicSpline

        spline = CubicSpline(self.line.axes[0].points().numpy(), inputs["u"][:, 0].double().numpy(), axis=1)
        integral = spline.antiderivative()
        at = query[..., 0].double().numpy()
        piece = np.clip(np.searchsorted(integral.x, at, side="right") - 1, 0, len(integral.x) - 2)
        sample = np.arange(len(at))[:, None]
        offset = at - integral.x[piece]
        # Horner's rule on each sample's own polynomial piece: calling the spline would evaluate all samples at each
        # point
        values = np.zeros_like(at)
        for coefficient in integral.c:
            values = values * offset + coefficient[piece, sample]
        return torch.from_numpy(values).float().unsqueeze(1)
