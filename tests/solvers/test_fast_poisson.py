"""The transform solver inverts the five-point Laplacian, whichever ends are open."""

from itertools import product

import numpy as np
import pytest

from fredholm.solvers.fast_poisson import FastPoisson

ENDS = list(product((False, True), repeat=2))


@pytest.mark.parametrize("ends", product(ENDS, ENDS))
def test_it_inverts_the_laplacian_of_cells(ends: tuple[tuple[bool, bool], tuple[bool, bool]]) -> None:
    poisson = FastPoisson((7, 12), (0.3, 0.1), ends)
    right = np.random.default_rng(0).standard_normal((7, 12))
    if not any(any(pair) for pair in ends):
        right -= right.mean()
        assert abs(poisson.solve(right).mean()) < 1e-12
    np.testing.assert_allclose(poisson.laplacian(poisson.solve(right)), right, atol=1e-10)


def test_the_mean_that_closed_sides_cannot_balance_is_left_out() -> None:
    poisson = FastPoisson((8, 8), (1.0, 1.0), ((False, False), (False, False)))
    right = np.random.default_rng(1).standard_normal((8, 8))
    np.testing.assert_allclose(poisson.solve(right + 3.0), poisson.solve(right), atol=1e-12)


def test_second_order_on_a_function_that_meets_the_conditions() -> None:
    """φ = cos(πx/2) on (0, 1), closed at 0 and open at 1, constant along the other axis."""
    errors = []
    for n in (16, 32, 64):
        x = (np.arange(n) + 0.5) / n
        exact = np.tile(np.cos(np.pi * x / 2), (4, 1))
        poisson = FastPoisson((4, n), (0.25, 1 / n), ((False, False), (False, True)))
        errors.append(np.abs(poisson.solve(-((np.pi / 2) ** 2) * exact) - exact).max())
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 2.0, atol=0.05)
