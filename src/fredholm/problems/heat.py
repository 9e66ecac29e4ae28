"""Heat in a square whose walls are kept warm: from five temperatures to the temperature in space and time.

    ∂u/∂t = a Δu  in (0, L)²,   u = X₀ at t = 0,   u = X₁, X₂ at x = 0, L  and  X₃, X₄ at y = 0, L

X₀, ..., X₄ are uniform on an interval, in K; a is the diffusivity in m²/s, L in m. The operator maps them to u at
the centres of n × n cells and at equidistant times: it is linear, and the start, which is not that of the walls, is
steep. The reference is exact in time and of second order in space. It is the problem on which surrogates have been
trained while the solvers run.

Source: Meyer, Schouler, Caulk, Ribés, Raffin, "Training deep surrogate models with large scale online learning", ICML
2023; "High throughput training of deep surrogates from large ensemble runs", SC 2023, for the five temperatures.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from fredholm.fields.differences import first_derivative
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Quantity, Signature
from fredholm.problems.problem import Problem, StrongForm, fewer, generator_of


@dataclass(frozen=True)
class Heat(Problem, StrongForm):
    """Heat between four walls, each of its own temperature.

    Args:
        points: n, cells along each side.
        times: at T / times, 2 T / times, ..., T.
        duration: T, s.
        side: L, m.
        diffusivity: a, m²/s.
        temperatures: the interval of X₀, ..., X₄, K.

    >>> problem = Heat(points=16)
    >>> inputs = problem.sample(2, seed=0)
    >>> inputs["temperatures"].shape, problem.solve(inputs).shape
    (torch.Size([2, 5]), torch.Size([2, 1, 16, 16, 25]))
    """

    name: ClassVar[str] = "heat"
    summary: ClassVar[str] = "heat in a square: initial temperature and those of the walls -> temperature in time"

    points: int = 32
    times: int = 25
    duration: float = 0.5
    side: float = 2.0
    diffusivity: float = 1.0
    temperatures: tuple[float, float] = (100.0, 500.0)

    def __post_init__(self) -> None:
        if self.points < 2 or self.times < 3:
            raise ValueError(f"points {self.points} must be 2 or more, times {self.times} 3 or more")
        sizes = (self.duration, self.side, self.diffusivity)
        if not all(0 < size < math.inf for size in sizes):
            raise ValueError(f"duration, side and diffusivity must be positive and finite, got {sizes}")
        lower, upper = self.temperatures
        if not -math.inf < lower < upper < math.inf:
            raise ValueError(f"temperatures lie between a lower and a higher one, got {self.temperatures}")

    @cached_property
    def grid(self) -> Grid:
        """Cells' centres, m, and times, s."""
        half = self.side / self.points / 2
        axes = [Axis(name, half, self.side - half, self.points, "m") for name in ("x", "y")]
        return Grid(*axes, Axis("t", self.duration / self.times, self.duration, self.times, "s"))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {}

    @property
    def output_domain(self) -> Domain:
        return self.grid

    @property
    def signature(self) -> Signature:
        places = ("initial", "x_lower", "x_upper", "y_lower", "y_upper")
        return Signature(
            {"temperatures": Parameter(tuple(Quantity(place, "K") for place in places))},
            Function((Quantity("temperature", "K"),), DomainType.of(self.grid)),
        )

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        shares = [torch.rand(5, generator=generator_of(seed, first + i)) for i in range(n)]
        lower, upper = self.temperatures
        return {"temperatures": lower + (upper - lower) * torch.stack(shares)}

    def coarsened(self, factor: float) -> "Heat":
        return replace(self, points=fewer(self.points, factor))

    def solve(self, inputs: Inputs) -> Tensor:
        from fredholm.solvers.heat import HeatSolver

        self.signature.check(inputs, finite=True)
        given = inputs["temperatures"].double()
        initial = given[:, :1, None].expand(-1, self.points, self.points)
        source = self._through_walls(given)
        times = np.linspace(self.duration / self.times, self.duration, self.times)
        solver = HeatSolver((self.side, self.side), self.diffusivity)
        states = solver.solve(initial.numpy(), source.numpy(), times)
        return torch.from_numpy(states).float().movedim(1, -1).unsqueeze(1).contiguous()

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """∂u/∂t - a Δu (n, 1, n, n, t) in K/s: the Laplacian as the solver has it, differences in time."""
        from fredholm.solvers.finite_volume_diffusion import FiniteVolumeDiffusion

        coefficient = torch.full((self.points, self.points), self.diffusivity, dtype=output.dtype, device=output.device)
        stencil = FiniteVolumeDiffusion((self.side, self.side)).stencil(coefficient)
        diffusion = stencil.apply(output.movedim(-1, 1)).movedim(1, -1)
        entering = self._through_walls(inputs["temperatures"])[:, None, :, :, None]
        return first_derivative(output, 4, self.grid.axes[2]) + diffusion - entering

    def _through_walls(self, temperatures: Tensor) -> Tensor:
        """What the walls bring into the cells beside them, (n, n, n), K/s."""
        into = 2 * self.diffusivity * (self.points / self.side) ** 2
        entering = temperatures.new_zeros(len(temperatures), self.points, self.points)
        for wall, cells in enumerate((entering[:, 0], entering[:, -1], entering[:, :, 0], entering[:, :, -1]), start=1):
            cells += into * temperatures[:, wall, None]
        return entering
