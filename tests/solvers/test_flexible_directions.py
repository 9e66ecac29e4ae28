"""Solving along proposed directions: CG, PCG, one step, the energy identity, null spaces, the safeguard, refusals."""

import math

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import LinearOperator as ScipyOperator
from scipy.sparse.linalg import cg, splu

from fredholm.errors import LinearSystemError, OperatorShapeError
from fredholm.layers.boundaries import Dirichlet
from fredholm.layers.multigrid import MultigridLinear
from fredholm.layers.stencils import approximate_inverse, full_weighting, laplacian, multilinear
from fredholm.layers.v_cycle import VCycle, smoothings
from fredholm.operators.multigrid import as_preconditioner
from fredholm.solvers.box_poisson import BoxPoisson
from fredholm.solvers.finite_volume_diffusion import CLOSED
from fredholm.solvers.flexible_directions import dcdm
from fredholm.solvers.incomplete_cholesky import IncompleteCholesky
from fredholm.solvers.linear_operator import LinearOperator, MatrixOperator


def box_with_solid() -> tuple[BoxPoisson, np.ndarray]:
    solid = torch.zeros(18, 23, dtype=torch.bool)
    solid[5:9, 6:12] = True
    system = BoxPoisson((18, 23), solid=solid)
    return system, np.random.default_rng(0).normal(size=(18, 23)) * system.fluid.numpy()


def itself(residual):
    return residual


def iterates_of_scipy(system: BoxPoisson, b: np.ndarray, preconditioner: IncompleteCholesky | None) -> list[np.ndarray]:
    matrix, found = system.matrix(), []
    m = None if preconditioner is None else ScipyOperator(matrix.shape, matvec=preconditioner, dtype=np.float64)
    cg(matrix, b.ravel(), rtol=1e-9, M=m, callback=lambda x: found.append(x.reshape(b.shape).copy()))
    return found


@pytest.mark.parametrize("preconditioned", [False, True])
def test_identity_is_conjugate_gradients_and_a_preconditioner_the_preconditioned_ones(preconditioned: bool) -> None:
    system, b = box_with_solid()
    preconditioner = IncompleteCholesky(system.matrix()) if preconditioned else None
    expected, found = iterates_of_scipy(system, b, preconditioner), []
    solution = dcdm(system, b, preconditioner or itself, rtol=1e-9, maxiter=300, callback=found.append, stall=math.inf)
    assert solution.iterations == len(expected) > 15
    np.testing.assert_allclose(found, expected, atol=1e-8)
    assert solution.applications == solution.iterations + 3  # two check the symmetry, one the solution


def test_the_inverse_takes_one_step_whatever_its_scale_and_sign() -> None:
    system, b = box_with_solid()
    kept = system.fluid.numpy().ravel().nonzero()[0]
    factors = splu(system.matrix()[kept][:, kept].tocsc())

    def direction(residual: np.ndarray) -> np.ndarray:
        made = np.zeros(b.size)
        made[kept] = -7.0 * factors.solve(residual.ravel()[kept])
        return made.reshape(b.shape)

    solution = dcdm(system, b, direction, rtol=1e-10)
    assert (solution.iterations, solution.proposals, solution.converged) == (1, 1, True)


def test_every_kind_of_system_has_the_same_solution() -> None:
    system, b = box_with_solid()
    matrix = system.matrix()
    first = dcdm(system, b, itself, rtol=1e-8, maxiter=200)
    flat = b.ravel()
    others = [
        dcdm(matrix, flat, itself, rtol=1e-8, maxiter=200),
        dcdm(ScipyOperator(matrix.shape, matvec=lambda x: matrix @ x), flat, itself, rtol=1e-8, maxiter=200),
        dcdm(MatrixOperator.from_scipy(matrix), torch.from_numpy(flat), itself, rtol=1e-8, maxiter=200),
        dcdm(matrix, b, itself, rtol=1e-8, maxiter=200),
    ]
    assert [type(other.x) for other in others] == [np.ndarray, np.ndarray, torch.Tensor, np.ndarray]
    for other in others:
        np.testing.assert_allclose(np.asarray(other.x).ravel(), first.x.ravel(), atol=1e-12)
        assert np.linalg.norm(flat - matrix @ np.asarray(other.x).ravel()) <= 1e-8 * np.linalg.norm(flat)


def test_a_v_cycle_as_direction() -> None:
    n = 31
    a = laplacian([1.0, 1.0])
    cycle = VCycle(smoothings(4, 1, 1), Dirichlet(nested=True), shared=True)
    stencils = (a, approximate_inverse(a), full_weighting(2), multilinear(2))
    layer = MultigridLinear.from_stencils(*stencils, (n, n), cycle)
    b = np.random.default_rng(1).normal(size=(n, n))
    solution = dcdm(BoxPoisson((n, n)), b, as_preconditioner(layer), rtol=1e-8)
    assert solution.converged
    assert solution.iterations <= 10
    assert dcdm(BoxPoisson((n, n)), b, itself, rtol=1e-8, maxiter=200).iterations > 60


