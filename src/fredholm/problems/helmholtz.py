"""Waves of one frequency in a random medium: from the wave speed to the wave field.

    -Δu - (ω / c)² u = 0  in (0, 1)²,   ∂u/∂y = 1 at y = 1,   ∂u/∂n = 0 at the other walls

c = 20 + tanh g, with a Gaussian field g of covariance (-Δ + τ²)^-α under Neumann conditions; at ω = 1000 about eight
wave lengths fit into the square. Lengths are in units of its side; speeds and ω in those of one time unit. The operator
c ↦ u is far from linear: a frequency near that of a standing wave makes u large, and does so in some samples. The
reference is a compact finite-difference scheme of fourth order on the n × n points, solved by elimination; with twice
the points u changes by 1 to 10 % of its norm at the defaults, by the more the nearer it is to a standing wave.

Sources: de Hoop, Huang, Qian, Stuart, "The cost-accuracy trade-off in operator learning with neural networks", J. Mach.
Learn. 1 (2022), section 4.2; He, Liu, Xu, "MgNO: efficient parameterization of linear operators via multigrid", ICLR
2024, which uses its data.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.random_fields import NeumannGaussianField
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.problems.positive import require_positive
from fredholm.problems.problem import Problem, StrongForm, fewer, generator_of

_MEAN, _SLOWEST = 20.0, 19.0  # of the speeds
_POINTS_A_WAVE = 8


@dataclass(frozen=True)
class Helmholtz(Problem, StrongForm):
    """Waves that enter a closed square through one side.

    Args:
        points: n, along each side, the walls among them.
        frequency: ω.
        inverse_length: τ.
        exponent: α.

    >>> problem = Helmholtz(points=33, frequency=200.0)
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 33, 33])
    """

    name: ClassVar[str] = "helmholtz"
    summary: ClassVar[str] = "-Δu - (ω/c)² u = 0 in the unit square, waves entering at a side: wave speed -> wave field"

    points: int = 101
    frequency: float = 1000.0
    inverse_length: float = 3.0
    exponent: float = 2.0

    def __post_init__(self) -> None:
        if self.points < 4:
            raise ValueError(f"a wave field needs at least 4 points along each side, got {self.points}")
        if not (self.inverse_length > 0 and self.exponent > 1):
            raise ValueError(
                f"inverse length {self.inverse_length} must be positive and exponent {self.exponent} over 1"
            )
        shortest = 2 * math.pi * _SLOWEST / self.frequency if self.frequency > 0 else 0.0
        if not shortest * (self.points - 1) >= _POINTS_A_WAVE:
            raise ValueError(
                f"frequency {self.frequency} has waves of {shortest:.3g}, of which {self.points} points see fewer than "
                f"{_POINTS_A_WAVE} values each: take a positive frequency up to "
                f"{2 * math.pi * _SLOWEST * (self.points - 1) / _POINTS_A_WAVE:.3g}, or more points"
            )

    @cached_property
    def grid(self) -> Grid:
        """The points i / (n - 1)."""
        return Grid(*(Axis(name, 0.0, 1.0, self.points) for name in ("x", "y")))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"wave_speed": self.grid}

    @property
    def output_domain(self) -> Domain:
        return self.grid

    @property
    def signature(self) -> Signature:
        square = DomainType.of(self.grid)
        return Signature(
            {"wave_speed": Function((Quantity("wave_speed"),), square)}, Function((Quantity("wave_field"),), square)
        )

    @cached_property
    def _field(self) -> NeumannGaussianField:
        return NeumannGaussianField(self.grid, self.exponent, self.inverse_length)

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        field = self._field.sample_each([generator_of(seed, first + i) for i in range(n)])
        return {"wave_speed": (_MEAN + torch.tanh(field)).float().unsqueeze(1)}

    def coarsened(self, factor: float) -> "Helmholtz":
        return replace(self, points=fewer(self.points, factor))

    def solve(self, inputs: Inputs) -> Tensor:
        """The wave field; raises SolverError for a sample in resonance, SignatureError for a speed that is none."""
        from fredholm.solvers.helmholtz import HelmholtzSolver

        self.signature.check(inputs, finite=True)
        require_positive("wave_speed", inputs["wave_speed"])
        wave_number = self.frequency / inputs["wave_speed"][:, 0].double().numpy()
        solver = HelmholtzSolver(1 / (self.points - 1))
        u = solver.solve(wave_number, 0 * wave_number, 0 * wave_number[:, 0, 0] + 1)
        return torch.from_numpy(u).float().unsqueeze(1)

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """-Δu - (ω / c)² u (n, 1, n, n) at inner points by the solver's differences, zero at the walls."""
        h = 1 / (self.points - 1)
        slowed = (self.frequency / inputs["wave_speed"]) ** 2 * output
        along_x = _second_differences(output, 2, h)
        laplacian = along_x + _second_differences(output, 3, h) + h**2 / 6 * _second_differences(along_x, 3, h)
        mean = slowed + h**2 / 12 * (_second_differences(slowed, 2, h) + _second_differences(slowed, 3, h))
        return torch.nn.functional.pad((-laplacian - mean)[..., 1:-1, 1:-1], (1, 1, 1, 1))


def _second_differences(values: Tensor, dim: int, h: float) -> Tensor:
    """Of values that are mirrored beyond both ends."""
    mirrored = torch.cat([values.narrow(dim, 1, 1), values, values.narrow(dim, values.shape[dim] - 2, 1)], dim)
    return mirrored.diff(n=2, dim=dim) / h**2
