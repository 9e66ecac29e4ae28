"""Burgers' equation between walls: from the velocity at the start to that in space and time.

    ∂u/∂t + u ∂u/∂x = ν ∂²u/∂x²,   u(±1, t) = 0,   u(·, 0) = u₀,   -1 ≤ x ≤ 1,   0 ≤ t ≤ T

Waves steepen towards shocks of thickness 4 ν / Δu, and end at the walls. u₀ is Gaussian with covariance proportional to
(-d²/dx² + τ²)^-2 under u₀(±1) = 0. A solution that is continued as an odd function beyond a wall solves the equation on
a ring of twice the length: the reference is the pseudo-spectral method there, fourth order in time. Length, time and ν
are in units of half the width and of a time.

Source: Zang, Koutsourelakis, "DGenNO", J. Comput. Phys. 538 (2025), for ν, walls and points. The covariance of u₀ is
a choice of this project.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.problems.problem import Problem, generator_of

_STEP = 0.005  # of the solver, in time
_MODES = 32  # of u₀; higher ones have less than a thousandth of the amplitude of the first


@dataclass(frozen=True)
class BurgersWalls(Problem):
    """From u₀ to u(x, t).

    Args:
        points: of x, both walls included.
        times: from 0 to T, at which u is returned.
        viscosity: ν.
        duration: T.
        deviation: of u₀, on average over the line.
        inverse_length: τ.

    >>> problem = BurgersWalls(points=65, times=5, viscosity=0.1)
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 65, 5])
    """

    name: ClassVar[str] = "burgers-walls"
    summary: ClassVar[str] = "u_t + u u_x = ν u_xx, u = 0 at walls: u at time 0 -> u(x, t)"

    points: int = 129
    times: int = 101
    viscosity: float = 0.1 / math.pi
    duration: float = 1.0
    deviation: float = 0.5
    inverse_length: float = 3.0

    def __post_init__(self) -> None:
        if self.points < 5 or self.times < 2:
            raise ValueError(f"points {self.points} must be 5 or more, times {self.times} 2 or more")
        sizes = (self.viscosity, self.duration, self.deviation, self.inverse_length)
        if not all(0 < size < math.inf for size in sizes):
            raise ValueError(f"viscosity, duration, deviation and inverse length must be positive and finite: {sizes}")
        layer, spacing = 4 * self.viscosity / (4 * self.deviation), 2 / (self.points - 1)
        if layer < 2 * spacing:
            raise ValueError(
                f"shock layers are about {layer:.3g} thick, the points {spacing:.3g} apart: take at least "
                f"{math.ceil(4 / layer) + 1} points, or more viscosity"
            )

    @cached_property
    def line(self) -> Grid:
        """The points, from wall to wall."""
        return Grid(Axis("x", -1.0, 1.0, self.points))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"initial": self.line}

    @cached_property
    def output_domain(self) -> Grid:
        """The points, by `times` times from 0 to T."""
        return Grid(self.line.axes[0], Axis("t", 0.0, self.duration, self.times))

    @property
    def signature(self) -> Signature:
        return Signature(
            {"initial": Function((Quantity("u"),), DomainType.of(self.line))},
            Function((Quantity("u"),), DomainType.of(self.output_domain)),
        )

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        wave = math.pi / 2 * torch.arange(1, _MODES + 1, dtype=torch.float64)
        amplitude = 1 / (wave.square() + self.inverse_length**2)
        amplitude *= self.deviation / (amplitude.square().sum() / 2).sqrt()  # a sine has a mean square of ½
        modes = amplitude[:, None] * torch.sin(wave[:, None] * (self.line.axes[0].points() + 1))
        noise = [torch.randn(_MODES, generator=generator_of(seed, first + i), dtype=torch.float64) for i in range(n)]
        # each by itself: a product of all at once would round differently for every number of them
        values = torch.stack([one @ modes for one in noise]) if noise else torch.empty(0, self.points)
        values[:, [0, -1]] = 0.0
        return {"initial": values.float().unsqueeze(1)}

    def solve(self, inputs: Inputs) -> Tensor:
        """u(x, t); raises SolverError naming a sample whose shocks the points do not resolve."""
        from fredholm.solvers.fourier_line import FourierLine
        from fredholm.solvers.nonlinear_convection import burgers

        self.signature.check(inputs, finite=True)
        initial = inputs["initial"][:, 0].double()
        ring = torch.cat([initial[:, :-1], -initial.flip(1)[:, :-1]], dim=1)
        solver, frames = burgers(FourierLine(ring.shape[1], 4.0), self.viscosity), self.times - 1
        later = torch.from_numpy(solver.solve(ring.numpy(), self.duration, min(_STEP, self.duration), frames))
        u = torch.cat([initial[:, None], later[..., : self.points]], dim=1)
        return u.float().mT.unsqueeze(1).contiguous()
