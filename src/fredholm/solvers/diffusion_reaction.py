"""A substance that diffuses, reacts and is fed, on a line with absorbing ends.

    ∂s/∂t = D ∂²s/∂x² + r(s) + f(x)  in (0, L),   s = 0 at both ends and at time 0

In space the compact scheme (s''₋ + 10 s'' + s''₊) / 12 = (s₋ - 2 s + s₊) / h², fourth order on three points; at the
ends, where nothing changes, the equation itself says s'' = -(r(0) + f) / D. Sines diagonalise it, so that ETDRK4
integrates diffusion and feed exactly, and the reaction with fourth order in the step.

Sources: Lele, "Compact finite difference schemes with spectral-like resolution", J. Comput. Phys. 103 (1992), section
2.2; Kassam, Trefethen, "Fourth-order time-stepping for stiff PDEs", SIAM J. Sci. Comput. 26 (2005).
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy import fft
from torch import Tensor

from fredholm.errors import SolverError
from fredholm.solvers.exponential_integrator import ETDRK4


class DiffusionReactionSolver:
    """Solver on m equidistant points of [0, L], both ends included. Arrays are NumPy's, float64.

    Args:
        points: m.
        extent: L.
        diffusivity: D.
        reaction: r, from values to values of the same shape.

    >>> x = np.linspace(0, 1, 41)
    >>> solver = DiffusionReactionSolver(41, 1.0, diffusivity=0.1, reaction=np.zeros_like)
    >>> s = solver.solve(np.sin(np.pi * x)[None], duration=1.0, frames=1, step=0.5)
    >>> exact = (1 - math.exp(-0.1 * math.pi**2)) / (0.1 * math.pi**2)
    >>> round(float(s[0, 0, 20]), 5), round(exact, 5)
    (0.63558, 0.63558)
    """

    def __init__(
        self,
        points: int,
        extent: float,
        diffusivity: float,
        reaction: Callable[[Float[ndarray, "*b m"]], Float[ndarray, "*b m"]],
    ) -> None:
        if points < 4:
            raise ValueError(f"a line needs at least 4 points, got {points}")
        if not (0 < extent < math.inf and 0 < diffusivity < math.inf):
            raise ValueError(f"extent {extent} and diffusivity {diffusivity} must be positive and finite")
        self.points, self.reaction = points, reaction
        half_angles = math.pi * np.arange(1, points - 1) / (2 * (points - 1))
        stiffness = 4 * np.sin(half_angles) ** 2  # of -h² s'', second order
        self._mass = 1 - stiffness / 12
        self._symbol = -diffusivity * ((points - 1) / extent) ** 2 * stiffness / self._mass

    def solve(
        self, feed: Float[ndarray, "b m"], duration: float, frames: int, step: float
    ) -> Float[ndarray, "b {frames} m"]:
        """Values s at `frames` times duration / frames, ..., duration, in steps of `step` or a little less.

        SolverError names the first sample whose reaction runs away.
        """
        if not (0 < duration < math.inf and step > 0 and frames >= 1):
            raise ValueError(f"duration {duration}, step {step} and frames {frames} must be positive and finite")
        steps = max(1, math.ceil(duration / frames / step - 1e-9))
        fed = self._fed(feed.astype(np.float64))

        def slope(states: Tensor) -> Tensor:
            return torch.from_numpy(fed + fft.dst(self.reaction(fft.idst(states.numpy(), type=1)), type=1))

        integrator = ETDRK4(torch.from_numpy(self._symbol), slope, duration / frames / steps)
        states = torch.zeros(len(feed), self.points - 2, dtype=torch.float64)
        answer = np.zeros((len(feed), frames, self.points))
        with np.errstate(over="ignore", invalid="ignore"):  # what runs away may do so, and is told
            for frame in range(frames):
                for _ in range(steps):
                    states = integrator.advance(states)
                answer[:, frame, 1:-1] = fft.idst(states.numpy(), type=1)
        finite = np.isfinite(answer).all((1, 2))
        if not finite.all():
            raise SolverError(int(finite.argmin()), f"its reaction runs away before time {duration:g}")
        return answer

    def _fed(self, feed: Float[ndarray, "b m"]) -> Float[ndarray, "b k"]:
        """Sine coefficients of f, and of what the ends' s'' adds to the compact scheme beside them."""
        ends = (feed[:, [0, -1]] + self.reaction(np.zeros(2))) / 12
        beside = np.zeros_like(feed[:, 1:-1])
        beside[:, 0] += ends[:, 0]
        beside[:, -1] += ends[:, 1]
        return fft.dst(np.ascontiguousarray(feed[:, 1:-1]), type=1) + fft.dst(beside, type=1) / self._mass
