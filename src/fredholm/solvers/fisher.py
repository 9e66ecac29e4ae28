"""Reaction and diffusion between two walls: the Fisher equation and its kin, by cosines and an integrating factor.

    ∂u/∂t = D ∂²u/∂x² + c₁ u + c₂ u² + ... + c_m uᵐ   on (0, L),   ∂u/∂x = 0 at both ends

u is known at n points, the first and the last of them on the walls. Cosines diagonalise diffusion there, which is
integrated exactly; the reaction, a polynomial without constant term, by the classical Runge-Kutta method. Fourth order
in time; in space exact for the mode numbers below n / m, and of the order at which the cosine series of u converges
beyond (second, where the initial slope at a wall is not zero).

Sources: Fisher, "The wave of advance of advantageous genes", Ann. Eugenics 7 (1937); Kolmogorov, Petrovsky, Piskunov
1937; Canuto, Hussaini, Quarteroni, Zang, "Spectral methods: evolution to complex geometries" (2007), section 3.3, for
the integrating factor.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy import fft

from fredholm.errors import SolverError

_STABLE = 2.0  # dt times the reaction's fastest rate: the method is stable for decays up to 2.78


@dataclass(frozen=True)
class FisherSolver:
    """Reaction-diffusion on n points of an interval. Arrays are NumPy's, computed in float64.

    Args:
        points: n, the walls among them.
        length: L.
        diffusivity: D.

    >>> solver = FisherSolver(points=9, length=1.0, diffusivity=0.1)
    >>> flat = np.full((1, 9), 0.5)  # stays flat, and follows the logistic curve eᵗ / (1 + eᵗ)
    >>> end = solver.solve(flat, np.array([[1.0, -1.0]]), np.array([1.0, 2.0]), step=0.05)
    >>> round(float(end[0, 1, 3]), 6), round(1 / (1 + math.exp(-2.0)), 6)
    (0.880797, 0.880797)
    """

    points: int
    length: float
    diffusivity: float

    def __post_init__(self) -> None:
        if self.points < 3:
            raise ValueError(f"an interval needs at least 3 points, got {self.points}")
        if not (0 < self.length < math.inf and 0 <= self.diffusivity < math.inf):
            raise ValueError(f"length {self.length} must be positive and diffusivity {self.diffusivity} not negative")

    def solve(
        self,
        initial: Float[ndarray, "b n"],
        reaction: Float[ndarray, "b m"],
        times: Float[ndarray, " t"],
        step: float,
    ) -> Float[ndarray, "b t n"]:
        """U at ascending `times` > 0, in steps of `step` or a little less, for reactions Σ reaction[:, k] uᵏ⁺¹.

        Raises SolverError for the first sample that grows without bound, or whose reaction is too fast for the step:
        |R'(u)| dt > 2.
        """
        u, last = initial.astype(np.float64), 0.0
        states = np.empty((len(u), len(times), self.points))
        slope = reaction * np.arange(1, reaction.shape[1] + 1)  # coefficients of R'
        fastest = np.zeros(len(u))
        with np.errstate(over="ignore", invalid="ignore"):  # what blows up may do so, and is told
            for k, time in enumerate(times):
                steps = max(1, math.ceil((time - last) / step - 1e-9))
                dt = (time - last) / steps
                decay = np.exp(-0.5 * dt * self.diffusivity * self._wave_numbers**2)
                for _ in range(steps):
                    fastest = np.maximum(fastest, dt * np.abs(_horner(slope, u)).max(1))  # which keeps NaN
                    u = self._advanced(u, reaction, decay, dt)
                states[:, k], last = u, float(time)
        bad = ~(np.isfinite(states).all((1, 2)) & (fastest <= _STABLE))
        if bad.any():
            raise SolverError(int(bad.argmax()), f"its reaction is too fast for steps of {step:g}, or has no bound")
        return states

    def _advanced(
        self, u: Float[ndarray, "b n"], reaction: Float[ndarray, "b m"], decay: Float[ndarray, " n"], dt: float
    ) -> Float[ndarray, "b n"]:
        """One step of the Runge-Kutta method for w = exp(-D t Δ) u."""

        def diffused(values: ndarray) -> ndarray:  # over half a step
            return fft.idct(decay * fft.dct(values, type=1), type=1)

        first = u * _horner(reaction, u)
        half = diffused(u)
        moved = diffused(first)
        v = half + 0.5 * dt * moved
        second = v * _horner(reaction, v)
        v = half + 0.5 * dt * second
        third = v * _horner(reaction, v)
        end = diffused(half + dt * third)
        fourth = end * _horner(reaction, end)
        return diffused(half + dt / 6 * moved + dt / 3 * (second + third)) + dt / 6 * fourth

    @cached_property
    def _wave_numbers(self) -> Float[ndarray, " n"]:
        return math.pi * np.arange(self.points) / self.length


def _horner(coefficients: Float[ndarray, "b m"], u: Float[ndarray, "b n"]) -> Float[ndarray, "b n"]:
    """Σ coefficients[:, k] uᵏ, k = 0, ..., m - 1."""
    total = np.zeros_like(u)
    for column in coefficients.T[::-1]:
        total = total * u + column[:, None]
    return total
