"""Flow on a torus: closed forms, budgets of energy and enstrophy, fourth order in time, samples that stand alone."""

import math

import numpy as np
import pytest
import torch
from numpy import ndarray

from fredholm.errors import SolverError
from fredholm.fields import Axis, Grid, PeriodicGaussianField
from fredholm.fields.spectral import derivative
from fredholm.solvers import VorticitySolver

EXTENT = 2 * math.pi
STILL = np.zeros((24, 24))


def smooth(n: int, seed: int, points: int = 24) -> ndarray:
    """Fields of which hardly anything lies beyond two thirds of the Nyquist number."""
    grid = Grid(*(Axis(name, 0.0, EXTENT, points, periodic=True) for name in ("x", "y")))
    values = PeriodicGaussianField(grid, 6.0, 3.0).sample(n, torch.Generator().manual_seed(seed))
    return (values / values.std()).numpy()


def spectral_gradient(values: ndarray) -> tuple[ndarray, ndarray]:
    across, along = (derivative(torch.from_numpy(values), dim, EXTENT).numpy() for dim in (1, 2))
    return across, along


def kept(values: ndarray) -> ndarray:
    """The part of a field that the solver represents."""
    return VorticitySolver(values.shape[-1], EXTENT, 0.0).solve(values, np.zeros_like(values[0]), 1e-12, 1.0)


def energy(solver: VorticitySolver, w: ndarray) -> ndarray:
    return np.square(solver.velocity(w)).mean((0, 2, 3))


def test_taylor_green_vortices_decay_exponentially() -> None:
    """w = 2k cos kx cos ky exp(-2 k² ν t): advection vanishes, and the integrating factor is exact."""
    x, k = np.arange(24) * EXTENT / 24, 3
    w = 2 * k * np.cos(k * x)[:, None] * np.cos(k * x)
    end = VorticitySolver(24, EXTENT, viscosity=0.05).solve(w[None], STILL, duration=1.7, step=0.2)
    np.testing.assert_allclose(end[0], w * math.exp(-2 * k**2 * 0.05 * 1.7), atol=1e-12, rtol=0)


def test_shear_flow_driven_by_a_wave() -> None:
    """f = sin 2y from rest: w = f (1 - exp(-4 ν t)) / (4 ν)."""
    y = np.arange(24) * EXTENT / 24
    forcing = np.tile(np.sin(2 * y), (24, 1))
    end = VorticitySolver(24, EXTENT, viscosity=0.1).solve(STILL[None], forcing, duration=3.0, step=0.05)
    np.testing.assert_allclose(end[0], forcing * (1 - math.exp(-1.2)) / 0.4, atol=1e-8, rtol=0)


def test_velocity_has_the_vorticity_and_no_divergence() -> None:
    w = kept(smooth(2, seed=0))
    u, v = VorticitySolver(24, EXTENT, 0.0).velocity(w)
    np.testing.assert_allclose(spectral_gradient(v)[0] - spectral_gradient(u)[1], w, atol=1e-12, rtol=0)
    divergence = spectral_gradient(u)[0] + spectral_gradient(v)[1]
    assert np.abs(divergence).max() < 1e-12


def test_vorticity_is_carried_by_the_velocity() -> None:
    """(w(dt) - w(0)) / dt -> f - u·∇w + ν Δw, each term by another formula than the solver's."""
    solver, dt = VorticitySolver(48, EXTENT, viscosity=0.03), 1e-5
    w, f = kept(smooth(2, seed=1, points=48)), smooth(2, seed=2, points=48)
    u, v = solver.velocity(w)
    across, along = spectral_gradient(w)
    slope = f - u * across - v * along + 0.03 * (spectral_gradient(across)[0] + spectral_gradient(along)[1])
    observed = (solver.solve(w, f, dt, dt) - w) / dt
    np.testing.assert_allclose(observed, kept(slope), atol=1e-3, rtol=0)


