"""What of a field is seen: everything, a mask, some points, random sums; and one operator after another."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fredholm.errors import OperatorShapeError
from fredholm.solvers.linear_operator import LinearOperator, MatrixOperator


class IdentityOperator(LinearOperator):
    """x ↦ x, for fields of `shape`: with it, to invert is to denoise."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.input_shape = self.output_shape = tuple(shape)

    def _forward(self, x: Float[Tensor, "*batch_and_input"]) -> Float[Tensor, "*batch_and_output"]:
        return x

    def _adjoint(self, y: Float[Tensor, "*batch_and_output"]) -> Float[Tensor, "*batch_and_input"]:
        return y


class Mask(LinearOperator):
    """x ↦ m x: entries that are not seen are zero; its own adjoint.

    >>> Mask(torch.tensor([True, False, True]))(torch.tensor([1.0, 2.0, 3.0])).tolist()
    [1.0, 0.0, 3.0]
    """

    def __init__(self, seen: Bool[Tensor, "*shape"]) -> None:
        self.seen = seen
        self.input_shape = self.output_shape = tuple(seen.shape)

    @classmethod
    def random(cls, shape: Sequence[int], share: float, seed: int) -> "Mask":
        """A share of the entries, drawn without replacement."""
        return cls(_drawn(shape, share, seed))

    def _forward(self, x: Float[Tensor, "*batch_and_input"]) -> Float[Tensor, "*batch_and_output"]:
        return x * self.seen.to(x.dtype)

    def _adjoint(self, y: Float[Tensor, "*batch_and_output"]) -> Float[Tensor, "*batch_and_input"]:
        return self._forward(y)


class Subsampling(LinearOperator):
    """x ↦ the entries that are seen, in a row; the adjoint puts them back and zero elsewhere.

    >>> points = Subsampling(torch.tensor([[True, False], [True, True]]))
    >>> points(torch.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [1.0, 3.0, 4.0]
    """

    def __init__(self, seen: Bool[Tensor, "*shape"]) -> None:
        self.input_shape = tuple(seen.shape)
        self.indices = seen.flatten().nonzero().squeeze(1)
        self.output_shape = (len(self.indices),)

    @classmethod
    def random(cls, shape: Sequence[int], share: float, seed: int) -> "Subsampling":
        """A share of the entries, drawn without replacement."""
        return cls(_drawn(shape, share, seed))

    def _forward(self, x: Float[Tensor, "*batch_and_input"]) -> Float[Tensor, "*batch_and_output"]:
        return x.flatten(x.ndim - len(self.input_shape))[..., self.indices]

    def _adjoint(self, y: Float[Tensor, "*batch_and_output"]) -> Float[Tensor, "*batch_and_input"]:
        field = y.new_zeros(*y.shape[:-1], math.prod(self.input_shape))
        return field.index_add(-1, self.indices, y).reshape(*y.shape[:-1], *self.input_shape)


class Flattened(LinearOperator):
    """A matrix that acts on fields of `shape`: x ↦ M vec(x).

    >>> Flattened(MatrixOperator(torch.ones(1, 4)), (2, 2))(torch.eye(2)).tolist()
    [2.0]
    """

    def __init__(self, matrix: MatrixOperator, shape: Sequence[int]) -> None:
        if math.prod(shape) != matrix.input_shape[0]:
            raise OperatorShapeError(
                f"a matrix of {matrix.input_shape[0]} columns does not act on fields of {tuple(shape)}"
            )
        self.matrix, self.input_shape, self.output_shape = matrix, tuple(shape), matrix.output_shape

    def _forward(self, x: Float[Tensor, "*batch_and_input"]) -> Float[Tensor, "*batch_and_output"]:
        return self.matrix(x.flatten(x.ndim - len(self.input_shape)))

    def _adjoint(self, y: Float[Tensor, "*batch_and_output"]) -> Float[Tensor, "*batch_and_input"]:
        return self.matrix.adjoint(y).reshape(*y.shape[:-1], *self.input_shape)


def random_measurements(shape: Sequence[int], count: int, seed: int) -> Flattened:
    """Sums of all entries with independent weights N(0, 1 / count), as in compressed sensing.

    >>> random_measurements((8, 8), 32, seed=0).output_shape
    (32,)
    """
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(count, math.prod(shape), generator=generator, dtype=torch.float64)
    return Flattened(MatrixOperator(weights / math.sqrt(count)), shape)


class Composition(LinearOperator):
    """x ↦ A_1(A_2(... A_k x)): operators in the order of the product, with adjoint A_kᵀ ... A_1ᵀ.

    Raises OperatorShapeError where one does not take what the next gives.

    >>> twice = Composition(IdentityOperator((3,)), Mask(torch.tensor([True, False, True])))
    >>> twice(torch.ones(3)).tolist()
    [1.0, 0.0, 1.0]
    """

    def __init__(self, *operators: LinearOperator) -> None:
        for outer, inner in pairwise(operators):
            if outer.input_shape != inner.output_shape:
                raise OperatorShapeError(
                    f"{type(outer).__name__} takes {outer.input_shape}, and {type(inner).__name__} before it gives "
                    f"{inner.output_shape}"
                )
        self.operators = operators
        self.input_shape, self.output_shape = operators[-1].input_shape, operators[0].output_shape

    def _forward(self, x: Float[Tensor, "*batch_and_input"]) -> Float[Tensor, "*batch_and_output"]:
        for operator in reversed(self.operators):
            x = operator(x)
        return x

    def _adjoint(self, y: Float[Tensor, "*batch_and_output"]) -> Float[Tensor, "*batch_and_input"]:
        for operator in self.operators:
            y = operator.adjoint(y)
        return y


def _drawn(shape: Sequence[int], share: float, seed: int) -> Tensor:
    if not 0 < share <= 1:
        raise ValueError(f"a share lies in (0, 1], got {share:g}")
    total = math.prod(shape)
    seen = torch.zeros(total, dtype=torch.bool)
    seen[torch.randperm(total, generator=torch.Generator().manual_seed(seed))[: max(1, round(share * total))]] = True
    return seen.reshape(tuple(shape))
