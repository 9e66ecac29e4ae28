"""Linear maps that are known by what they do: A x and Aᵀ y, of arrays of any shape, without a matrix.

    ⟨A x, y⟩ = ⟨x, Aᵀ y⟩   for all x, y

The inner products are plain sums over entries. Everything that goes backwards (Krylov methods, proximal loops,
reports of stability) speaks of an `A` of this kind, in torch, for batches; SciPy's routines take `as_scipy()`.
"""

import warnings
from abc import ABC, abstractmethod
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import OperatorShapeError

if TYPE_CHECKING:
    from scipy.sparse import spmatrix
    from scipy.sparse.linalg import LinearOperator as ScipyOperator


class LinearOperator(ABC):
    """A linear map between arrays of fixed shapes; leading axes are a batch.

    A subclass sets `input_shape` and `output_shape` and states `_forward` and `_adjoint`.

    >>> A = MatrixOperator(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    >>> A(torch.ones(3)).tolist(), A.adjoint(torch.ones(2)).tolist()
    ([6.0, 15.0], [5.0, 7.0, 9.0])
    """

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]

    @abstractmethod
    def _forward(self, x: Float[Tensor, "*batch_and_input"]) -> Float[Tensor, "*batch_and_output"]:
        """A x."""

    @abstractmethod
    def _adjoint(self, y: Float[Tensor, "*batch_and_output"]) -> Float[Tensor, "*batch_and_input"]:
        """Aᵀ y."""

    def __call__(self, x: Float[Tensor, "*batch_and_input"]) -> Float[Tensor, "*batch_and_output"]:
        """A x for every x of a batch; raises OperatorShapeError, if the last axes are not `input_shape`."""
        return self._forward(_checked(x, self.input_shape, "input"))

    def adjoint(self, y: Float[Tensor, "*batch_and_output"]) -> Float[Tensor, "*batch_and_input"]:
        """Aᵀ y for every y of a batch; raises OperatorShapeError, if the last axes are not `output_shape`."""
        return self._adjoint(_checked(y, self.output_shape, "output"))

    def adjoint_defect(self, seed: int = 0, draws: int = 4) -> float:
        """Largest |⟨A x, y⟩ - ⟨x, Aᵀ y⟩| / (‖A x‖ ‖y‖) over random x, y in float64: rounding for a true adjoint."""
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(draws, *self.input_shape, generator=generator, dtype=torch.float64)
        y = torch.randn(draws, *self.output_shape, generator=generator, dtype=torch.float64)
        image = self(x).flatten(1)
        difference = (image * y.flatten(1)).sum(1) - (x * self.adjoint(y)).flatten(1).sum(1)
        return float((difference.abs() / (image.norm(dim=1) * y.flatten(1).norm(dim=1)).clamp_min(1e-300)).max())

    def norm(self, iterations: int = 100, seed: int = 0) -> float:
        """‖A‖, the largest singular value, by the power method on AᵀA in float64; a bound from below."""
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(self.input_shape, generator=generator, dtype=torch.float64)
        value = 0.0
        for _ in range(iterations):
            image = self(x / x.norm().clamp_min(1e-300))
            value = float(image.norm())
            x = self.adjoint(image)
        return value

    def as_scipy(self) -> "ScipyOperator":
        """The same map of flat NumPy vectors in float64, for `scipy.sparse.linalg`."""
        from scipy.sparse.linalg import LinearOperator as ScipyOperator

        def flat(apply: LinearOperator, shape: tuple[int, ...], adjoint: bool, vector: np.ndarray) -> np.ndarray:
            values = torch.from_numpy(np.ascontiguousarray(vector, dtype=np.float64)).reshape(shape)
            return (apply.adjoint(values) if adjoint else apply(values)).reshape(-1).numpy()

        return ScipyOperator(
            (prod(self.output_shape), prod(self.input_shape)),
            matvec=lambda vector: flat(self, self.input_shape, False, vector),
            rmatvec=lambda vector: flat(self, self.output_shape, True, vector),
            dtype=np.dtype(np.float64),
        )


class MatrixOperator(LinearOperator):
    """A dense or sparse (CSR) matrix of torch, applied in the precision of what it is applied to.

    >>> MatrixOperator(torch.eye(2)).adjoint_defect() < 1e-15
    True
    """

    def __init__(self, matrix: Float[Tensor, "rows columns"]) -> None:
        self.matrix = matrix
        self.output_shape, self.input_shape = (matrix.shape[0],), (matrix.shape[1],)
        self._transposed = matrix.t().to_sparse_csr() if matrix.layout is torch.sparse_csr else matrix.t()

    @classmethod
    def from_scipy(cls, matrix: "spmatrix") -> "MatrixOperator":
        """A sparse matrix of SciPy in any format."""
        rows = matrix.tocsr().astype(np.float64)
        pointers, columns = torch.from_numpy(rows.indptr).long(), torch.from_numpy(rows.indices).long()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*(beta state|invariant checks).*")
            return cls(torch.sparse_csr_tensor(pointers, columns, torch.from_numpy(rows.data), rows.shape))

    def _forward(self, x: Float[Tensor, "*batch_and_input"]) -> Float[Tensor, "*batch_and_output"]:
        return _product(self.matrix, x)

    def _adjoint(self, y: Float[Tensor, "*batch_and_output"]) -> Float[Tensor, "*batch_and_input"]:
        return _product(self._transposed, y)


def _product(matrix: Tensor, values: Tensor) -> Tensor:
    columns = values.reshape(-1, values.shape[-1]).t()
    return (matrix.to(values.dtype) @ columns).t().reshape(*values.shape[:-1], matrix.shape[0])


def _checked(values: Tensor, shape: tuple[int, ...], side: str) -> Tensor:
    if tuple(values.shape[values.ndim - len(shape) :]) != shape or values.ndim < len(shape):
        expected = ", ".join(["...", *map(str, shape)])
        raise OperatorShapeError(f"{side} of a linear operator: expected ({expected}), got {tuple(values.shape)}")
    return values