def test_fourth_order_in_time() -> None:
    solver, w, f = VorticitySolver(24, EXTENT, viscosity=0.01), smooth(2, seed=0), smooth(2, seed=1)
    exact = solver.solve(w, f, 1.0, 1 / 160)
    errors = [float(np.linalg.norm(solver.solve(w, f, 1.0, 1 / steps) - exact)) for steps in (10, 20, 40)]
    assert math.log2(errors[0] / errors[1]) > 3.8
    assert math.log2(errors[1] / errors[2]) > 3.9


def test_ideal_flow_keeps_energy_and_enstrophy() -> None:
    solver, w = VorticitySolver(24, EXTENT, viscosity=0.0), kept(smooth(2, seed=3))
    end = solver.solve(w, STILL, duration=2.0, step=0.01)
    assert np.linalg.norm(end - w) / np.linalg.norm(w) > 0.5, "it has moved"
    np.testing.assert_allclose(energy(solver, end), energy(solver, w), rtol=1e-8, atol=0)
    np.testing.assert_allclose(np.square(end).mean((1, 2)), np.square(w).mean((1, 2)), rtol=1e-7, atol=0)


def test_enstrophy_budget_of_a_driven_viscous_flow() -> None:
    """½ d/dt mean w² = mean f w - ν mean |∇w|², in the middle of two steps."""
    solver, dt = VorticitySolver(24, EXTENT, viscosity=0.05), 1e-3
    f, states = smooth(2, seed=5), [kept(smooth(2, seed=4))]
    for _ in range(2):
        states.append(solver.solve(states[-1], f, dt, dt))
    growth = (states[2] ** 2 - states[0] ** 2).mean((1, 2)) / (4 * dt)
    across, along = spectral_gradient(states[1])
    balance = f * states[1] - 0.05 * (across**2 + along**2)
    np.testing.assert_allclose(growth, balance.mean((1, 2)), rtol=1e-4, atol=1e-6)


def test_twice_the_points_resolve_the_same_flow() -> None:
    coarse, fine = (VorticitySolver(n, EXTENT, viscosity=0.02) for n in (32, 64))
    modes = smooth(1, seed=6, points=64)
    w = coarse.solve(modes[:, ::2, ::2], np.zeros((32, 32)), 1.0, 0.05)
    reference = fine.solve(modes, np.zeros((64, 64)), 1.0, 0.05)[:, ::2, ::2]
    assert np.linalg.norm(w - reference) / np.linalg.norm(reference) < 2e-3


def test_each_flow_is_advanced_as_if_alone() -> None:
    solver, w, f = VorticitySolver(64, EXTENT, viscosity=0.01), smooth(19, 0, points=64), smooth(19, 1, points=64)
    together = solver.solve(w, f, 0.2, 0.05)
    for i in (0, 7, 18):
        assert np.array_equal(together[i : i + 1], solver.solve(w[i : i + 1], f[i : i + 1], 0.2, 0.05))


def test_flows_too_fast_for_the_step_are_given_a_shorter_one() -> None:
    """And only they: the others' results are the same to the last bit."""
    solver, w = VorticitySolver(24, EXTENT, viscosity=0.01), smooth(3, seed=0)
    w[1] *= 40
    end = solver.solve(w, STILL, duration=0.4, step=0.1)
    accurate = solver.solve(w[1:2], STILL, duration=0.4, step=0.1 / 32)
    assert np.linalg.norm(end[1:2] - accurate) < 0.05 * np.linalg.norm(accurate)
    assert np.array_equal(end[2:], solver.solve(w[2:], STILL, duration=0.4, step=0.1))


def test_the_flow_that_no_step_is_short_enough_for_is_named() -> None:
    w = smooth(3, seed=0)
    w[1] *= 1e6
    with pytest.raises(
        SolverError, match=r"sample 1 cannot be solved: its flow is too fast for 24 points and steps of"
    ):
        VorticitySolver(24, EXTENT, viscosity=0.0).solve(w, STILL, duration=1.0, step=0.5)


def test_impossible_flows_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 points"):
        VorticitySolver(3, EXTENT, 0.1)
    with pytest.raises(ValueError, match="viscosity -1 not negative"):
        VorticitySolver(8, EXTENT, -1)
