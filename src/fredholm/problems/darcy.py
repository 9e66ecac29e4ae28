"""Darcy flow through a random medium: from the permeability to the pressure.

    -div(a grad p) = 1  in (0, 1)²,   p = 0 on the boundary

a is a random medium: of two phases (12 where a Gaussian field g is positive, 3 elsewhere; the default), log-normal, or
with waves of many scales. g has zero mean and covariance (-Δ + τ²)^-α under Neumann conditions: the larger τ, the finer
the phases. The operator G: a ↦ p is not linear, and smooths. Coefficient and pressure are values of the n × n cells of
a uniform grid; the reference is a finite-volume scheme with harmonic means, second order where a is smooth. Lengths are
in units of the side, a and p of the source.

Source: Li, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar, "Fourier neural operator for parametric
partial differential equations", ICLR 2021, section 5.2 and appendix A.3; He, Liu, Xu, "MgNO: efficient
parameterization of linear operators via multigrid", ICLR 2024, for the rough medium (τ = 5) and many scales.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.problems.media import Medium, TwoPhase
from fredholm.problems.positive import require_positive
from fredholm.problems.problem import Problem, StrongForm, fewer, generator_of


@dataclass(frozen=True)
class Darcy(Problem, StrongForm):
    """-div(a grad p) = 1 in the unit square with p = 0 around, for random a.

    Args:
        points: n, cells along each side; functions are known at their centres.
        medium: what a is drawn from: `TwoPhase`, `LogNormal` or `Multiscale`.

    >>> problem = Darcy(points=16)
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 16, 16])
    """

    name: ClassVar[str] = "darcy"
    summary: ClassVar[str] = "-div(a grad p) = 1 in the unit square, for random a: coefficient -> pressure"

    points: int = 64
    medium: Medium = field(default_factory=TwoPhase)

    def __post_init__(self) -> None:
        if self.points < 2:
            raise ValueError(f"a grid needs at least 2 points along each side, got {self.points}")
        self.medium.require_resolved(self.grid)

    @cached_property
    def grid(self) -> Grid:
        """The cells' centres (i + ½) / n."""
        half = 0.5 / self.points
        return Grid(*(Axis(name, half, 1 - half, self.points) for name in ("x", "y")))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"coefficient": self.grid}

    @property
    def output_domain(self) -> Domain:
        return self.grid

    @property
    def signature(self) -> Signature:
        square = DomainType.of(self.grid)
        return Signature(
            {"coefficient": Function((Quantity("coefficient"),), square)}, Function((Quantity("pressure"),), square)
        )

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        media = self.medium.sample(self.grid, [generator_of(seed, first + i) for i in range(n)])
        return {"coefficient": media.float().unsqueeze(1)}

    def coarsened(self, factor: float) -> "Darcy":
        return replace(self, points=fewer(self.points, factor))

    def solve(self, inputs: Inputs) -> Tensor:
        """Pressure of any positive coefficients; raises SignatureError for others."""
        from fredholm.solvers.finite_volume_diffusion import FiniteVolumeDiffusion

        self.signature.check(inputs, finite=True)
        require_positive("coefficient", inputs["coefficient"])
        coefficient = inputs["coefficient"][:, 0].double().numpy()
        pressure = FiniteVolumeDiffusion((1.0, 1.0)).solve(coefficient, np.ones_like(coefficient))
        return torch.from_numpy(pressure).float().unsqueeze(1)

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """-div(a grad p) - 1 (n, 1, *cells), by the fluxes through the faces of the cells, in units of the source."""
        from fredholm.solvers.finite_volume_diffusion import FiniteVolumeDiffusion

        return FiniteVolumeDiffusion((1.0, 1.0)).stencil(inputs["coefficient"]).apply(output) - 1
