"""Transport on the sphere: exact conservation, no new extrema, second order, and the flow along characteristics."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy import ndarray
from scipy.integrate import solve_ivp

from fredholm.errors import SolverError
from fredholm.solvers import SphereTransport

DAY = 86400.0
RADIUS = 6.371e6
PERIOD = 12 * DAY  # of solid-body rotation
SPEED = 2 * math.pi * RADIUS / PERIOD

Potential = Callable[[ndarray], ndarray]  # of points (..., 3) of the unit sphere


def centres(solver: SphereTransport) -> ndarray:
    latitudes = (np.arange(solver.latitudes) + 0.5) * math.pi / solver.latitudes - math.pi / 2
    longitudes = 2 * math.pi * np.arange(solver.longitudes) / solver.longitudes
    return points(latitudes, longitudes)


def points(latitudes: ndarray, longitudes: ndarray) -> ndarray:
    phi, lam = np.meshgrid(latitudes, longitudes, indexing="ij")
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def stream_of(solver: SphereTransport, potential: Potential) -> ndarray:
    """ψ (1, 1, corner, longitude) of a function on the sphere."""
    psi = potential(points(solver.corner_latitudes, solver.corner_longitudes))
    for pole in (0, -1):
        psi[pole] = psi[pole].mean()
    return psi[None, None]


def rotation(tilt: float) -> Potential:
    axis = np.array([math.sin(tilt), 0.0, math.cos(tilt)])
    return lambda x: -RADIUS * SPEED * (x @ axis)


def rossby_haurwitz(x: ndarray) -> ndarray:
    """Zonal flow with a wave of number 4 and degree 5."""
    wave = ((x[..., 0] + 1j * x[..., 1]) ** 4).real * x[..., 2]
    return RADIUS * (-15.0 * x[..., 2] + 12.0 * wave)


def gaussian(x: ndarray) -> ndarray:
    """A hill with its top on the equator, 0.5 rad wide."""
    return np.exp(-((np.arccos(np.clip(x @ np.array([0.6, 0.8, 0.0]), -1, 1)) / 0.5) ** 2))


def waves(directions: ndarray) -> Potential:
    return lambda x: 4e7 * np.sin(2 * x @ directions).sum(-1)


def random_case(seed: int, latitudes: int, layers: int = 2) -> tuple[SphereTransport, ndarray, ndarray]:
    """A solver, a rough tracer and a stream function of strong, irregular winds."""
    generator = np.random.default_rng(seed)
    solver = SphereTransport(latitudes, 2 * latitudes)
    axes = generator.normal(size=(layers, 3, 6))
    stream = np.concatenate([stream_of(solver, waves(directions)) for directions in axes], axis=1)
    return solver, generator.uniform(0, 1, (1, layers, latitudes, 2 * latitudes)) ** 4, stream


def error(solver: SphereTransport, found: ndarray, true: ndarray) -> float:
    """Relative error in L1."""
    return float((solver.areas * np.abs(found - true)).sum() / (solver.areas * true).sum())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), latitudes=st.sampled_from([4, 9, 16]), days=st.floats(0.1, 3))
def test_mass_is_kept_and_no_value_leaves_the_range(seed: int, latitudes: int, days: float) -> None:
    solver, tracer, stream = random_case(seed, latitudes)
    end = solver.advance(tracer, stream, days * DAY)
    before, after = ((solver.areas * values).sum((2, 3)) for values in (tracer, end))
    np.testing.assert_allclose(after, before, rtol=1e-12)
    rounding = 1e-13 * tracer.max()
    assert np.all(end.min((2, 3)) >= tracer.min((2, 3)) - rounding)
    assert np.all(end.max((2, 3)) <= tracer.max((2, 3)) + rounding)
    assert not np.allclose(end, tracer, atol=1e-2)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), value=st.floats(-1e3, 1e3))
def test_a_constant_stays_constant_to_the_last_bit(seed: int, value: float) -> None:
    solver, tracer, stream = random_case(seed, 16)
    assert np.all(solver.advance(np.full_like(tracer, value), stream, DAY) == value)


@pytest.mark.parametrize("tilt", [0.0, math.pi / 4, math.pi / 2], ids=["zonal", "oblique", "over the poles"])
def test_second_order_in_solid_body_rotation(tilt: float) -> None:
    """After a whole turn the hill is where it was; a fiftieth of it is no whole number of cells."""
    errors = []
    for latitudes in (32, 64):
        solver = SphereTransport(latitudes, 2 * latitudes)
        start = gaussian(centres(solver))
        end, stream = start[None, None], stream_of(solver, rotation(tilt))
        for _ in range(50):
            end = solver.advance(end, stream, PERIOD / 50)
        errors.append(error(solver, end[0, 0], start))
    assert errors[1] < 0.026
    assert math.log2(errors[0] / errors[1]) > 1.9


def test_a_wave_carries_along_its_characteristics() -> None:
    """q(x, T) = q₀(where x comes from), by a Runge-Kutta method of eighth order for dx/dt = r̂ x ∇ψ."""
    duration, errors = 1.5 * DAY, []
    for latitudes in (32, 64):
        solver = SphereTransport(latitudes, 2 * latitudes)
        x = centres(solver)
        end = solver.advance(gaussian(x)[None, None], stream_of(solver, rossby_haurwitz), duration)
        errors.append(error(solver, end[0, 0], gaussian(departures(x, duration))))
    assert errors[1] < 0.009
    assert math.log2(errors[0] / errors[1]) > 1.8


def departures(x: ndarray, duration: float) -> ndarray:
    """Where the air was that the Rossby-Haurwitz wave has brought to x, with the derivatives of ψ by hand."""

    def backwards(_: float, flat: ndarray) -> ndarray:
        p = flat.reshape(-1, 3)
        w = p[:, 0] + 1j * p[:, 1]
        across = 4 * w**3 * p[:, 2]
        gradient = np.stack([12 * across.real, -12 * across.imag, -15 + 12 * (w**4).real], axis=-1)
        return -np.cross(p, gradient).reshape(-1) / RADIUS

    end = solve_ivp(backwards, (0, duration), x.reshape(-1), method="DOP853", rtol=1e-8, atol=1e-10).y[:, -1]
    p = end.reshape(x.shape)
    return p / np.linalg.norm(p, axis=-1, keepdims=True)


@pytest.mark.parametrize("cells", [2, 10, -6, 40])
def test_zonal_flow_over_whole_cells_is_a_shift(cells: int) -> None:
    """In one step, with two sweeps along circles that go over half of the cells each."""
    solver, tracer, _ = random_case(0, 8, layers=1)
    stream = np.sign(cells) * stream_of(solver, rotation(0.0))
    end = solver.advance(tracer, stream, abs(cells) * PERIOD / solver.longitudes)
    np.testing.assert_allclose(end, np.roll(tracer, cells, axis=-1), atol=1e-12)


def test_turning_and_mirroring_the_earth_change_nothing_else() -> None:
    solver, tracer, stream = random_case(3, 16)
    end = solver.advance(tracer, stream, DAY)
    turned = solver.advance(np.roll(tracer, 5, -1), np.roll(stream, 5, -1), DAY)
    np.testing.assert_allclose(turned, np.roll(end, 5, -1), atol=1e-13)
    mirrored = solver.advance(tracer[:, :, ::-1], -stream[:, :, ::-1], DAY)
    np.testing.assert_allclose(mirrored, end[:, :, ::-1], atol=1e-13)


def test_layers_exchange_air_as_a_chain_relaxes() -> None:
    """Three layers (1, 0, -1): the slowest mode of the chain, which decays with exp(-κ t)."""
    solver = SphereTransport(4, 8, exchange=1 / (2 * DAY))
    layers = np.broadcast_to(np.array([1.0, 0.0, -1.0])[:, None, None], (1, 3, 4, 8))
    end = solver.advance(layers, np.zeros((1, 3, 5, 8)), 3 * DAY)
    np.testing.assert_allclose(end, layers * math.exp(-1.5), atol=1e-13)


def test_the_budget_closes_with_sources_and_exchange() -> None:
    case, tracer, stream = random_case(5, 16)
    solver = SphereTransport(16, 32, exchange=1 / DAY)
    source = np.random.default_rng(0).normal(size=tracer.shape) / DAY
    end = solver.advance(tracer, stream, DAY, source)
    gained = (case.areas * (end - tracer)).sum()
    assert gained == pytest.approx((case.areas * source).sum() * DAY, rel=1e-10)


def test_a_sample_does_not_know_with_which_others_it_is_solved() -> None:
    cases = [random_case(seed, 8) for seed in range(3)]
    tracer, stream = (np.concatenate([case[i] for case in cases]) for i in (1, 2))
    stream[2] *= 10
    together = cases[0][0].advance(tracer, stream, DAY)
    alone = cases[0][0].advance(tracer[1:2], stream[1:2], DAY)
    assert np.array_equal(together[1], alone[0])


def test_winds_are_the_derivatives_of_the_stream_function_and_know_it() -> None:
    solver = SphereTransport(64, 128)
    stream = stream_of(solver, rotation(0.0))
    eastward, northward = solver.winds(stream)
    latitude = (np.arange(64) + 0.5) * math.pi / 64 - math.pi / 2
    np.testing.assert_allclose(eastward[0, 0, :, 0], SPEED * np.cos(latitude), rtol=2e-4)
    assert np.abs(northward).max() < 1e-9
    _, _, stream = random_case(1, 64)
    back = solver.stream(solver.winds(stream)[0])
    np.testing.assert_allclose(back, stream - stream[..., :1, :1], atol=1e-12 * np.abs(stream).max())


def test_bad_input_is_refused_with_its_limit() -> None:
    with pytest.raises(ValueError, match="even number of longitudes"):
        SphereTransport(8, 15)
    with pytest.raises(ValueError, match="exchange -1"):
        SphereTransport(8, 16, exchange=-1)
    solver, tracer, stream = random_case(0, 8)
    leaking = stream.copy()
    leaking[0, 0, 0, 3] += 1.0
    with pytest.raises(ValueError, match="along a pole"):
        solver.advance(tracer, leaking, DAY)
    with pytest.raises(SolverError, match="sample 1 cannot be solved: its winds ask for"):
        solver.advance(np.concatenate([tracer, tracer]), np.concatenate([stream, 1e4 * stream]), DAY)
