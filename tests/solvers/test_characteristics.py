"""Transport by characteristics: closed forms, fourth order, rings, agreement with an upwind-free integrator."""

import math

import numpy as np
import pytest
from numpy import ndarray
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline

from fredholm.errors import SolverError
from fredholm.solvers import Characteristics
from fredholm.solvers.row_splines import RowSplines


def test_growing_velocity() -> None:
    """a = 1 + x: x(t) + 1 grows with exp t, and a characteristic that has entered did so at t - log(1 + x)."""
    x, t = np.linspace(0, 1, 201), np.array([0.0, 0.2, 0.9])
    feet, entered = Characteristics(1 + x[None], extent=1.0).traced(t)
    np.testing.assert_allclose(entered[0], t - np.log1p(x)[:, None], atol=1e-9)
    inside = entered[0] <= 0
    np.testing.assert_allclose(feet[0][inside], ((1 + x[:, None]) * np.exp(-t) - 1)[inside], atol=1e-9)
    assert (feet[0][~inside] < 0).all()


def test_fourth_order() -> None:
    """a = 1 / (1 + ½ cos 3x): τ = x + sin 3x / 6."""

    def error(m: int) -> float:
        x = np.linspace(0, 1, m)
        feet, entered = Characteristics(1 / (1 + 0.5 * np.cos(3 * x))[None], 1.0).traced(np.array([0.3]))
        travelled = feet[0, :, 0] + np.sin(3 * feet[0, :, 0]) / 6 + 0.3
        exact = x + np.sin(3 * x) / 6
        return float(np.abs(np.where(entered[0, :, 0] <= 0, travelled - exact, 0.0)).max())

    assert math.log2(error(21) / error(41)) > 3.7
    assert math.log2(error(41) / error(81)) > 3.7


def test_a_ring_is_gone_round() -> None:
    """After the time of a turn each characteristic is back, a length L earlier."""
    x = np.linspace(0, 2, 101)
    paths = Characteristics(1.5 + np.sin(np.pi * x)[None], extent=2.0)
    turn = paths.crossing_time[0]
    assert turn == pytest.approx(2 / math.sqrt(1.5**2 - 1), abs=1e-6)
    feet, _ = paths.traced(np.array([0.3, 0.3 + turn, 0.3 + 3 * turn]))
    np.testing.assert_allclose(feet[0, :, 1], feet[0, :, 0] - 2, atol=1e-12)
    np.testing.assert_allclose(feet[0, :, 2], feet[0, :, 0] - 6, atol=1e-12)


def test_agrees_with_the_equation_of_motion() -> None:
    x = np.linspace(0, 1, 101)
    velocity = 1 + 0.4 * np.sin(5 * x)
    feet, _ = Characteristics(velocity[None], 1.0).traced(np.array([0.25]))
    options = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-12}
    back = solve_ivp(lambda _, y: -(1 + 0.4 * np.sin(5 * y)), (0, 0.25), x[50:], **options).y[:, -1]
    np.testing.assert_allclose(feet[0, 50:, 0], back, atol=1e-7)


def test_each_velocity_stands_alone() -> None:
    velocity = 1 + 0.3 * np.random.default_rng(0).random((5, 30))
    times = np.linspace(0, 2, 7)
    together, alone = Characteristics(velocity, 1.0), Characteristics(velocity[3:4], 1.0)
    assert np.array_equal(together.traced(times)[0][3:4], alone.traced(times)[0])


@pytest.mark.parametrize("worst", [0.0, -1.0, np.nan])
def test_a_velocity_that_is_not_positive_is_named(worst: float) -> None:
    velocity = np.ones((3, 10))
    velocity[1, 4] = worst
    with pytest.raises(SolverError, match="sample 1 cannot be solved: its velocity is not positive everywhere"):
        Characteristics(velocity, 1.0)


def test_row_splines_are_scipys() -> None:
    rng = np.random.default_rng(1)
    x, values = np.linspace(-1, 2, 12), rng.normal(size=(4, 12))
    at = rng.uniform(-1, 2, (4, 9))
    splines = CubicSpline(x, values, axis=1)

    def each(derived: CubicSpline) -> ndarray:
        return np.stack([derived(row)[i] for i, row in enumerate(at)])

    np.testing.assert_allclose(RowSplines(splines)(at), each(splines), atol=1e-12)
    np.testing.assert_allclose(RowSplines(splines.antiderivative())(at), each(splines.antiderivative()), atol=1e-12)
