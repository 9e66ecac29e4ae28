"""The eigenvectors of diffusion in a box of cells, whatever its walls pass: products of those along each axis.

    A = A₁ ⊗ 1 ⊗ ... + 1 ⊗ A₂ ⊗ ... + ... = Q diag(λ) Qᵀ,   Q = Q₁ ⊗ ... ⊗ Q_d,   λ = λ₁ + ... + λ_d

so that any function of A is two transforms, each a product with a small matrix along every axis. For walls that hold u
or pass nothing Q is of sines or cosines; between them, of neither.

Source: Lynch, Rice, Thomas, "Direct solution of partial difference equations by tensor product methods", Numer. Math. 6
(1964).
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.solvers.finite_volume_diffusion import FiniteVolumeDiffusion


class BoxModes:
    """Eigenvectors and eigenvalues of the matrix of a box without obstacles.

    Args:
        bases: Q₁, ..., Q_d, orthogonal, an eigenvector a column.
        eigenvalues: λ (*cells).

    >>> modes = BoxModes.of(FiniteVolumeDiffusion((1.0,)), (2,))
    >>> modes.eigenvalues.round(9).tolist()
    [8.0, 16.0]
    """

    def __init__(self, bases: list[Float[ndarray, "_ _"]], eigenvalues: Float[ndarray, "*cells"]) -> None:
        self.bases, self.eigenvalues = bases, eigenvalues

    @classmethod
    @lru_cache(maxsize=16)
    def of(cls, diffusion: FiniteVolumeDiffusion, cells: tuple[int, ...], coefficient: float = 1.0) -> "BoxModes":
        """Those of a box of so many cells along its axes, with the same coefficient everywhere."""
        from scipy.linalg import eigh_tridiagonal

        bases, total = [], np.zeros(cells)
        for axis, (length, n) in enumerate(zip(diffusion.lengths, cells, strict=True)):
            pair = None if diffusion.walls is None else (diffusion.walls[axis],)
            line = FiniteVolumeDiffusion((length,), pair).stencil(np.full(n, coefficient))
            eigenvalues, vectors = eigh_tridiagonal(line.diagonal, -line.couplings[0])
            bases.append(np.ascontiguousarray(vectors))
            total += eigenvalues.reshape(-1, *[1] * (len(cells) - 1 - axis))
        return cls(bases, total)

    def coefficients(self, values: Float[ndarray, "n *cells"]) -> Float[ndarray, "n *cells"]:
        """Qᵀ values."""
        return _along_axes(values, [basis.T for basis in self.bases])

    def values(self, coefficients: Float[ndarray, "n *cells"]) -> Float[ndarray, "n *cells"]:
        """Q coefficients."""
        return _along_axes(coefficients, self.bases)

    def solve(self, right: Float[ndarray, "n *cells"]) -> Float[ndarray, "n *cells"]:
        """A⁻¹ right."""
        return self.values(self.coefficients(right) / self.eigenvalues)


def _along_axes(values: ndarray, matrices: list[ndarray]) -> ndarray:
    """Each matrix applied along its axis."""
    for axis, matrix in enumerate(matrices, start=1):
        if axis == values.ndim - 1:
            values = values @ matrix.T
            continue
        stacked = values.reshape(*values.shape[: axis + 1], -1)
        values = (matrix @ stacked).reshape(values.shape)
    return values
