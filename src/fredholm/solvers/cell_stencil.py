"""The matrix of a balance over the cells of a box: what every cell and its neighbours along the axes contribute.

    (A u)ᵢ = dᵢ uᵢ - Σ_axes (cᵢ₋½ uᵢ₋₁ + cᵢ₊½ uᵢ₊₁)

One matrix, or one a sample, held as arrays of the cells' shape; applied as such to arrays of NumPy or tensors of torch,
through which it differentiates, or handed out as a sparse matrix for direct solvers.
"""

from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import numpy as np


@dataclass(frozen=True)
class CellStencil:
    """A symmetric matrix whose only neighbours are those along the axes of a box of cells.

    Args:
        diagonal: d (*samples, *cells).
        couplings: c of the faces between cells, for each axis, (*samples, *cells) with one less along it.
        beyond: (*samples, *cells), what known values outside contribute to A u = f + beyond.

    All are of one kind, NumPy's or torch's, and so is what the stencil is applied to.

    >>> line = CellStencil(np.full(3, 2.0), (np.ones(2),), np.zeros(3))  # second differences
    >>> line.apply(np.array([1.0, 4.0, 9.0])).tolist()
    [-2.0, -2.0, 14.0]
    >>> line.sparse().toarray().tolist()
    [[2.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 2.0]]
    """

    diagonal: Any
    couplings: tuple[Any, ...]
    beyond: Any

    def apply(self, values: Any) -> Any:
        """A u (*samples, *cells)."""
        total = self.diagonal * values
        for axis, coupling in enumerate(self.couplings):
            lower, upper = faces(axis, len(self.couplings))
            total[lower] -= coupling * values[upper]
            total[upper] -= coupling * values[lower]
        return total

    def sparse(self) -> Any:
        """The matrix of one sample, from NumPy's arrays: a SciPy sparse array in columns, without stored zeros."""
        from scipy.sparse import diags_array

        cells, bands, offsets = self.diagonal.shape, [], []
        for axis, coupling in enumerate(self.couplings):
            if cells[axis] == 1:
                continue  # no face, and no offset of its own
            # a band holds one entry for each cell that has a next one along the axis in memory: none at the far end
            band = np.zeros(cells)
            band[faces(axis, len(cells))[0]] = -coupling
            stride = int(np.prod(cells[axis + 1 :]))
            bands.append(band.ravel()[: band.size - stride])
            offsets.append(stride)
        entries = [self.diagonal.ravel(), *bands, *bands]
        matrix = diags_array(entries, offsets=[0, *offsets, *(-k for k in offsets)], format="csc")
        matrix.eliminate_zeros()
        return matrix


Index = tuple[EllipsisType | slice, ...]


def faces(axis: int, axes: int) -> tuple[Index, Index]:
    """Indices of the cells below and above the inner faces across an axis, whatever stands before the cells' axes."""
    return along(axis, axes, slice(None, -1)), along(axis, axes, slice(1, None))


def along(axis: int, axes: int, part: slice) -> Index:
    """Index of a part of the cells along one of the last `axes` axes."""
    return (..., part, *[slice(None)] * (axes - 1 - axis))
