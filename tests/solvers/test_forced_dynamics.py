"""Driven dynamics: closed forms, fourth order, agreement with DOP853, systems that stand alone."""

import math

import numpy as np
import pytest
from numpy import ndarray
from scipy.integrate import solve_ivp

from fredholm.solvers import drive


def pendulum(s: ndarray, u: ndarray) -> ndarray:
    return np.stack([s[1], u - np.sin(s[0])])


def forces(steps: int, duration: float) -> ndarray:
    t = np.linspace(0, duration, 2 * steps + 1)
    return np.stack([np.sin(3 * t), np.cos(5 * t) + 1])


def test_resonance() -> None:
    """s'' = -s + 2 cos t from rest: s = t sin t."""
    t = np.linspace(0, 4, 401)
    s = drive(lambda s, u: np.stack([s[1], u - s[0]]), np.zeros((2, 1)), 2 * np.cos(t)[None], step=0.02)
    np.testing.assert_allclose(s[0, 0], (t * np.sin(t))[::2], atol=1e-7)


def test_fourth_order() -> None:
    end = {n: drive(pendulum, np.zeros((2, 2)), forces(n, 2.0), 2.0 / n)[..., -1] for n in (20, 40, 80, 640)}
    errors = [np.abs(end[n] - end[640]).max() for n in (20, 40, 80)]
    assert math.log2(errors[0] / errors[1]) > 3.8
    assert math.log2(errors[1] / errors[2]) > 3.8


def test_agrees_with_dop853() -> None:
    mine = drive(pendulum, np.zeros((2, 2)), forces(400, 3.0), 3.0 / 400)[:, 0, -1]
    options = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-12}
    peer = solve_ivp(lambda t, s: [s[1], np.sin(3 * t) - np.sin(s[0])], (0.0, 3.0), [0.0, 0.0], **options)
    np.testing.assert_allclose(mine, peer.y[:, -1], atol=1e-9)


def test_each_system_is_driven_as_if_alone() -> None:
    u = np.random.default_rng(0).normal(size=(7, 101))
    together = drive(pendulum, np.zeros((2, 7)), u, 0.02)
    assert np.array_equal(together[:, 3:4], drive(pendulum, np.zeros((2, 1)), u[3:4], 0.02))


def test_forces_without_middles_are_refused() -> None:
    with pytest.raises(ValueError, match="both ends and the middle of each step, got 10 values"):
        drive(pendulum, np.zeros((2, 1)), np.zeros((1, 10)), 0.1)
