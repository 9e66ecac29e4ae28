"""Reaction-diffusion between walls: travelling fronts, decaying cosines, order four in time, against stiff solvers."""

import math

import numpy as np
import pytest

from fredholm.errors import SolverError
from fredholm.solvers import FisherSolver

LOGISTIC = np.array([[1.0, -1.0]])
TIMES = np.array([0.5, 1.0])


def test_the_travelling_front_of_ablowitz_and_zeppetella() -> None:
    """D = 1, R = u (1 - u): u = (1 + exp((x - 5 t / √6) / √6))⁻² moves with speed 5 / √6."""

    def front(x: np.ndarray, t: float) -> np.ndarray:
        return (1 + np.exp((x - 40 - 5 * t / math.sqrt(6)) / math.sqrt(6))) ** -2.0

    solver = FisherSolver(points=201, length=100.0, diffusivity=1.0)
    x = np.linspace(0, 100, 201)
    end = solver.solve(front(x, 0.0)[None], LOGISTIC, np.array([5.0]), step=0.05)[0, 0]
    assert np.abs(end - front(x, 5.0)).max() < 1e-7


def test_cosines_decay_exactly_without_reaction() -> None:
    x = np.linspace(0, 2, 17)
    u = np.cos(3 * math.pi * x / 2)[None]
    end = FisherSolver(17, 2.0, diffusivity=0.3).solve(u, np.zeros((1, 1)), TIMES, step=1.0)
    for state, t in zip(end[0], TIMES, strict=True):
        np.testing.assert_allclose(state, math.exp(-0.3 * (1.5 * math.pi) ** 2 * t) * u[0], atol=1e-14)


def test_fourth_order_in_time() -> None:
    x = np.linspace(0, 1, 33)
    u, reaction = 0.5 + 0.4 * np.cos(math.pi * x)[None], np.array([[3.0, 0.0, -3.0, 0.5]])
    solver = FisherSolver(33, 1.0, diffusivity=0.05)

    def end(step: float) -> np.ndarray:
        return solver.solve(u, reaction, np.array([1.0]), step)[0, 0]

    exact = end(1 / 256)
    errors = [np.abs(end(step) - exact).max() for step in (1 / 8, 1 / 16, 1 / 32)]
    assert math.log2(errors[0] / errors[1]) > 3.7
    assert math.log2(errors[1] / errors[2]) > 3.8


def test_agrees_with_finite_differences_and_a_stiff_solver() -> None:
    """Second differences on a fine grid and SciPy's BDF converge to it with the square of the spacing."""
    from scipy.integrate import solve_ivp

    reaction = np.array([[2.0, 1.0, -3.0]])
    start = 0.4 + 0.3 * np.cos(math.pi * np.linspace(0, 1, 33)) ** 2
    mine = FisherSolver(33, 1.0, 0.02).solve(start[None], reaction, np.array([1.0]), 0.01)[0, 0]

    def difference(n: int) -> float:
        x = np.linspace(0, 1, n)

        def slope(_: float, u: np.ndarray) -> np.ndarray:
            mirrored = np.concatenate([u[1:2], u, u[-2:-1]])
            laplacian = (mirrored[2:] - 2 * u + mirrored[:-2]) * (n - 1) ** 2
            return 0.02 * laplacian + 2 * u + u**2 - 3 * u**3

        end = solve_ivp(slope, (0, 1), 0.4 + 0.3 * np.cos(math.pi * x) ** 2, "BDF", rtol=1e-9, atol=1e-11).y[:, -1]
        return float(np.abs(end[:: (n - 1) // 32] - mine).max())

    coarse, fine = difference(33), difference(65)
    assert fine < 1e-3
    assert coarse / fine == pytest.approx(4, abs=0.3)


def test_a_reaction_that_explodes_is_told() -> None:
    u = np.full((3, 9), 0.5)
    reaction = np.array([[1.0, -1.0], [1.0, 5.0], [1.0, -1.0]])  # u' = u + 5 u² has no solution beyond t = ln 1.4
    with pytest.raises(SolverError, match="sample 1"):
        FisherSolver(9, 1.0, 0.1).solve(u, reaction, TIMES, step=0.01)
    with pytest.raises(SolverError, match=r"too fast for steps of 0\.5"):
        FisherSolver(9, 1.0, 0.1).solve(u[:1], -20 * LOGISTIC, np.array([1.0]), step=0.5)


def test_impossible_intervals_are_refused() -> None:
    with pytest.raises(ValueError, match=r"diffusivity -0\.1 not negative"):
        FisherSolver(9, 1.0, -0.1)
    with pytest.raises(ValueError, match="at least 3 points, got 2"):
        FisherSolver(2, 1.0, 0.1)
