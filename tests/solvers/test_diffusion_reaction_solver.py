"""Diffusion with reaction between absorbing ends: closed forms, fourth order in space and time, a peer, run-aways."""

import math

import numpy as np
import pytest
from numpy import ndarray

from fredholm.errors import SolverError
from fredholm.solvers import DiffusionReactionSolver


def squared(s: ndarray) -> ndarray:
    return 4 * s**2


def line(m: int) -> ndarray:
    return np.linspace(0, 1, m)


def test_each_sine_saturates_at_its_rate() -> None:
    """f = sin πjx: s = f (1 - exp(-D π² j² t)) / (D π² j²), up to the scheme's fourth order."""
    for j, accuracy in ((1, 1e-8), (3, 1e-6)):
        feed = np.sin(np.pi * j * line(65))
        s = DiffusionReactionSolver(65, 1.0, 0.05, np.zeros_like).solve(feed[None], 2.0, 4, 0.5)
        rate, times = 0.05 * (np.pi * j) ** 2, np.array([0.5, 1.0, 1.5, 2.0])
        np.testing.assert_allclose(s[0], np.outer(-np.expm1(-rate * times) / rate, feed), atol=accuracy)


def test_steady_state_of_a_uniform_feed_is_a_parabola_exactly() -> None:
    """D s'' + f = 0: the compact scheme has no error on polynomials up to the fifth degree."""
    x = line(9)
    s = DiffusionReactionSolver(9, 1.0, 0.5, np.zeros_like).solve(np.full((1, 9), 2.0), 40.0, 1, 1.0)
    np.testing.assert_allclose(s[0, 0], 2 * x * (1 - x), atol=1e-12)


def test_fourth_order_in_space() -> None:
    def ends(m: int) -> ndarray:
        feed = np.cos(2 * line(m)) + line(m)  # not zero at the ends
        return DiffusionReactionSolver(m, 1.0, 0.1, squared).solve(feed[None], 0.5, 1, 0.01)[0, 0]

    reference = ends(321)
    errors = [np.abs(ends(m) - reference[:: 320 // (m - 1)]).max() for m in (21, 41, 81)]
    assert math.log2(errors[0] / errors[1]) > 3.7
    assert math.log2(errors[1] / errors[2]) > 3.7


def test_fourth_order_in_time() -> None:
    feed = np.sin(np.pi * line(17))
    solver = DiffusionReactionSolver(17, 1.0, 0.1, squared)
    ends = {n: solver.solve(feed[None], 0.6, 1, 0.6 / n) for n in (12, 24, 48, 768)}
    errors = [np.abs(ends[n] - ends[768]).max() for n in (12, 24, 48)]
    assert math.log2(errors[0] / errors[1]) > 3.3
    assert math.log2(errors[1] / errors[2]) > 3.6


def test_agrees_with_scipy_on_plain_differences() -> None:
    """Radau on the second-order scheme with four times the points: another method in space and in time."""
    from scipy.integrate import solve_ivp

    fine, h = line(257), 1 / 256
    feed = 1 + np.sin(4 * fine)

    def slope(_: float, s: ndarray) -> ndarray:
        padded = np.pad(s, 1)
        return 0.02 * (padded[2:] - 2 * s + padded[:-2]) / h**2 + squared(s) + feed[1:-1]

    options = {"method": "Radau", "rtol": 1e-8, "atol": 1e-10, "jac_sparsity": _tridiagonal(255)}
    peer = solve_ivp(slope, (0.0, 0.3), np.zeros(255), **options).y[:, -1]
    mine = DiffusionReactionSolver(65, 1.0, 0.02, squared).solve(feed[None, ::4], 0.3, 1, 0.005)[0, 0]
    np.testing.assert_allclose(mine[1:-1], peer[3::4], atol=3e-5)


def _tridiagonal(n: int) -> ndarray:
    return np.eye(n) + np.eye(n, k=1) + np.eye(n, k=-1)


def test_each_sample_stands_alone() -> None:
    feed = np.random.default_rng(0).normal(size=(6, 33))
    solver = DiffusionReactionSolver(33, 1.0, 0.1, squared)
    assert np.array_equal(solver.solve(feed, 0.2, 2, 0.05)[4:5], solver.solve(feed[4:5], 0.2, 2, 0.05))


def test_a_reaction_that_runs_away_is_named() -> None:
    feed = np.ones((3, 17))
    feed[2] = 1e3
    with pytest.raises(SolverError, match="sample 2 cannot be solved: its reaction runs away before time 1"):
        DiffusionReactionSolver(17, 1.0, 0.01, squared).solve(feed / 10, 1.0, 1, 0.01)


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="diffusivity 0 must be positive"):
        DiffusionReactionSolver(17, 1.0, 0, squared)
    with pytest.raises(ValueError, match="step 0 and frames 1"):
        DiffusionReactionSolver(17, 1.0, 0.1, squared).solve(np.zeros((1, 17)), 1.0, 1, 0)
