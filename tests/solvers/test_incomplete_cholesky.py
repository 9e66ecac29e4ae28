"""Incomplete Cholesky factors: exact on the pattern, complete where nothing fills in, symmetric, refusals."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array, diags_array

from fredholm.errors import LinearSystemError
from fredholm.solvers.box_poisson import BoxPoisson
from fredholm.solvers.incomplete_cholesky import IncompleteCholesky


def test_the_product_is_the_matrix_on_its_pattern_and_not_elsewhere() -> None:
    solid = torch.zeros(9, 11, dtype=torch.bool)
    solid[2:5, 3:6] = True
    matrix = BoxPoisson((9, 11), solid=solid).matrix()
    lower = IncompleteCholesky(matrix).lower
    difference = (lower @ lower.T).toarray() - matrix.toarray()
    pattern = matrix.toarray() != 0
    np.testing.assert_allclose(difference[pattern], 0, atol=1e-14)
    assert abs(difference[~pattern]).max() > 1e-2


def test_without_fill_it_is_the_inverse() -> None:
    matrix = diags_array([-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(30, 30)).tocsr()
    b = np.random.default_rng(0).normal(size=30)
    np.testing.assert_allclose(matrix @ IncompleteCholesky(matrix)(b), b, atol=1e-13)


def test_it_is_symmetric_and_definite() -> None:
    factor = IncompleteCholesky(BoxPoisson((6, 6)).matrix())
    dense = np.stack([factor(row) for row in np.eye(36)])
    np.testing.assert_allclose(dense, dense.T, atol=1e-14)
    assert np.linalg.eigvalsh(dense)[0] > 0


def test_an_indefinite_matrix_is_refused() -> None:
    with pytest.raises(LinearSystemError, match="break down in row 1"):
        IncompleteCholesky(csr_array(np.array([[1.0, 2.0], [2.0, 1.0]])))
