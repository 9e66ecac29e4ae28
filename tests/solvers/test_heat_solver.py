"""Heat in boxes: closed forms, conservation, order two, the semigroup, against SciPy's exponential of the matrix."""

import math

import numpy as np
import pytest

from fredholm.solvers import CLOSED, FiniteVolumeDiffusion, HeatSolver, Wall

MIXED = ((Wall(value=1.0), CLOSED), (Wall(2.0, value=-1.0), Wall()))


def test_second_order_against_a_product_of_waves() -> None:
    def error(n: int) -> float:
        x, y = np.meshgrid((np.arange(n) + 0.5) / n, 2 * (np.arange(n) + 0.5) / n, indexing="ij")
        u = np.sin(math.pi * x) * np.cos(math.pi * y)
        solver = HeatSolver((1.0, 2.0), 0.05, ((Wall(), Wall()), (CLOSED, CLOSED)))
        end = solver.solve(u[None], np.zeros((1, n, n)), np.array([1.0]))[0, 0]
        return float(np.abs(end - math.exp(-0.1 * math.pi**2) * u).max())

    assert math.log2(error(16) / error(32)) == pytest.approx(2, abs=0.1)


def test_a_closed_box_keeps_its_heat_and_gains_what_is_put_in() -> None:
    rng = np.random.default_rng(0)
    u, f = rng.normal(size=(2, 2, 7, 5))
    states = HeatSolver((1.0, 1.0), 0.3, ((CLOSED, CLOSED),) * 2).solve(u, f, np.array([0.0, 0.5, 2.0]))
    for k, time in enumerate((0.0, 0.5, 2.0)):
        np.testing.assert_allclose(states[:, k].mean((1, 2)), u.mean((1, 2)) + time * f.mean((1, 2)), atol=1e-12)


def test_time_goes_on() -> None:
    """u(s + t) is u(t) started from u(s)."""
    rng = np.random.default_rng(0)
    u, f = rng.normal(size=(2, 1, 6, 5))
    solver = HeatSolver((1.0, 1.0), 0.1, MIXED)
    first, both = solver.solve(u, f, np.array([0.3, 1.0]))[0]
    np.testing.assert_allclose(solver.solve(first[None], f, np.array([0.7]))[0, 0], both, atol=1e-12)


def test_it_settles_at_the_steady_state() -> None:
    rng = np.random.default_rng(0)
    u, f = rng.normal(size=(2, 1, 6, 5))
    end = HeatSolver((1.0, 1.0), 0.5, MIXED).solve(u, f, np.array([1e3]))[:, 0]
    steady = FiniteVolumeDiffusion((1.0, 1.0), MIXED).solve(np.full((1, 6, 5), 0.5), f)
    np.testing.assert_allclose(end, steady, atol=1e-10)


def test_agrees_with_the_exponential_of_the_matrix() -> None:
    from scipy.sparse.linalg import expm_multiply

    u = np.random.default_rng(0).normal(size=(1, 8, 7))
    homogeneous = ((Wall(), CLOSED), (Wall(2.0), Wall()))
    matrix = FiniteVolumeDiffusion((1.0, 2.0), homogeneous).matrix(np.full((8, 7), 0.2))
    theirs = expm_multiply(-0.4 * matrix, u.ravel()).reshape(8, 7)
    mine = HeatSolver((1.0, 2.0), 0.2, homogeneous).solve(u, 0 * u, np.array([0.4]))[0, 0]
    np.testing.assert_allclose(mine, theirs, atol=1e-12)


def test_impossible_boxes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"diffusivity must be positive and finite, got 0\.0"):
        HeatSolver((1.0,), 0.0)
    with pytest.raises(ValueError, match="positive, finite lengths"):
        HeatSolver((0.0,), 1.0)
