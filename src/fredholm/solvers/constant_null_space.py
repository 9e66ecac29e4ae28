"""Constants that a symmetric matrix sends to zero, component by component, and projections that take them away.

    A 1_C = 0   for a connected component C of the matrix's graph:   P v = v - mean_C(v) on every such C

A pressure is known up to a constant in every part of a box that no wall holds; a row without entries is a component of
one cell. P projects onto the range of A if these are all its null vectors, as for differences of Poisson's equation.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class ConstantNullSpace:
    """Which component an unknown belongs to, and on which of them constants are null vectors.

    >>> from scipy.sparse import csr_array
    >>> pair_and_one = csr_array(np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 2.0]]))
    >>> ConstantNullSpace.of(pair_and_one).project(torch.tensor([3.0, 1.0, 5.0])).tolist()
    [1.0, -1.0, 5.0]
    """

    labels: Int[Tensor, " n"]
    singular: Bool[Tensor, " components"]

    @classmethod
    def of(cls, matrix: Any) -> "ConstantNullSpace":
        """Of a square SciPy matrix that is symmetric."""
        from scipy.sparse.csgraph import connected_components

        rows = matrix.tocsr()
        components, labels = connected_components(rows, directed=False)
        sums = np.abs(rows @ np.ones(rows.shape[1]))
        worst = np.zeros(components)
        np.maximum.at(worst, labels, sums)
        scale = float(abs(rows).max()) if rows.nnz else 0.0
        return cls(torch.from_numpy(labels).long(), torch.from_numpy(worst <= 1e-12 * scale))

    @property
    def dimension(self) -> int:
        """Of the null space; 0 for a matrix that has an inverse."""
        return int(self.singular.sum())

    def project(self, values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """P v; `values` are of any shape with n entries."""
        if not self.dimension:
            return values
        labels, flat = self.labels.to(values.device), values.reshape(-1)
        count = torch.zeros(len(self.singular), dtype=values.dtype, device=values.device)
        total = count.index_add(0, labels, flat)
        count = count.index_add(0, labels, torch.ones_like(flat))
        mean = torch.where(self.singular.to(values.device), total / count, 0.0)
        return (flat - mean[labels]).reshape(values.shape)
