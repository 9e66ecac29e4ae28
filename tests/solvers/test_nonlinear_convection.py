"""Burgers and Kuramoto-Sivashinsky: closed forms, linear growth, conservation, orders, peers, refusals."""

import math

import numpy as np
import pytest
import torch
from numpy import ndarray

from fredholm.errors import SolverError
from fredholm.solvers import ConvectionSolver, FourierLine, burgers, kuramoto_sivashinsky

RING = 2 * math.pi


def points(n: int, extent: float = RING) -> ndarray:
    return np.arange(n) * extent / n


def cole_hopf(viscosity: float, time: float, n: int) -> ndarray:
    """Burgers' solution from sin x: u = -2ν φₓ / φ, with φ of the heat equation from exp((cos x - 1) / 2ν)."""
    k = np.arange(2049)
    modes = np.fft.rfft(np.exp((np.cos(points(4096)) - 1) / (2 * viscosity))) * np.exp(-viscosity * k**2 * time)
    phi, slope = np.fft.irfft(modes), np.fft.irfft(1j * k * modes)
    return (-2 * viscosity * slope / phi)[:: 4096 // n]


def waves(n: int, extent: float, seed: int, count: int = 3) -> ndarray:
    """Sums of a few long waves."""
    rng = np.random.default_rng(seed)
    k = 2 * np.pi / extent * np.arange(1, 6)[:, None]
    phases = k * points(n, extent) + rng.uniform(0, 2 * np.pi, (count, 5, 1))
    return (rng.normal(size=(count, 5, 1)) * np.cos(phases)).sum(1) / 2


def largest(values: ndarray) -> float:
    return float(np.abs(values).max())


def test_burgers_agrees_with_cole_and_hopf() -> None:
    u = burgers(FourierLine(256, RING), 0.1).solve(np.sin(points(256))[None], 1.5, 4e-3)
    np.testing.assert_allclose(u[0, 0], cole_hopf(0.1, 1.5, 256), atol=1e-9)


def test_fourth_order_in_time() -> None:
    solver, u = burgers(FourierLine(128, RING), 0.2), np.sin(points(128))[None]
    errors = [largest(solver.solve(u, 1.5, step)[0, 0] - cole_hopf(0.2, 1.5, 128)) for step in (0.1, 0.05, 0.025)]
    assert math.log2(errors[0] / errors[1]) > 3.5
    assert math.log2(errors[1] / errors[2]) > 3.7


def test_error_falls_exponentially_with_the_points() -> None:
    errors = []
    for n in (32, 64, 128):
        u = burgers(FourierLine(n, RING), 0.2).solve(np.sin(points(n))[None], 1.5, 5e-3)
        errors.append(largest(u[0, 0] - cole_hopf(0.2, 1.5, n)))
    assert errors[1] < 1e-2 * errors[0]
    assert errors[2] < 1e-4 * errors[1]


def test_chaos_is_of_fourth_order_too() -> None:
    solver, u = kuramoto_sivashinsky(FourierLine(96, 22.0)), waves(96, 22.0, seed=0)
    exact = solver.solve(u, 1.0, 0.002)
    errors = [largest(solver.solve(u, 1.0, step) - exact) for step in (0.0125, 0.00625)]
    assert math.log2(errors[0] / errors[1]) > 3.7


@pytest.mark.parametrize("mode", [1, 3, 5, 8])
def test_small_waves_grow_at_their_rate(mode: int) -> None:
    """exp((k² - k⁴) t): modes 1 to 6 of this ring grow and the others decay."""
    k = 2 * np.pi / 40.0 * mode
    small = 1e-9 * np.cos(k * points(96, 40.0))
    u = kuramoto_sivashinsky(FourierLine(96, 40.0)).solve(small[None], 3.0, 0.1)
    np.testing.assert_allclose(u[0, 0], small * math.exp(3 * (k**2 - k**4)), atol=1e-16)


def test_the_mean_is_kept_and_energy_only_dissipated() -> None:
    """d/dt ½ ∫u² = -ν ∫ u_x², since dealiased convection does no work."""
    u = waves(96, RING, seed=1) + 0.3
    frames = burgers(FourierLine(96, RING), 0.4).solve(u, 0.2, 1e-3, frames=200)
    np.testing.assert_allclose(frames.mean(2), np.broadcast_to(u.mean(1)[:, None], frames.shape[:2]), atol=1e-13)
    energy = np.square(frames).mean(2) / 2
    slopes = np.fft.irfft(1j * np.arange(49) * np.fft.rfft(frames), n=96)
    lost = 0.4 * np.square(slopes).mean(2)
    growth = (energy[:, 2:] - energy[:, :-2]) / 2e-3
    np.testing.assert_allclose(growth, -lost[:, 1:-1], rtol=2e-4)


def test_dispersion_moves_a_soliton_unchanged() -> None:
    """Symbol i k³ is Korteweg and de Vries' u_t + u u_x + u_xxx = 0: 12 a² sech² a (x - 4 a² t) travels."""
    a, x = 1.0, points(256, 30.0)
    soliton = 12 * a**2 / np.cosh(a * (x - 8.0)) ** 2
    solver = ConvectionSolver(FourierLine(256, 30.0), lambda k: 1j * k**3)
    u = solver.solve(soliton[None], 2.0, 5e-3)[0, 0]
    np.testing.assert_allclose(u, 12 * a**2 / np.cosh(a * (x - 16.0)) ** 2, atol=2e-4)


def test_frames_are_those_of_one_flow() -> None:
    solver, u = kuramoto_sivashinsky(FourierLine(64, 20.0)), waves(64, 20.0, seed=2)
    frames = solver.solve(u, 2.0, 0.1, frames=4)
    np.testing.assert_allclose(frames[:, 1], solver.solve(u, 1.0, 0.1)[:, 0], atol=1e-12)


def test_each_wave_is_advanced_as_if_alone() -> None:
    solver, u = burgers(FourierLine(1024, RING), 0.1), waves(1024, RING, seed=3, count=37)
    together = solver.solve(u, 0.1, 0.02)
    for i in (0, 16, 36):
        assert np.array_equal(together[i : i + 1], solver.solve(u[i : i + 1], 0.1, 0.02))


def test_fast_waves_are_given_shorter_steps() -> None:
    solver, u = burgers(FourierLine(256, RING), 1.0), np.sin(points(256)) * np.array([[1.0], [20.0]])
    coarse = solver.solve(u, 0.1, 0.05)
    fine = solver.solve(u, 0.1, 0.05 / 256)
    assert largest(coarse[1] - fine[1]) < 1e-2 * largest(fine[1])
    assert np.array_equal(coarse[:1], solver.solve(u[:1], 0.1, 0.05))


def test_agrees_with_scipy_on_the_same_modes() -> None:
    from scipy.integrate import solve_ivp

    line, u = FourierLine(48, 16.0), waves(48, 16.0, seed=4, count=1)
    k = line.wave_numbers.numpy()

    def values(v: ndarray) -> ndarray:
        return np.fft.irfft(np.ascontiguousarray(v).view(complex), n=48)

    def slope(_: float, v: ndarray) -> ndarray:
        convected = np.fft.rfft(np.square(values(v)))[: len(k)]
        return ((k**2 - k**4) * np.ascontiguousarray(v).view(complex) - 0.5j * k * convected).view(float)

    start = torch.view_as_real(line.coefficients(torch.from_numpy(u[0]))).flatten().numpy()
    peer = solve_ivp(slope, (0.0, 5.0), start, method="Radau", rtol=1e-10, atol=1e-9)
    mine = kuramoto_sivashinsky(line).solve(u, 5.0, 0.01)[0, 0]
    np.testing.assert_allclose(mine, values(peer.y[:, -1]), atol=1e-7)


@pytest.fixture(scope="module")
def exponax():
    peer = pytest.importorskip("exponax", reason="the extra `peers` is not installed")
    import jax

    with jax.enable_x64(True):
        yield peer


def test_burgers_agrees_with_exponax(exponax) -> None:
    """The same modes and the same method, from another hand."""
    u = waves(96, RING, seed=5, count=1)
    stepper = exponax.stepper.Burgers(1, RING, 96, 0.01, diffusivity=0.1, conservative=True, order=4)
    theirs = np.asarray(exponax.repeat(stepper, 50)(u))
    mine = burgers(FourierLine(96, RING), 0.1).solve(u, 0.5, 0.01)[:, 0]
    np.testing.assert_allclose(mine, theirs, atol=1e-10)


def test_kuramoto_sivashinsky_agrees_with_exponax(exponax) -> None:
    u = waves(96, 22.0, seed=6, count=1)
    stepper = exponax.stepper.KuramotoSivashinskyConservative(1, 22.0, 96, 0.05, order=4)
    theirs = np.asarray(exponax.repeat(stepper, 100)(u))
    mine = kuramoto_sivashinsky(FourierLine(96, 22.0)).solve(u, 5.0, 0.05)[:, 0]
    np.testing.assert_allclose(mine, theirs, atol=1e-8)


def test_a_shock_that_the_points_do_not_resolve_is_named() -> None:
    u = np.sin(points(64)) * np.array([[0.1], [1.0]])
    with pytest.raises(SolverError, match=r"sample 1 cannot be solved: it steepens until 64 points do not resolve it"):
        burgers(FourierLine(64, RING), 0.01).solve(u, 1.5, 0.01)


def test_a_wave_too_fast_for_any_step_is_named() -> None:
    u = np.sin(points(64)) * np.array([[1.0], [1e9]])
    with pytest.raises(SolverError, match=r"sample 1 .* its values reach 1e\+09, too fast for 64 points"):
        burgers(FourierLine(64, RING), 0.1).solve(u, 1.0, 0.1)


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="viscosity must be positive and finite, got -1"):
        burgers(FourierLine(64, RING), -1)
    with pytest.raises(ValueError, match="at least 4 points, got 3"):
        FourierLine(3, RING)
    with pytest.raises(ValueError, match="step 0 and duration 1"):
        burgers(FourierLine(64, RING), 1).solve(np.zeros((1, 64)), 1, 0)
