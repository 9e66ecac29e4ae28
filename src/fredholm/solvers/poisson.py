"""Poisson's equation in a box, with or without obstacles in it.

    -a Δu = f  in the box less its obstacles,   a ∂u/∂n = β (g - u)  at the walls of the box and of the obstacles

on equal cells, as `finite_volume_diffusion` has it. Without obstacles the matrix is a sum of one for each axis, whose
eigenvectors solve it directly: Q₁ᵀ ⊗ ... ⊗ Q_dᵀ makes it diagonal, whatever the walls. With obstacles that solution is
the preconditioner of conjugate gradients. Where the obstacles pass nothing, the energy of a function around them
bounds that of some function on the whole box, with a factor that the spacing does not enter: so the iterations
do not grow as grids are refined. Around obstacles that hold u they grow, slowly.

Sources: Lynch, Rice, Thomas, "Direct solution of partial difference equations by tensor product methods", Numer. Math.
6 (1964); Astrakhantsev, "Method of fictitious domains for a second-order elliptic equation with natural boundary
conditions", USSR Comput. Math. Math. Phys. 18 (1978).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from fredholm.errors import SolverError
from fredholm.solvers.box_modes import BoxModes
from fredholm.solvers.conjugate_gradients import conjugate_gradients
from fredholm.solvers.finite_volume_diffusion import HELD, FiniteVolumeDiffusion, Wall

_CACHED_VALUES = 2**16  # of one array of all samples that are solved together: more of them fall out of the cache


@dataclass(frozen=True)
class PoissonSolver:
    """-a Δu = f in a box of cells less obstacles. Arrays are NumPy's, computed in float64.

    Args:
        lengths: of the box; its cells are told by the shape of the source.
        walls: of the box, at the lower and the upper end of every axis; u = 0, if not given.
        obstacle: the wall around obstacles.
        coefficient: a.
        tolerance: of the residual with obstacles, relative to the right-hand side.

    >>> solver = PoissonSolver((1.0, 1.0))
    >>> round(float(solver.solve(np.ones((1, 64, 64))).max()), 5)
    0.07366
    """

    lengths: tuple[float, ...]
    walls: tuple[tuple[Wall, Wall], ...] | None = None
    obstacle: Wall = HELD
    coefficient: float = 1.0
    tolerance: float = 1e-10

    def __post_init__(self) -> None:
        if not 0 < self.coefficient < float("inf"):
            raise ValueError(f"the coefficient must be positive and finite, got {self.coefficient}")
        if not 0 < self.tolerance < 1:
            raise ValueError(f"the tolerance is a fraction of the right-hand side, got {self.tolerance}")
        if all(wall.transfer == 0 for pair in self.diffusion.walls or ((HELD, HELD),) for wall in pair):
            raise ValueError("nothing passes any wall of the box, so that u is not unique: open one of them")

    def solve(
        self, source: Float[ndarray, "n *cells"], inside: Bool[ndarray, "n *cells"] | None = None
    ) -> Float[ndarray, "n *cells"]:
        """U for each source, zero in cells that are not inside.

        Raises SolverError for a sample with cells that obstacles cut off from all walls that pass something.
        """
        together = max(1, _CACHED_VALUES // max(1, int(np.prod(source.shape[1:]))))
        solution = np.empty(source.shape)
        for first in range(0, len(source), together):
            part = slice(first, first + together)
            try:
                solution[part] = self._solved(source[part], None if inside is None else inside[part])
            except SolverError as error:
                raise SolverError(first + error.sample, error.reason) from error
        return solution

    def _solved(self, source: ndarray, inside: ndarray | None) -> ndarray:
        modes = BoxModes.of(self.diffusion, source.shape[1:], self.coefficient)
        stencil = self.diffusion.stencil(np.full(source.shape, self.coefficient), inside)
        if inside is None:
            return modes.solve(source + stencil.beyond)
        right = np.where(inside, source + stencil.beyond, 0.0)
        return conjugate_gradients(stencil.apply, right, lambda r: inside * modes.solve(r), self.tolerance).values

    @property
    def diffusion(self) -> FiniteVolumeDiffusion:
        """The scheme, whose `stencil` and `matrix` are those that are solved with."""
        return FiniteVolumeDiffusion(self.lengths, self.walls, self.obstacle)
