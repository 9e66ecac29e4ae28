"""Transport of CO₂: budgets that close, winds without divergence, the symmetries of a linear step, its equation."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.signature import Inputs
from fredholm.problems import TracerTransport, problem_named
from fredholm.problems.carbon_fluxes import YEAR, CarbonFluxes
from fredholm.problems.planetary_waves import PlanetaryWaves

SMALL = TracerTransport(latitudes=16, longitudes=32, spin_up_days=2.0)
WEIGHTS = SMALL.cell_areas / SMALL.cell_areas.sum()


def total(values: Tensor) -> Tensor:
    """Mean over the air, (n,)."""
    return (WEIGHTS * values.double()).sum((-1, -2)).mean(-1)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31), first=st.integers(0, 1000))
def test_samples_are_states_of_a_planet(seed: int, first: int) -> None:
    inputs = SMALL.sample(2, seed, first)
    assert SMALL.signature.check(inputs, finite=True) == 2
    assert all(torch.equal(values[1:], SMALL.sample(1, seed, first + 1)[name]) for name, values in inputs.items())
    assert 390 < float(inputs["co2"].min()) <= float(inputs["co2"].max()) < 420
    area, height = SMALL.cell_areas * 1e6, math.pi * 6.371e6 / 16
    width = 2 * math.pi * 6.371e6 / 32 * torch.linspace(-math.pi / 2, math.pi / 2, 17, dtype=torch.float64).cos()
    east = height * inputs["eastward_wind"].double()
    north = torch.nn.functional.pad(inputs["northward_wind"].double(), (0, 0, 0, 1)) * width[:, None]
    divergence = (east.roll(-1, -1) - east + north.diff(dim=-2)) / area
    assert float(divergence.abs().max()) < 1e-10  # 1/s: what float32 loses
    assert float(inputs["eastward_wind"].abs().max()) < 120


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31), shift=st.sampled_from([-256.0, 16.0, 128.0]))
def test_a_step_gains_what_the_surface_gives_and_knows_no_zero(seed: int, shift: float) -> None:
    inputs = SMALL.sample(1, seed)
    output = SMALL.solve(inputs)
    flux = SMALL.flux_to_increment * total(inputs["surface_flux"]) / 3
    assert float(total(output) - total(inputs["co2"]) - flux) == pytest.approx(0, abs=1e-5)
    shifted = SMALL.solve({**inputs, "co2": inputs["co2"] + shift})
    torch.testing.assert_close(shifted, output + shift, atol=1e-4, rtol=0)
    still = SMALL.solve({**inputs, "co2": torch.full_like(output, shift), "surface_flux": torch.zeros(1, 1, 16, 32)})
    assert bool((still == shift).all())


def test_a_record_is_one_step_after_another() -> None:
    record = SMALL.record(2, 3, seed=4, first=1)
    assert record.states.shape == (2, 4, 3, 16, 32)
    begin = SMALL.sample(2, seed=4, first=1)
    assert torch.equal(record.states[:, 0], begin["co2"])
    assert all(torch.equal(values, begin[name]) for name, values in record.at(0).items())
    for step in range(3):
        solved = SMALL.solve({"co2": record.states[:, step], **record.at(step)})
        torch.testing.assert_close(solved, record.states[:, step + 1], atol=2e-4, rtol=0)
    inputs, outputs = record.pairs()
    assert torch.equal(outputs[4], record.states[1, 2])
    assert torch.equal(inputs["eastward_wind"][4], record.forcings["eastward_wind"][1, 1])


def test_windows_hold_the_states_and_forcings_of_some_steps() -> None:
    record = SMALL.record(2, 5, seed=4)
    inputs, outputs = record.windows(2)
    assert torch.equal(inputs["co2"], record.states[:, [0, 2]].flatten(0, 1))
    assert torch.equal(outputs[3], record.states[1, 3:5].flatten(0, 1))
    assert torch.equal(inputs["surface_flux"][1], record.forcings["surface_flux"][0, 2:4].flatten(0, 1))


def smooth(latitudes: int, hours: float) -> tuple[TracerTransport, Inputs]:
    """One planet on a grid of choice, with a state that every grid resolves."""
    problem = TracerTransport(latitudes, 2 * latitudes, hours, jets=(10.0, 20.0), spin_up_days=0.0)
    inputs = problem.sample(1, seed=0)
    latitude, longitude = problem.grid.coordinates().T.reshape(2, latitudes, 2 * latitudes)
    wave = 400 + latitude.sin() * latitude.cos() * longitude.cos() + latitude.cos() ** 3 * (3 * longitude).sin()
    return problem, {**inputs, "co2": torch.stack([wave, 2 * wave])[None].float()}


def test_the_equation_is_met_the_better_the_finer() -> None:
    """Twice as fine in space and time, a quarter of the residual; the zonal row at the poles apart."""
    residuals = []
    for latitudes, hours in ((16, 6.0), (32, 3.0), (64, 1.5)):
        problem, inputs = smooth(latitudes, hours)
        residual = problem.residual(inputs, problem.solve(inputs))
        assert residual.shape == (1, 2, latitudes, 2 * latitudes)
        weights = problem.cell_areas / problem.cell_areas.sum()
        residuals.append(float((weights * residual.abs()).sum()))
    orders = [math.log2(a / b) for a, b in pairwise(residuals)]
    assert min(orders) > 1.7, (residuals, orders)


def test_the_residual_adds_up_to_the_budget() -> None:
    inputs = SMALL.sample(2, seed=3)
    inputs = {name: values.double() for name, values in inputs.items()}
    wrong = (SMALL.solve({k: v.float() for k, v in inputs.items()}).double() + 0.25).requires_grad_()
    residual = SMALL.residual(inputs, wrong)
    np.testing.assert_allclose(total(residual).detach(), 0.25 * 24 / SMALL.hours, rtol=1e-4)
    (gradient,) = torch.autograd.grad(residual.square().sum(), wrong)
    assert bool(torch.isfinite(gradient).all())
    assert float(gradient.abs().max()) > 0


def test_the_year_goes_round_and_summer_takes_up_what_winter_gives() -> None:
    latitudes, longitudes = np.linspace(-1.5, 1.5, 32), np.arange(64) * math.pi / 32
    fluxes = CarbonFluxes(tuple(latitudes.tolist()), tuple(longitudes.tolist()))
    days = np.arange(0, 365.25, 365.25 / 24) * 86400
    one, none = np.ones(24), np.zeros(24)
    land = fluxes.at(days, none, one)
    np.testing.assert_allclose(land.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(land, fluxes.at(days + YEAR, none, one), atol=1e-9)
    north = land[:, latitudes > 0.7].mean((1, 2))
    assert 180 < days[north.argmin()] / 86400 < 220  # July
    industry = fluxes.at(days, one, none)
    assert industry.min() >= 0
    weights = np.cos(latitudes)[:, None]
    np.testing.assert_allclose((industry * weights).sum((1, 2)) / (64 * weights.sum()), 1, rtol=1e-12)


def test_waves_drift_as_rossby_and_haurwitz_say_and_blow_as_strong_as_asked() -> None:
    latitudes, longitudes = np.linspace(-math.pi / 2, math.pi / 2, 65), np.arange(128) * math.pi / 64
    radius, jet = 6.371e6, 20.0
    waves = PlanetaryWaves((jet,), 0.5, tuple(latitudes.tolist()), tuple(longitudes.tolist()), radius)
    amplitudes = np.stack([waves.draw(torch.Generator().manual_seed(i)) for i in range(64)])
    psi = waves.stream(amplitudes, np.zeros(64)) - waves.stream(np.zeros_like(amplitudes[:1]), np.zeros(1))
    eastward = np.gradient(psi, latitudes, axis=2)[:, :, 1:-1] / radius
    northward = np.gradient(psi, longitudes, axis=3)[:, :, 1:-1] / (radius * np.cos(latitudes[1:-1, None]))
    weights = np.cos(latitudes[1:-1, None]) / np.cos(latitudes[1:-1]).sum() / 128
    speed = math.sqrt(((eastward**2 + northward**2) * weights).sum((2, 3)).mean())
    assert speed == pytest.approx(0.5 * jet * math.sqrt(2 / 3), rel=0.1)
    one = np.zeros((1, 2, 1, amplitudes.shape[-1]))
    one[0, 0, 0, 9] = 1e7  # the wave of degree 5 and order 3
    angular = jet / radius - 2 * (7.292e-5 + jet / radius) / 30
    seconds = math.pi / 64 * 10 / abs(angular)  # in which it drifts ten meridians
    drifted = waves.stream(one, np.array([seconds])) - waves.stream(0 * one, np.zeros(1))
    start = waves.stream(one, np.zeros(1)) - waves.stream(0 * one, np.zeros(1))
    np.testing.assert_allclose(drifted, np.roll(start, int(math.copysign(10, angular)), axis=-1), atol=1.0)
    assert np.abs(start).max() > 1e6


def test_winds_with_a_divergence_are_refused() -> None:
    inputs = SMALL.sample(2, seed=0)
    inputs["northward_wind"][1] += 1.0
    with pytest.raises(SignatureError, match="'northward_wind' of sample 1 is up to"):
        SMALL.solve(inputs)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"latitudes": 8}, "do not resolve winds of degree 8"),
        ({"hours": 48.0}, "at most 24 h"),
        ({"jets": (300.0,)}, "no winds of a planet"),
        ({"exchange_days": 0.0}, "must be positive"),
    ],
)
def test_parameters_beyond_physics_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TracerTransport(**parameters)


def test_the_problem_is_known_by_name() -> None:
    problem = problem_named("tracer-transport", {"latitudes": 16, "longitudes": 32, "jets": [10.0, 20.0]})
    assert isinstance(problem, TracerTransport)
    assert problem.output_shape == (2, 16, 32)
