"""ETDRK4: exact for constant slopes, fourth order however stiff, weights good to the last digits."""

import math

import mpmath
import numpy as np
import pytest
from numpy import ndarray

from fredholm.solvers import ETDRK4


def logistic(symbol: ndarray, step: float) -> ndarray:
    """v' = L v - v² from 1 to time 1, whose solution is known."""
    integrator, v = ETDRK4(symbol, lambda u: -(u**2), step), np.ones((1, len(symbol)), symbol.dtype)
    for _ in range(round(1 / step)):
        v = integrator.advance(v)
    return v[0]


def exact_logistic(symbol: ndarray) -> ndarray:
    return symbol * np.exp(symbol) / (symbol + np.expm1(symbol))


@pytest.mark.parametrize(
    "symbol", [np.array([-3.0, 0.5, 2.0]), np.array([1j, -1 + 4j, 2 - 3j])], ids=["real", "complex"]
)
def test_fourth_order(symbol: ndarray) -> None:
    errors = [np.abs(logistic(symbol, step) - exact_logistic(symbol)) for step in (0.1, 0.05, 0.025)]
    assert (np.log2(errors[1] / errors[2]) > 3.7).all()


def test_stiffness_puts_no_limit_on_the_step() -> None:
    """The Prothero-Robinson equation v' = L (v - cos t) - sin t, with t a state too: any explicit method blows up."""

    def slope(v: ndarray) -> ndarray:
        t = v[:, :1]
        return np.concatenate([np.ones_like(t), -stiffness[1:] * np.cos(t) - np.sin(t)], axis=1)

    stiffness = np.array([0.0, -1e6])
    integrator, v = ETDRK4(stiffness, slope, 0.05), np.array([[0.0, 1.0]])
    for _ in range(20):
        v = integrator.advance(v)
    assert v[0, 0] == pytest.approx(1.0)
    assert v[0, 1] == pytest.approx(math.cos(1.0), abs=1e-5)


@pytest.mark.parametrize("z", [-1e5, -30.0, -1.0, -1e-9, 0.0, 1e-4, 0.7, 5.0, 3j, -2 + 40j])
def test_constant_slopes_are_integrated_exactly(z: complex) -> None:
    """v' = z v + 1 from 0: v = φ₁(z) after a step of 1, where (eᶻ - 1) / z in float64 would lose digits."""
    with mpmath.workdps(60):
        exact = mpmath.expm1(mpmath.mpmathify(z)) / mpmath.mpmathify(z) if z else mpmath.mpf(1)
    dtype = complex if isinstance(z, complex) else float
    (v,) = ETDRK4(np.array([z], dtype), np.ones_like, step=1.0).advance(np.zeros((1, 1), dtype))[0]
    assert abs(v - complex(exact)) <= 1e-14 * abs(complex(exact)) * max(1.0, abs(np.exp(z)) / abs(complex(exact)))


def test_real_weights_serve_complex_states() -> None:
    symbol, v = np.array([-1.0, -20.0]), np.array([[1 + 2j, 3 - 1j], [0.5j, 2.0]])
    real = ETDRK4(symbol, lambda u: u**2 / 9, 0.1).advance(v)
    np.testing.assert_allclose(real, ETDRK4(symbol + 0j, lambda u: u**2 / 9, 0.1).advance(v), rtol=1e-13)


def test_agrees_with_scipy_on_a_stiff_system() -> None:
    from scipy.integrate import solve_ivp

    symbol = np.array([-1000.0, -10.0, 0.1])

    def slope(v: ndarray) -> ndarray:
        return np.sin(np.roll(v, 1, axis=-1)) + v[..., ::-1] ** 2 / 4

    integrator, v = ETDRK4(symbol, slope, 1 / 400), np.array([[0.0, 0.05, 0.3]])  # beside the slow manifold
    for _ in range(400):
        v = integrator.advance(v)
    options = {"method": "Radau", "rtol": 1e-11, "atol": 1e-13}
    peer = solve_ivp(lambda _, u: symbol * u + slope(u), (0.0, 1.0), [0.0, 0.05, 0.3], **options)
    np.testing.assert_allclose(v[0], peer.y[:, -1], atol=1e-9)
