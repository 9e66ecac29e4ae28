"""Chaos along a line, the Kuramoto-Sivashinsky equation: from the present to the future.

    ∂u/∂t + u ∂u/∂x + ∂²u/∂x² + ∂⁴u/∂x⁴ = 0,   0 ≤ x < L, periodic,   u(·, 0) = u₀

Long waves grow, the fastest with length 2π √2, short ones are damped, and convection passes energy from the first to
the second. On long rings the flow is chaotic: two solutions part by a factor of e in about 11 units of time. u₀ is
taken from the attractor: a smooth Gaussian function of unit variance and no mean, after a time of `spin_up`. The
operator maps it to u at `times` times T / k, 2 T / k, ..., T, and commutes with translations. The reference is a
dealiased pseudo-spectral method with exponential time differencing: spectral in space, fourth order in time. With
the defaults half the step changes u by 2e-6 of its norm, twice the points by 1e-11. All quantities are numbers without
units.

Sources: Kuramoto, Prog. Theor. Phys. Suppl. 64 (1978); Sivashinsky, Acta Astronaut. 4 (1977); Kassam, Trefethen,
"Fourth-order time-stepping for stiff PDEs", SIAM J. Sci. Comput. 26 (2005), for the method.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from fredholm.fields.differences import first_derivative
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.random_fields import PeriodicGaussianField
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.fields.spectral import derivative
from fredholm.problems.problem import Conserving, Problem, StrongForm, fewer, generator_of

_SHORTEST = 4.0  # wave number that must be kept: there the damping k⁴ - k² is 240, and little is left to be lost


@dataclass(frozen=True)
class KuramotoSivashinsky(Problem, StrongForm, Conserving):
    """From u₀ to u(x, t).

    Args:
        points: n, of the ring.
        extent: L; the attractor is chaotic from about 20 on.
        duration: T.
        times: k, at which u is returned, the last of them T.
        step: of the solver, in time; larger waves are given shorter ones.
        spin_up: time that u₀ has had to reach the attractor; 0 leaves it Gaussian.

    >>> problem = KuramotoSivashinsky(points=64, extent=22.0, duration=1.0, times=4, spin_up=10.0)
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 1, 64, 4])
    """

    name: ClassVar[str] = "kuramoto-sivashinsky"
    summary: ClassVar[str] = "u_t + u u_x + u_xx + u_xxxx = 0 on a ring: u at time 0 -> u(x, t), chaotic"

    points: int = 256
    extent: float = 64.0
    duration: float = 10.0
    times: int = 40
    step: float = 0.05
    spin_up: float = 100.0

    def __post_init__(self) -> None:
        if self.points < 4 or self.times < 3:
            raise ValueError(f"points {self.points} must be 4 or more, times {self.times} 3 or more")
        if not (0 < self.extent < math.inf and 0 <= self.spin_up < math.inf):
            raise ValueError(f"extent {self.extent} must be positive and spin-up {self.spin_up} not negative")
        if not 0 < self.step <= self.duration < math.inf:
            raise ValueError(f"a step of {self.step} does not fit in a duration of {self.duration}")
        shortest = 2 * math.pi / self.extent * self.points / 3
        if shortest < _SHORTEST:
            least = math.ceil(_SHORTEST * 3 * self.extent / (2 * math.pi))
            raise ValueError(
                f"{self.points} points on a ring of {self.extent:g} keep wave numbers up to {shortest:.3g}, and those "
                f"up to {_SHORTEST:g} matter: take at least {least} points"
            )

    @cached_property
    def ring(self) -> Grid:
        """The points i L / n."""
        return Grid(Axis("x", 0.0, self.extent, self.points, periodic=True))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"initial": self.ring}

    @cached_property
    def output_domain(self) -> Grid:
        """The ring, by the times T / k, ..., T."""
        return Grid(self.ring.axes[0], Axis("t", self.duration / self.times, self.duration, self.times))

    @property
    def signature(self) -> Signature:
        u = (Quantity("u"),)
        return Signature(
            {"initial": Function(u, DomainType.of(self.ring))}, Function(u, DomainType.of(self.output_domain))
        )

    @cached_property
    def _field(self) -> PeriodicGaussianField:
        order = torch.fft.fftfreq(self.points, 1 / self.points, dtype=torch.float64)
        spectrum = ((2 * math.pi / self.extent * order) ** 2 + 1) ** -4.0
        variance = float(spectrum.sum() - spectrum[0]) / self.extent
        return PeriodicGaussianField(self.ring, exponent=4.0, inverse_length=1.0, scale=variance**-0.5)

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        u = self._field.sample_each([generator_of(seed, first + i) for i in range(n)])
        u = u - u.mean(1, keepdim=True)
        if self.spin_up:
            u = self._later(u, self.spin_up, 1)[:, 0]
        return {"initial": u.float().unsqueeze(1)}

    def coarsened(self, factor: float) -> "KuramotoSivashinsky":
        return replace(self, points=fewer(self.points, factor), step=min(factor * self.step, self.duration))

    def solve(self, inputs: Inputs) -> Tensor:
        """Values u(x, t); raises SolverError naming a sample that the points do not resolve."""
        self.signature.check(inputs, finite=True)
        u = self._later(inputs["initial"][:, 0].double(), self.duration, self.times)
        return u.float().mT.unsqueeze(1).contiguous()

    def imbalance(self, inputs: Inputs, output: Tensor) -> Tensor:
        """Gain of the mean of u, which every term of the equation keeps on a ring, (n, times)."""
        return output[:, 0].mean(1) - inputs["initial"].mean(-1)

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """The rest ∂u/∂t + u ∂u/∂x + ∂²u/∂x² + ∂⁴u/∂x⁴, spectral in x, by second-order differences in t."""
        across = [output]
        for _ in range(4):
            across.append(derivative(across[-1], 2, self.extent))
        return first_derivative(output, 3, self.output_domain.axes[1]) + output * across[1] + across[2] + across[4]

    def _later(self, initial: Tensor, duration: float, frames: int) -> Tensor:
        from fredholm.solvers.fourier_line import FourierLine
        from fredholm.solvers.nonlinear_convection import kuramoto_sivashinsky

        solver = kuramoto_sivashinsky(FourierLine(self.points, self.extent))
        return torch.from_numpy(solver.solve(initial.numpy(), duration, self.step, frames))
