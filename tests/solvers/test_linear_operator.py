"""Linear maps: adjoints by definition, norms and SciPy's view against dense linear algebra."""

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import OperatorShapeError
from fredholm.solvers.linear_operator import MatrixOperator


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**16))
def test_the_adjoint_is_the_transpose(rows: int, columns: int, seed: int) -> None:
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    operator = MatrixOperator(matrix)
    assert operator.adjoint_defect(seed) < 1e-13
    y = torch.randn(2, 3, rows, dtype=torch.float64)
    torch.testing.assert_close(operator.adjoint(y), y @ matrix)


def test_a_wrong_adjoint_is_found() -> None:
    operator = MatrixOperator(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    operator._transposed = operator.matrix  # the transposition forgotten
    assert operator.adjoint_defect() > 0.01


def test_norm_is_the_largest_singular_value() -> None:
    matrix = torch.diag(torch.tensor([3.0, -7.0, 1.0], dtype=torch.float64))
    assert MatrixOperator(matrix).norm() == pytest.approx(7.0, rel=1e-12)


def test_sparse_matrices_of_scipy_agree_with_scipy() -> None:
    matrix = scipy.sparse.random(12, 7, 0.4, random_state=0)
    operator, x = MatrixOperator.from_scipy(matrix), np.random.default_rng(0).normal(size=7)
    np.testing.assert_allclose(operator(torch.from_numpy(x)).numpy(), matrix @ x, atol=1e-14)
    found = scipy.sparse.linalg.lsqr(operator.as_scipy(), matrix @ x, atol=1e-14, btol=1e-14)[0]
    np.testing.assert_allclose(matrix @ found, matrix @ x, atol=1e-10)


def test_a_wrong_shape_is_named() -> None:
    with pytest.raises(OperatorShapeError, match=r"input of a linear operator.*\(5,\)"):
        MatrixOperator(torch.eye(4))(torch.ones(5))
