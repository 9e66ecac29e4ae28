"""Steady diffusion in a heterogeneous box, or in a part of it, by finite volumes.

    -div(a grad u) = f  in those cells of (0, L₁) × ... × (0, L_d) that are inside,   a ∂u/∂n = β (g - u)  around them

with a transfer coefficient β of each wall: infinite where u = g, zero where nothing passes. The box is cut into equal
cells with one value of a, f and u each. Balance of the fluxes through a cell's faces, each across two half cells in
series (the harmonic mean), or across half a cell and the wall, gives along every axis of spacing h

    flux = t (uᵢ - uᵢ₊₁) / h,   t = 2 aᵢ aᵢ₊₁ / (aᵢ + aᵢ₊₁),   and   (uᵢ - g) / (h / 2aᵢ + 1 / β)  through a wall

The flux is continuous where a jumps between cells. The matrix is symmetric, positive definite unless nothing passes
through any wall, and has no positive entry off its diagonal, so that f ≥ 0 and g ≥ 0 make u ≥ 0. Second order for
smooth a in a box; first order beside a wall inside the box that does not run along its cells.

Source: Patankar, "Numerical heat transfer and fluid flow" (1980), sections 4.2 and 4.4, for the fluxes.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from fredholm.solvers.cell_stencil import CellStencil, along, faces
from fredholm.solvers.sparse_direct import factorised


@dataclass(frozen=True)
class Wall:
    """a ∂u/∂n = transfer (value - u) at a wall.

    Args:
        transfer: β, from 0 (nothing passes) to infinity (u = value).
        value: g, beyond the wall.
    """

    transfer: float = math.inf
    value: float = 0.0

    def __post_init__(self) -> None:
        if not (self.transfer >= 0 and math.isfinite(self.value)):
            raise ValueError(f"a wall's transfer {self.transfer} must not be negative, its value {self.value} finite")

    def conductance(self, coefficient: Any, spacing: float) -> Any:
        """Flux a difference of one, out of cells with this coefficient, per volume: 1 / (h / 2a + 1 / β) / h."""
        if self.transfer == 0:
            return 0.0 * coefficient
        return 1.0 / (spacing / (2.0 * coefficient) + 1.0 / self.transfer) / spacing


HELD, CLOSED = Wall(), Wall(transfer=0.0)  # u = 0, and ∂u/∂n = 0


@dataclass(frozen=True)
class FiniteVolumeDiffusion:
    """Direct solver of -div(a grad u) = f in a box or a part of it. Arrays are NumPy's, float64.

    Args:
        lengths: L₁, ..., L_d of the box; its cells are told by the shape of the coefficient.
        walls: of the box, at the lower and the upper end of every axis; u = 0, if not given.
        obstacle: the wall between cells that are inside and cells that are not.

    >>> solver = FiniteVolumeDiffusion((1.0, 1.0))
    >>> round(float(solver.solve(np.ones((1, 64, 64)), np.ones((1, 64, 64))).max()), 5)
    0.07366
    """

    lengths: tuple[float, ...]
    walls: tuple[tuple[Wall, Wall], ...] | None = None
    obstacle: Wall = HELD

    def __post_init__(self) -> None:
        if not self.lengths or not all(0 < length < float("inf") for length in self.lengths):
            raise ValueError(f"a box has positive, finite lengths, got {self.lengths}")
        if self.walls is not None and len(self.walls) != len(self.lengths):
            raise ValueError(f"a box of {len(self.lengths)} axes needs as many pairs of walls, got {len(self.walls)}")

    def solve(
        self,
        coefficient: Float[ndarray, "n *cells"],
        source: Float[ndarray, "n *cells"],
        inside: Bool[ndarray, "n *cells"] | None = None,
    ) -> Any:
        """U (n, *cells) for each coefficient and source, zero in cells that are not inside.

        Raises ValueError for a coefficient that is not positive.
        """
        if coefficient.shape != source.shape:
            raise ValueError(f"coefficients have shape {coefficient.shape}, sources {source.shape}: give equal ones")
        solution = np.zeros(coefficient.shape)
        for i, (a, f) in enumerate(zip(coefficient, source, strict=True)):
            cells = np.ones(a.shape, bool) if inside is None else inside[i]
            stencil = self.stencil(a.astype(np.float64), None if inside is None else cells)
            matrix, right = stencil.sparse(), f.astype(np.float64) + stencil.beyond
            if not cells.all():
                kept = cells.ravel().nonzero()[0]
                matrix = matrix[:, kept][kept]
            solution[i][cells] = factorised(matrix).solve(right[cells])
        return solution

    def matrix(self, coefficient: Float[ndarray, "*cells"], inside: Bool[ndarray, "*cells"] | None = None) -> Any:
        """A of A u = f + what comes through the walls: a SciPy sparse array, with empty rows for cells not inside."""
        return self.stencil(coefficient.astype(np.float64), inside).sparse()

    def stencil(self, coefficient: Any, inside: Any = None) -> CellStencil:
        """A as arrays over the cells, for coefficients and masks (*samples, *cells) of NumPy or of torch."""
        self._require(coefficient)
        a, axes = coefficient, len(self.lengths)
        diagonal, beyond, couplings = 0.0 * a, 0.0 * a, []
        for axis, length in enumerate(self.lengths):
            h = length / a.shape[axis - axes]
            lower, upper = faces(axis, axes)
            inner = 2 * a[upper] * a[lower] / (a[upper] + a[lower]) / h**2
            if inside is not None:
                inner = inner * (inside[upper] & inside[lower])
            diagonal[lower] += inner
            diagonal[upper] += inner
            couplings.append(inner)
            ends = along(axis, axes, slice(None, 1)), along(axis, axes, slice(-1, None))
            for wall, end in zip(self._walls_of(axis), ends, strict=True):
                through = wall.conductance(a[end], h)
                if inside is not None:
                    through = through * inside[end]
                diagonal[end] += through
                beyond[end] += through * wall.value
            if inside is not None:
                for near, far in ((lower, upper), (upper, lower)):
                    through = self.obstacle.conductance(a[near], h) * (inside[near] & ~inside[far])
                    diagonal[near] += through
                    beyond[near] += through * self.obstacle.value
        return CellStencil(diagonal, tuple(couplings), beyond)

    def _walls_of(self, axis: int) -> tuple[Wall, Wall]:
        return self.walls[axis] if self.walls else (HELD, HELD)

    def _require(self, coefficient: Any) -> None:
        if coefficient.ndim < len(self.lengths):
            raise ValueError(f"a coefficient of shape {coefficient.shape} does not fill a box of {self.lengths}")
        if not bool(((coefficient > 0) & (coefficient < math.inf)).all()):
            least = float(coefficient.min())
            raise ValueError(f"the coefficient must be positive and finite in every cell; the least value is {least}")
