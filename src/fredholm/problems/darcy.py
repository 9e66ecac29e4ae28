"""Darcy flow through a two-phase medium: from the permeability to the pressure.

    -div(a grad p) = 1  in (0, 1)²,   p = 0 on the boundary,   a = 12 where g > 0, 3 elsewhere

g is a Gaussian field with zero mean and covariance (-Δ + τ²)^-α under Neumann conditions: the larger τ, the finer the
phases. The operator G: a ↦ p is not linear, and smooths. Coefficient and pressure are values of the n × n cells of a
uniform grid; the reference is a finite-volume scheme with harmonic means, second order where a is smooth.

Source: Li, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar, "Fourier neural operator for parametric
partial differential equations", ICLR 2021, section 5.2 and appendix A.3; He, Liu, Xu, "MgNO: efficient
parameterization of linear operators via multigrid", ICLR 2024, for the rough medium (τ = 5).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.random_fields import CellNeumannGaussianField
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.problems.problem import Problem, generator_of


@dataclass(frozen=True)
class Darcy(Problem):
    """-div(a grad p) = 1 in the unit square with p = 0 around, for two-phase a.

    Args:
        points: n, cells along each side; functions are known at their centres.
        contrast: values of a where the Gaussian field is positive, and where it is not.
        inverse_length: τ; 5 makes the "rough" medium, 3 the "smooth" one.
        exponent: α > 1 of the covariance.

    >>> problem = Darcy(points=16)
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 16, 16])
    """

    name: ClassVar[str] = "darcy"
    summary: ClassVar[str] = "-div(a grad p) = 1 in the unit square, for two-phase a: coefficient -> pressure"

    points: int = 64
    contrast: tuple[float, float] = (12.0, 3.0)
    inverse_length: float = 5.0
    exponent: float = 2.0

    def __post_init__(self) -> None:
        if self.points < 2:
            raise ValueError(f"a grid needs at least 2 points along each side, got {self.points}")
        if not all(0 < value < float("inf") for value in self.contrast):
            raise ValueError(f"both phases need a positive, finite coefficient, got {self.contrast}")
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

    @cached_property
    def _field(self) -> CellNeumannGaussianField:
        return CellNeumannGaussianField(self.grid, self.exponent, self.inverse_length)

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        field = self._field.sample_each([generator_of(seed, first + i) for i in range(n)])
        # without its mean, which has a third of the variance, each phase has about half of the square in every sample
        positive = field > field.mean((1, 2), keepdim=True)
        return {"coefficient": torch.where(positive, *self.contrast).float().unsqueeze(1)}

    def solve(self, inputs: Inputs) -> Tensor:
        """Pressure of any positive coefficients; raises SignatureError for others."""
        from fredholm.solvers.finite_volume_diffusion import FiniteVolumeDiffusion

        self.signature.check(inputs, finite=True)
        coefficient = inputs["coefficient"][:, 0].double().numpy()
        if not np.all(coefficient > 0):
            sample = int((coefficient <= 0).any((1, 2)).argmax())
            raise SignatureError(
                f"input 'coefficient' of sample {sample} reaches {coefficient[sample].min():g}; it must be positive"
            )
        pressure = FiniteVolumeDiffusion((1.0, 1.0)).solve(coefficient, np.ones_like(coefficient))
        return torch.from_numpy(pressure).float().unsqueeze(1)
