"""Steady diffusion in a heterogeneous box by finite volumes.

    -div(a grad u) = f  in (0, L₁) × ... × (0, L_d),   u = 0 on the boundary

The box is cut into equal cells with one value of a, f and u each. Balance of the fluxes through a cell's faces, each
across two half cells in series (the harmonic mean), gives along every axis of spacing h

    flux = t (uᵢ - uᵢ₊₁) / h,   t = 2 aᵢ aᵢ₊₁ / (aᵢ + aᵢ₊₁),   and   2 aᵢ uᵢ / h  through the boundary, half a cell away

The flux is continuous where a jumps between cells. The matrix is symmetric, positive definite and has no positive
entry off its diagonal, so that f ≥ 0 makes u ≥ 0. Second order for smooth a.

Source: Patankar, "Numerical heat transfer and fluid flow" (1980), section 4.2, for the mean at the faces.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray


@dataclass(frozen=True)
class FiniteVolumeDiffusion:
    """Direct solver of -div(a grad u) = f with u = 0 on the boundary of a box. Arrays are NumPy's, float64.

    Args:
        lengths: L₁, ..., L_d of the box; its cells are told by the shape of the coefficient.

    >>> solver = FiniteVolumeDiffusion((1.0, 1.0))
    >>> round(float(solver.solve(np.ones((1, 64, 64)), np.ones((1, 64, 64))).max()), 5)
    0.07366
    """

    lengths: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.lengths or not all(0 < length < float("inf") for length in self.lengths):
            raise ValueError(f"a box has positive, finite lengths, got {self.lengths}")

    def solve(self, coefficient: Float[ndarray, "n *cells"], source: Float[ndarray, "n *cells"]) -> Any:
        """U (n, *cells) for each coefficient and source; raises ValueError for a coefficient that is not positive."""
        from scipy.sparse.linalg import splu

        if coefficient.shape != source.shape:
            raise ValueError(f"coefficients have shape {coefficient.shape}, sources {source.shape}: give equal ones")
        solution = np.empty(coefficient.shape)
        for a, f, u in zip(coefficient, source, solution, strict=True):
            # a symmetric definite matrix needs no pivoting, and fills least when ordered by its own graph
            factors = splu(
                self.matrix(a), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
            )
            u[...] = factors.solve(f.astype(np.float64).ravel()).reshape(f.shape)
        return solution

    def matrix(self, coefficient: Float[ndarray, "*cells"]) -> Any:
        """A of A u = f for one coefficient: a SciPy sparse array in columns."""
        from scipy.sparse import diags_array

        self._require(coefficient)
        a = coefficient.astype(np.float64)
        diagonal, bands, offsets = np.zeros(a.shape), [], []
        for axis, length in enumerate(self.lengths):
            along, total = np.moveaxis(a, axis, 0), np.moveaxis(diagonal, axis, 0)  # views
            squared_spacing = (length / len(along)) ** 2
            inner = 2 * along[1:] * along[:-1] / (along[1:] + along[:-1]) / squared_spacing
            total[1:] += inner
            total[:-1] += inner
            total[0] += 2 * along[0] / squared_spacing
            total[-1] += 2 * along[-1] / squared_spacing
            # a band holds one entry for each cell that has a next one along the axis in memory: none at the far end
            band = np.zeros_like(a)
            np.moveaxis(band, axis, 0)[:-1] = -inner
            stride = int(np.prod(a.shape[axis + 1 :]))
            bands.append(band.ravel()[: a.size - stride])
            offsets.append(stride)
        entries = [diagonal.ravel(), *bands, *bands]
        matrix = diags_array(entries, offsets=[0, *offsets, *(-k for k in offsets)], format="csc")
        matrix.eliminate_zeros()
        return matrix

    def _require(self, coefficient: ndarray) -> None:
        if coefficient.ndim != len(self.lengths):
            raise ValueError(f"a coefficient of shape {coefficient.shape} does not fill a box of {self.lengths}")
        if not np.all((coefficient > 0) & np.isfinite(coefficient)):
            worst = float(coefficient.min())
            raise ValueError(f"the coefficient must be positive and finite in every cell; the least value is {worst}")
