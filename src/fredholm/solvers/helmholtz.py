"""The Helmholtz equation in a rectangle: waves of one frequency in a medium of varying speed, by compact differences.

    -Δu - k² u = f  in (0, L₁) × (0, L₂),   ∂u/∂y = g at y = L₂,   ∂u/∂n = 0 at the other walls,   k = ω / c

on points of one spacing h in both directions, the walls among them. With second differences δx and δy,

    -(δx + δy + (h²/6) δx δy) u - M k² u = M f,   M = 1 + (h²/12) (δx + δy)

The left Laplacian errs by (h²/12) Δ², and M takes that away. Beyond a wall stand the values that mirror those before
it, plus 2 h g - (h³/3) k² g where waves come in, since there u_yyy = -k² g. So the scheme is of fourth order where k
and f are smooth, their slopes normal to the walls vanish and g is a constant. Where waves fit in, the matrix is
indefinite.

Source: Singer, Turkel, "High-order finite difference methods for the Helmholtz equation", Comput. Methods Appl. Mech.
Engrg. 163 (1998), sections 2 and 3.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.errors import SolverError
from fredholm.solvers.sparse_direct import factorised

_RESONANT = 1e-8  # of the right-hand side, left by elimination: more, and rounding has been amplified beyond use


@dataclass(frozen=True)
class HelmholtzSolver:
    """-Δu - k² u = f in a rectangle that waves enter through one wall. Arrays are NumPy's, float64.

    Args:
        spacing: h.

    >>> n, k = 33, 10.0
    >>> y = np.linspace(0, 1, n)
    >>> wave = np.tile(-np.cos(k * y) / (k * math.sin(k)), (n, 1))  # of slope one at y = 1
    >>> u = HelmholtzSolver(1 / (n - 1)).solve(np.full((1, n, n), k), np.zeros((1, n, n)), np.ones(1))
    >>> bool(np.abs(u - wave).max() < 1e-4)
    True
    """

    spacing: float

    def __post_init__(self) -> None:
        if not 0 < self.spacing < math.inf:
            raise ValueError(f"the spacing must be positive and finite, got {self.spacing}")

    def solve(
        self, wave_number: Float[ndarray, "b n m"], source: Float[ndarray, "b n m"], flux: Float[ndarray, " b"]
    ) -> Float[ndarray, "b n m"]:
        """U of each medium k, source f and slope g at the last wall.

        Raises SolverError for a sample whose frequency is that of a standing wave.
        """
        u = np.empty(source.shape)
        for i, (k, f, g) in enumerate(zip(wave_number.astype(np.float64), source, flux, strict=True)):
            matrix, right = self.system(k, f.astype(np.float64), float(g))
            solution = factorised(matrix, definite=False).solve(right)
            if not np.linalg.norm(matrix @ solution - right) <= _RESONANT * np.linalg.norm(right):
                raise SolverError(i, "its frequency is that of a standing wave: change it by a little")
            u[i] = solution.reshape(f.shape)
        return u

    def system(self, k: Float[ndarray, "n m"], f: Float[ndarray, "n m"], g: float) -> tuple[Any, Float[ndarray, " nm"]]:
        """Matrix (a SciPy sparse array) and right-hand side of one sample."""
        from scipy.sparse import diags_array, eye_array, kron

        h = self.spacing
        along_x, along_y = (_second_differences(size, h) for size in k.shape)
        x, y = kron(along_x, eye_array(k.shape[1])), kron(eye_array(k.shape[0]), along_y)
        mean = eye_array(k.size) + h**2 / 12 * (x + y)
        beyond = 2 * h * g - h**3 / 3 * k[:, -1] ** 2 * g  # more than the mirrored values have
        entering = np.zeros(k.shape)
        entering[:, -1] = beyond / h**2 + along_x @ beyond / 6 + k[:, -1] ** 2 * beyond / 12
        matrix = -(x + y + h**2 / 6 * (x @ y)) - mean @ diags_array(k.ravel() ** 2)
        return matrix.tocsc(), mean @ f.ravel() + entering.ravel()


def _second_differences(size: int, h: float) -> Any:
    """Of values that are mirrored beyond both ends."""
    from scipy.sparse import diags_array

    upper, lower = np.ones(size - 1), np.ones(size - 1)
    upper[0] = lower[-1] = 2.0
    return diags_array([np.full(size, -2.0), upper, lower], offsets=[0, 1, -1]).tocsr() / h**2
