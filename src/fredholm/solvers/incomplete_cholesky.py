"""Incomplete Cholesky factors without fill: L has the pattern of A's lower triangle, and L Lᵀ agrees with A there.

    lᵢⱼ = (aᵢⱼ - Σ_{k<j} lᵢₖ lⱼₖ) / lⱼⱼ  where aᵢⱼ ≠ 0,    lⱼⱼ² = aⱼⱼ - Σ_{k<j} lⱼₖ²

It exists for every M-matrix, such as the differences of Poisson's equation. M⁻¹ = L⁻ᵀ L⁻¹ is a preconditioner.

Source: Meijerink, van der Vorst, "An iterative solution method for linear systems of which the coefficient matrix is a
symmetric M-matrix", Math. Comp. 31 (1977).
"""

from typing import Any

import numpy as np
from numba import njit

from fredholm.errors import LinearSystemError


class IncompleteCholesky:
    """L of a SciPy sparse matrix, and r ↦ L⁻ᵀ L⁻¹ r; unknowns with an empty row stay as they are.

    Raises LinearSystemError for a pivot that is not positive.

    >>> from scipy.sparse import csr_array
    >>> factor = IncompleteCholesky(csr_array(np.array([[4.0, 2.0], [2.0, 5.0]])))
    >>> factor.lower.toarray().tolist(), factor(np.array([8.0, 8.0])).tolist()
    ([[2.0, 0.0], [1.0, 2.0]], [1.5, 1.0])
    """

    def __init__(self, matrix: Any) -> None:
        from scipy.sparse import csr_array, diags_array, tril

        empty = np.diff(matrix.tocsr().indptr) == 0
        lower = csr_array(tril(matrix + diags_array(empty.astype(np.float64)), format="csr"))
        lower.sort_indices()
        failed = _factorise(lower.indptr, lower.indices, lower.data)
        if failed >= 0:
            raise LinearSystemError(
                f"incomplete Cholesky factors break down in row {failed}: A is not positive definite, or no M-matrix"
            )
        self.lower = lower

    def __call__(self, residual: np.ndarray) -> np.ndarray:
        """M⁻¹ r, of any shape with n entries."""
        values = residual.astype(np.float64).ravel().copy()
        _substitute(self.lower.indptr, self.lower.indices, self.lower.data, values)
        return values.reshape(residual.shape)


@njit(cache=True)
def _factorise(pointers, columns, values):  # type: ignore[no-untyped-def]  # numba infers the types
    """In place, row by row; the first row whose pivot is not positive, or -1."""
    for i in range(len(pointers) - 1):
        start, end = pointers[i], pointers[i + 1]
        for at in range(start, end):
            j = columns[at]
            total, left, right = values[at], start, pointers[j]
            while left < at and right < pointers[j + 1]:  # both rows are sorted
                if columns[left] == columns[right]:
                    total -= values[left] * values[right]
                    left, right = left + 1, right + 1
                elif columns[left] < columns[right]:
                    left += 1
                else:
                    right += 1
            if j < i:
                values[at] = total / values[pointers[j + 1] - 1]
            elif j == i and total > 0:
                values[at] = np.sqrt(total)
            else:
                return i
        if end == start or columns[end - 1] != i:
            return i
    return -1


@njit(cache=True)
def _substitute(pointers, columns, values, right):  # type: ignore[no-untyped-def]
    """L⁻ᵀ L⁻¹ of a vector, in place."""
    n = len(pointers) - 1
    for i in range(n):
        for at in range(pointers[i], pointers[i + 1] - 1):
            right[i] -= values[at] * right[columns[at]]
        right[i] /= values[pointers[i + 1] - 1]
    for i in range(n - 1, -1, -1):
        right[i] /= values[pointers[i + 1] - 1]
        for at in range(pointers[i], pointers[i + 1] - 1):
            right[columns[at]] -= values[at] * right[i]
