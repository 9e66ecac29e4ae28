"""Poisson's equation in a square: from the source to the potential.

    -Δu = f  in (0, 1)²,   u = 0 on the boundary

f is a Gaussian field with zero mean and covariance proportional to (-Δ + τ²)^-α under Neumann conditions, of
deviation one. The operator f ↦ u is linear, symmetric and smooths by two orders: an operator that is not exact here
errs in what it does with waves or with walls. Source and potential are values of the n × n cells of a uniform
grid; the reference is a finite-volume scheme of second order, solved directly by its eigenvectors. Lengths are in units
of the side, u in those of f.

Source: Lynch, Rice, Thomas, "Direct solution of partial difference equations by tensor product methods", Numer. Math. 6
(1964), for the solution.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.random_fields import CellNeumannGaussianField
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.problems.problem import Problem, StrongForm, fewer, generator_of


@dataclass(frozen=True)
class Poisson(Problem, StrongForm):
    """-Δu = f in the unit square with u = 0 around.

    Args:
        points: n, cells along each side; functions are known at their centres.
        inverse_length: τ of the sources.
        exponent: α > 1 of the sources.

    >>> problem = Poisson(points=16)
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 16, 16])
    """

    name: ClassVar[str] = "poisson"
    summary: ClassVar[str] = "-Δu = f in the unit square, for Gaussian random f: source -> potential"

    points: int = 64
    inverse_length: float = 10.0
    exponent: float = 2.0

    def __post_init__(self) -> None:
        if self.points < 2:
            raise ValueError(f"a grid needs at least 2 points along each side, got {self.points}")
        if not (self.inverse_length > 0 and self.exponent > 1):
            raise ValueError(
                f"inverse length {self.inverse_length} must be positive and exponent {self.exponent} over 1"
            )

    @cached_property
    def grid(self) -> Grid:
        """The cells' centres (i + ½) / n."""
        half = 0.5 / self.points
        return Grid(*(Axis(name, half, 1 - half, self.points) for name in ("x", "y")))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"source": self.grid}

    @property
    def output_domain(self) -> Domain:
        return self.grid

    @property
    def signature(self) -> Signature:
        square = DomainType.of(self.grid)
        return Signature(
            {"source": Function((Quantity("source"),), square)}, Function((Quantity("potential"),), square)
        )

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        field = CellNeumannGaussianField.standard(self.grid, self.exponent, self.inverse_length)
        source = field.sample_each([generator_of(seed, first + i) for i in range(n)])
        return {"source": source.float().unsqueeze(1)}

    def coarsened(self, factor: float) -> "Poisson":
        return replace(self, points=fewer(self.points, factor))

    def solve(self, inputs: Inputs) -> Tensor:
        from fredholm.solvers.poisson import PoissonSolver

        self.signature.check(inputs, finite=True)
        potential = PoissonSolver((1.0, 1.0)).solve(inputs["source"][:, 0].double().numpy())
        return torch.from_numpy(potential).float().unsqueeze(1)

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """-Δu - f (n, 1, *cells), by the fluxes through the faces of the cells, in units of the source."""
        from fredholm.solvers.finite_volume_diffusion import FiniteVolumeDiffusion

        stencil = FiniteVolumeDiffusion((1.0, 1.0)).stencil(torch.ones_like(output[0, 0]))
        return stencil.apply(output) - inputs["source"]
