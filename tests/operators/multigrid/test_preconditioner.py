"""A classical V-cycle is symmetric, and conjugate gradients with it do not feel the grid; all have their transposes."""

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.sparse.linalg import cg

from fredholm.errors import SignatureError
from fredholm.layers.boundaries import Dirichlet, Neumann
from fredholm.layers.multigrid import MultigridLinear
from fredholm.layers.stencils import approximate_inverse, damped_jacobi, full_weighting, laplacian, multilinear
from fredholm.layers.v_cycle import VCycle, smoothings
from fredholm.operators.multigrid import as_preconditioner


def poisson(n: int) -> sparse.csr_array:
    """-Δ by second differences on the interior points of the unit square."""
    line = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n)) * (n + 1) ** 2
    one = sparse.eye_array(n)
    return sparse.csr_array(sparse.kron(line, one) + sparse.kron(one, line))


def v_cycle(n: int, smooth: str = "inverse") -> MultigridLinear:
    a = laplacian([1 / (n + 1)] * 2)
    s = damped_jacobi(a) if smooth == "jacobi" else approximate_inverse(a)
    cycle = VCycle(smoothings((n + 1).bit_length() - 1, 1, 1), Dirichlet(nested=True), shared=True)
    return MultigridLinear.from_stencils(a, s, full_weighting(2), multilinear(2), (n, n), cycle)


def iterations(n: int, preconditioner: object = None) -> int:
    count = 0

    def step(_: np.ndarray) -> None:
        nonlocal count
        count += 1

    b = np.random.default_rng(0).standard_normal(n * n)
    x, failed = cg(poisson(n), b, rtol=1e-8, M=preconditioner, callback=step)
    assert failed == 0
    assert np.linalg.norm(b - poisson(n) @ x) <= 1.01e-8 * np.linalg.norm(b)
    return count


@pytest.mark.parametrize("smooth", ["jacobi", "inverse"])
def test_a_classical_v_cycle_is_symmetric_positive_and_near_the_inverse(smooth: str) -> None:
    matrix = as_preconditioner(v_cycle(15, smooth)) @ np.eye(225)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-13 * np.abs(matrix).max())
    spectrum = np.linalg.eigvals(matrix @ poisson(15).toarray()).real
    assert spectrum.min() > 0
    assert spectrum.max() / spectrum.min() < {"jacobi": 1.7, "inverse": 1.25}[smooth]


def test_preconditioned_conjugate_gradients_do_not_feel_the_grid() -> None:
    counts = [iterations(n, as_preconditioner(v_cycle(n))) for n in (31, 63, 127)]
    assert max(counts) <= 9
    assert max(counts) - min(counts) <= 1
    assert iterations(63) > 10 * max(counts)


def test_algebraic_multigrid_takes_about_as_many_iterations() -> None:
    pyamg = pytest.importorskip("pyamg", reason="the peer that makes its own grids")
    peer = iterations(63, pyamg.ruge_stuben_solver(poisson(63)).aspreconditioner())
    assert iterations(63, as_preconditioner(v_cycle(63))) <= peer + 1


@pytest.mark.parametrize("restrict_residual", [True, False])
def test_the_transpose_of_learned_stencils(restrict_residual: bool) -> None:
    cycle = VCycle(smoothings(3, 1, 1), Neumann(), restrict_residual)
    matrix = as_preconditioner(MultigridLinear(2, 2, (9, 12), cycle).double())
    x, y = np.random.default_rng(0).standard_normal((2, 216))
    assert y @ (matrix @ x) == pytest.approx((matrix.T @ y) @ x, rel=1e-10)
    assert abs(y @ (matrix @ x) - x @ (matrix @ y)) > 1e-6  # nothing makes them symmetric


def test_channels_come_one_after_the_other() -> None:
    layer = MultigridLinear(2, 2, (5, 4), VCycle(smoothings(2)))
    f = torch.randn(1, 2, 5, 4)
    np.testing.assert_allclose(
        as_preconditioner(layer) @ f.numpy().ravel(), layer(f).detach().numpy().ravel(), rtol=1e-5, atol=1e-6
    )


def test_what_is_no_square_matrix_is_refused() -> None:
    with pytest.raises(SignatureError, match="maps 1 channels to 2"):
        as_preconditioner(MultigridLinear(1, 2, (8, 8), VCycle(smoothings(2))))
    with pytest.raises(SignatureError, match="adds a bias"):
        as_preconditioner(MultigridLinear(1, 1, (8, 8), VCycle(smoothings(2), bias=True)))
