"""CGLS: what scipy's LSQR finds, the Krylov polynomial it is, and the limits of damping."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import lsqr

from fredholm.errors import OperatorShapeError
from fredholm.solvers.cgls import cgls
from fredholm.solvers.linear_operator import MatrixOperator


def system(rows: int, columns: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    return matrix, torch.randn(3, rows, generator=generator, dtype=torch.float64)


@settings(deadline=None, max_examples=15)
@given(st.integers(2, 12), st.integers(2, 12), st.floats(0.05, 3.0), st.integers(0, 2**16))
def test_it_finds_what_lsqr_finds(rows: int, columns: int, damping: float, seed: int) -> None:
    matrix, data = system(rows, columns, seed)
    operator = MatrixOperator(matrix)
    found = cgls(operator, data, damping, updates=200, tolerance=1e-13)
    for values, b in zip(found.values, data, strict=True):
        other = lsqr(operator.as_scipy(), b.numpy(), damp=damping, atol=1e-14, btol=1e-14, iter_lim=500)[0]
        np.testing.assert_allclose(values.numpy(), other, atol=1e-8)
    assert bool(found.converged.all())


def test_every_iterate_is_the_best_of_its_krylov_space() -> None:
    matrix, data = system(9, 7, 0)
    damping, k = 0.4, 3
    normal = matrix.T @ matrix + damping**2 * torch.eye(7, dtype=torch.float64)
    right = matrix.T @ data[0]
    krylov = torch.stack([torch.linalg.matrix_power(normal, i) @ right for i in range(k)], 1)
    stacked = torch.cat([matrix, damping * torch.eye(7, dtype=torch.float64)])
    target = torch.cat([data[0], torch.zeros(7, dtype=torch.float64)])
    best = krylov @ torch.linalg.lstsq(stacked @ krylov, target.unsqueeze(1)).solution.squeeze(1)
    torch.testing.assert_close(
        cgls(MatrixOperator(matrix), data[0], damping, updates=k).values, best, atol=1e-9, rtol=0
    )


def test_damping_draws_to_the_start() -> None:
    matrix, data = system(6, 4, 1)
    start = torch.arange(4, dtype=torch.float64).expand(3, 4)
    found = cgls(MatrixOperator(matrix), data, 0.7, updates=50, tolerance=1e-13, start=start).values
    normal = matrix.T @ matrix + 0.49 * torch.eye(4, dtype=torch.float64)
    torch.testing.assert_close(found, torch.linalg.solve(normal, (data @ matrix + 0.49 * start).T).T)
    torch.testing.assert_close(cgls(MatrixOperator(matrix), data, 1e6, start=start).values, start, atol=1e-6, rtol=0)


def test_solved_samples_of_a_batch_are_left_alone() -> None:
    matrix, data = system(5, 5, 2)
    data[1] = 0
    found = cgls(MatrixOperator(matrix), data, updates=60)
    assert bool(found.values.isfinite().all())
    assert float(found.values[1].abs().max()) == 0
    torch.testing.assert_close(found.values @ matrix.T, data, atol=1e-8, rtol=0)


def test_what_does_not_fit_is_refused() -> None:
    operator = MatrixOperator(torch.eye(3))
    with pytest.raises(OperatorShapeError, match=r"expected \(\.\.\., 3\), got \(2,\)"):
        cgls(operator, torch.zeros(2))
    with pytest.raises(OperatorShapeError, match="start of a least-squares solution"):
        cgls(operator, torch.zeros(2, 3), start=torch.zeros(3))
    with pytest.raises(ValueError, match="not negative"):
        cgls(operator, torch.zeros(3), damping=-1.0)
