"""Loops with a proximal operator inside: known minimisers, descent, and agreement among the three."""

import math

import pytest
import torch

from fredholm.errors import InverseProblemError, OperatorShapeError
from fredholm.inverse import (
    Denoiser,
    GaussianPrior,
    IdentityOperator,
    InnerSolver,
    InputConvexMLP,
    LearnedProximalNetwork,
    Reconstruction,
    Shrinkage,
    SoftThreshold,
    Stopping,
    pnp_admm,
    pnp_drs,
    pnp_pgd,
)
from fredholm.layers.perceptron import initialised
from fredholm.solvers.linear_operator import MatrixOperator

GENERATOR = torch.Generator().manual_seed(0)
MATRIX = torch.randn(6, 8, generator=GENERATOR, dtype=torch.float64)
A, B = MatrixOperator(MATRIX), torch.randn(3, 6, generator=GENERATOR, dtype=torch.float64)
LONG = Stopping(5000, 1e-10)


def test_with_a_quadratic_prior_all_reach_the_solution_of_the_normal_equations() -> None:
    rho = 0.7 * A.norm() ** 2
    exact = torch.linalg.solve(MATRIX.T @ MATRIX + rho * torch.eye(8, dtype=torch.float64), MATRIX.T @ B.T).T
    exact_inner = InnerSolver(60, 1e-13)
    for found in (
        pnp_admm(A, B, Shrinkage(1.0), rho, stopping=LONG, inner=exact_inner),
        pnp_drs(A, B, Shrinkage(1.0), rho, stopping=LONG, inner=exact_inner),
        _of_step(rho),
    ):
        assert bool(found.converged.all())
        torch.testing.assert_close(found.values, exact, atol=1e-7, rtol=0)


def _of_step(rho: float) -> Reconstruction:
    """The gradient method's weight is 1 / η: the weight of R makes up for a shorter step."""
    step = 0.5 / A.norm() ** 2
    return pnp_pgd(A, B, Shrinkage(rho * step), step, stopping=LONG)


def test_with_soft_thresholding_the_optimality_of_sparse_regression_holds() -> None:
    """Aᵀ(b - A x) = w sign(x) where x is not zero, and no entry exceeds w."""
    step, weight = 0.5 / A.norm() ** 2, 0.8
    gradient = pnp_pgd(A, B, SoftThreshold(weight * step), step, stopping=LONG)
    split = pnp_admm(A, B, SoftThreshold(weight / 2.0), 2.0, stopping=LONG, inner=InnerSolver(60, 1e-13))
    for found in (gradient, split):
        left = A.adjoint(B - A(found.values))
        active = found.values.abs() > 1e-6
        assert bool(active.any())
        assert not bool(active.all())
        torch.testing.assert_close(left[active], weight * found.values[active].sign(), atol=1e-5, rtol=0)
        assert float(left.abs().max()) <= weight + 1e-5
    assert gradient.largest_rise < 1e-12


def test_the_objective_of_a_learned_prior_never_rises() -> None:
    with initialised(0):
        convex = InputConvexMLP((8,), 16, 2, alpha=0.05).double()
        for parameter in convex.parameters():
            parameter.data.mul_(3.0)
    prior = LearnedProximalNetwork(convex)
    found = pnp_pgd(A, B, prior, stopping=Stopping(80, 0.0))
    assert found.objective is not None
    assert found.largest_rise < 1e-12
    assert float((found.objective[0] - found.objective[-1]).min()) > 0
    assert found.objective.shape == (found.iterations, 3)
    assert found.iterations > 5


def test_a_map_that_is_no_proximal_operator_tells_no_objective() -> None:
    found = pnp_pgd(A, B, Denoiser(lambda y: 0.5 * y), stopping=Stopping(5))
    assert found.objective is None
    assert math.isnan(found.largest_rise)
    assert not bool(found.converged.any())
    assert len(found.plot().axes) == 2


def test_any_batch_axes_and_single_data_agree() -> None:
    stopping = Stopping(7, 0.0)
    together = pnp_admm(A, B.reshape(3, 1, 6), SoftThreshold(0.1), 1.0, stopping=stopping).values
    for i in range(3):
        alone = pnp_admm(A, B[i], SoftThreshold(0.1), 1.0, stopping=stopping).values
        torch.testing.assert_close(together[i, 0], alone, atol=1e-7, rtol=0)


def test_a_gaussian_prior_is_bayes_rule() -> None:
    """Precisions add: (C⁻¹ + AᵀA / s²)⁻¹ (C⁻¹ m + Aᵀb / s²)."""
    root = torch.randn(8, 8, generator=GENERATOR, dtype=torch.float64)
    covariance, mean, noise = root @ root.T + torch.eye(8, dtype=torch.float64), torch.arange(8.0).double(), 0.3
    precision = torch.linalg.inv(covariance)
    right = precision @ mean + B @ MATRIX / noise**2
    exact = torch.linalg.solve(precision + MATRIX.T @ MATRIX / noise**2, right.T).T
    torch.testing.assert_close(GaussianPrior(mean, covariance).reconstruct(A, B, noise), exact, atol=1e-8, rtol=0)
    with pytest.raises(InverseProblemError, match="positive here"):
        GaussianPrior(mean, covariance).reconstruct(A, B, 0.0)
    with pytest.raises(InverseProblemError, match=r"prior is for \(8,\), A takes \(5,\)"):
        GaussianPrior(mean, covariance).reconstruct(IdentityOperator((5,)), B, 0.1)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(OperatorShapeError, match="output of a linear operator"):
        pnp_pgd(A, B[:, :5], SoftThreshold(1.0))
    with pytest.raises(InverseProblemError, match="step η"):
        pnp_pgd(A, B, SoftThreshold(1.0), step=-1.0)
    with pytest.raises(InverseProblemError, match="weight ρ"):
        pnp_admm(A, B, SoftThreshold(1.0), rho=0.0)
    prior = LearnedProximalNetwork(InputConvexMLP((3,), 4, 1).double())
    with pytest.raises(InverseProblemError, match="a prior belongs to the shape"):
        pnp_pgd(A, B, prior)