def test_closed_walls_leave_out_the_constant_and_say_how_much() -> None:
    system = BoxPoisson((16, 16), [(CLOSED, CLOSED)] * 2)
    b = np.random.default_rng(2).normal(size=(16, 16)) + 3.0
    solution = dcdm(system, b, itself, rtol=1e-10, maxiter=200)
    consistent = b - b.mean()
    assert solution.converged
    np.testing.assert_allclose((system.matrix() @ solution.x.ravel()), consistent.ravel(), atol=1e-8)
    assert solution.removed == pytest.approx(16 * b.mean() / np.linalg.norm(b))
    assert abs(solution.x.mean()) < 1e-12
    nothing = dcdm(system, np.full((16, 16), 3.0), itself)
    assert (nothing.iterations, nothing.converged, nothing.removed) == (0, True, 1.0)
    # the same from the matrix alone
    np.testing.assert_allclose(dcdm(system.matrix(), b, itself, rtol=1e-10, maxiter=200).x, solution.x, atol=1e-9)


def test_the_safeguard_makes_a_useless_direction_converge() -> None:
    system, b = box_with_solid()
    rng = np.random.default_rng(3)

    def noise(residual: np.ndarray) -> np.ndarray:
        return rng.normal(size=residual.shape)

    plain = dcdm(system, b, itself, rtol=1e-8, maxiter=400).iterations
    guarded = dcdm(system, b, noise, rtol=1e-8, maxiter=400)
    assert guarded.converged
    assert guarded.proposals < guarded.iterations < 3 * plain
    assert not dcdm(system, b, noise, rtol=1e-8, maxiter=400, stall=math.inf).converged


def test_a_start_and_a_zero_right_hand_side() -> None:
    system, b = box_with_solid()
    solution = dcdm(system, b, itself, rtol=1e-10, maxiter=200)
    again = dcdm(system, b, itself, x0=solution.x, rtol=1e-9)
    assert (again.iterations, again.converged) == (0, True)
    nothing = dcdm(system, np.zeros_like(b), itself)
    assert (nothing.iterations, nothing.converged, float(abs(nothing.x).max())) == (0, True, 0.0)


def test_a_direction_that_repeats_itself_is_dropped_as_rounding() -> None:
    """The second proposal lies in the span of the first: the residual takes its place."""
    matrix = diags_array(np.arange(1.0, 31.0))
    always = np.ones(30)
    solution = dcdm(matrix, np.random.default_rng(4).normal(size=30), lambda r: always, rtol=1e-8, maxiter=300)
    assert solution.converged


def test_success_is_not_claimed_on_the_recursion() -> None:
    """Beyond float64's reach the recursion goes on falling, the true residual does not."""
    rng = np.random.default_rng(5)
    q = np.linalg.qr(rng.normal(size=(40, 40)))[0]
    matrix = (q * np.logspace(0, 9, 40)) @ q.T
    matrix = csr_array((matrix + matrix.T) / 2)
    b = rng.normal(size=40)
    solution = dcdm(matrix, b, itself, rtol=1e-14, maxiter=400)
    true = np.linalg.norm(b - matrix @ solution.x) / np.linalg.norm(b)
    assert solution.residuals[-1] == pytest.approx(true, rel=1e-6)
    assert not solution.converged


class Lopsided(LinearOperator):
    input_shape = output_shape = (6,)

    def _forward(self, x):
        return x + 0.1 * torch.roll(x, 1, -1)

    def _adjoint(self, y):
        return y + 0.1 * torch.roll(y, -1, -1)


def test_what_is_no_symmetric_definite_system_is_refused() -> None:
    b = np.ones(6)
    with pytest.raises(LinearSystemError, match=r"not symmetric: \|x·A y - y·A x\| = "):
        dcdm(Lopsided(), b, itself)
    with pytest.raises(LinearSystemError, match=r"not positive definite: d·A d = -"):
        dcdm(diags_array(-np.ones(6)), b, itself)
    # positive along random vectors, negative along a direction that comes up on the way
    with pytest.raises(LinearSystemError, match=r"not positive definite: d·A d = -.*MINRES"):
        dcdm(diags_array([1.0, 2.0, 3.0, 4.0, 50.0, -1.0]), np.array([1.0, 1, 1, 1, 1, 5]), itself)
    with pytest.raises(LinearSystemError, match="b has values that are not finite"):
        dcdm(diags_array(np.ones(6)), np.array([1.0, np.nan, 1, 1, 1, 1]), itself)
    with pytest.raises(LinearSystemError, match="a proposed direction has values that are not finite"):
        dcdm(diags_array(np.ones(6)), b, lambda r: r * np.inf)
    with pytest.raises(OperatorShapeError, match="a proposed direction has shape"):
        dcdm(diags_array(np.ones(6)), b, lambda r: r[:3])
    with pytest.raises(OperatorShapeError, match=r"b has shape \(5,\)"):
        dcdm(diags_array(np.ones(6)), np.ones(5), itself)
    with pytest.raises(OperatorShapeError, match=r"maps \(4,\) to \(3,\)"):
        dcdm(csr_array(np.ones((3, 4))), np.ones(4), itself)
    with pytest.raises(OperatorShapeError, match="x0 has shape"):
        dcdm(diags_array(np.ones(6)), b, itself, x0=np.ones(5))
    with pytest.raises(LinearSystemError, match="no linear operator"):
        dcdm("matrix", b, itself)
