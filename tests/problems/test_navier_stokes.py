"""The flow problems: inputs with the spectrum they state, symmetries of the operators, failures that name a sample."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from fredholm.data import generate
from fredholm.errors import DataError
from fredholm.fields.spectral import resample
from fredholm.problems import NavierStokesForcing, NavierStokesInitial, problem_named

FORCED = NavierStokesForcing(points=24, reynolds=50.0, duration=1.0)
STARTED = NavierStokesInitial(points=24, viscosity=1e-2, duration=1.0)


def share_beyond(values: Tensor, mode: int) -> float:
    """Part of the energy in waves of which one number is beyond `mode`."""
    power = torch.fft.fft2(values.double()).abs().square().mean((0, 1))
    order = torch.fft.fftfreq(values.shape[-1], 1 / values.shape[-1]).abs()
    return float(power[torch.maximum(order[:, None], order) > mode].sum() / power.sum())


def test_forcings_have_the_stated_strength_and_no_mean() -> None:
    for problem in (FORCED, NavierStokesForcing(points=24, strength=0.3, exponent=1.5, inverse_length=8.0)):
        f = problem.sample(200, seed=0)["forcing"]
        assert f.double().std().item() == pytest.approx(problem.strength, rel=0.05)
        assert f.mean((1, 2, 3)).abs().max() < 1e-6


def test_initial_vorticities_have_the_stated_spectrum() -> None:
    """Mean |ŵ(k)|² over ±k is 7³ (4π² k² + 49)^-2.5."""
    w = NavierStokesInitial(points=16).sample(3000, seed=0)["initial_vorticity"][:, 0].double()
    coefficients = torch.fft.fft2(w, norm="forward")
    for kx, ky in ((1, 0), (2, 3), (4, 1)):
        square = 4 * torch.pi**2 * (kx**2 + ky**2)
        observed = float((coefficients[:, kx, ky].abs().square() + coefficients[:, kx, -ky].abs().square()).mean() / 2)
        assert observed == pytest.approx(7**3 * (square + 49) ** -2.5, rel=0.1)


def test_rough_forcings_have_energy_beyond_a_coarser_grid() -> None:
    smooth = NavierStokesForcing(points=64).sample(4, seed=0)["forcing"]
    rough = NavierStokesForcing(points=64, exponent=1.5, inverse_length=20.0).sample(4, seed=0)["forcing"]
    assert share_beyond(smooth, 16) < 1e-4
    assert share_beyond(rough, 16) > 0.2


def test_the_forced_flow_moves_with_its_forcing() -> None:
    f = FORCED.sample(2, seed=0)["forcing"]
    moved = FORCED.solve({"forcing": f.roll((5, -3), (2, 3))})
    torch.testing.assert_close(moved, FORCED.solve({"forcing": f}).roll((5, -3), (2, 3)), atol=1e-6, rtol=1e-5)


def test_the_started_flow_has_a_place() -> None:
    w = STARTED.sample(1, seed=0)["initial_vorticity"]
    moved = STARTED.solve({"initial_vorticity": w.roll(5, 2)})
    assert (moved - STARTED.solve({"initial_vorticity": w}).roll(5, 2)).abs().max() > 0.01
    diagonal = STARTED.solve({"initial_vorticity": w.roll((5, -5), (2, 3))})
    expected = STARTED.solve({"initial_vorticity": w}).roll((5, -5), (2, 3))
    torch.testing.assert_close(diagonal, expected, atol=1e-6, rtol=1e-5)


def test_the_force_alone_drives_a_flow_from_rest() -> None:
    """w₀ = 0: w = f (1 - exp(-8π² ν T)) / (8π² ν), since f is a single wave."""
    w = STARTED.solve({"initial_vorticity": torch.zeros(1, 1, 24, 24)})
    rate = 8 * torch.pi**2 * STARTED.viscosity
    phase = 2 * torch.pi * STARTED.grid.coordinates().sum(-1).reshape(24, 24)
    exact = 0.1 * (phase.sin() + phase.cos()) * (1 - torch.exp(torch.tensor(-rate))) / rate
    torch.testing.assert_close(w[0, 0], exact.float(), atol=1e-6, rtol=0)


def test_the_solver_may_have_more_points_than_are_stored() -> None:
    stored = NavierStokesForcing(points=16, reynolds=50.0, duration=1.0, solver_points=48)
    fine = NavierStokesForcing(points=48, reynolds=50.0, duration=1.0)
    inputs = stored.sample(2, seed=0)
    on_fine = resample(inputs["forcing"].double(), stored.grid, fine.grid).float()
    expected = fine.solve({"forcing": on_fine})[..., ::3, ::3]
    torch.testing.assert_close(stored.solve(inputs), expected, atol=1e-6, rtol=1e-5)


def test_the_defaults_are_resolved() -> None:
    """Twice the points change w(T) by a few tenths of a percent; half the step by a hundredth of that."""
    inputs = NavierStokesForcing().sample(2, seed=0)
    w = NavierStokesForcing().solve(inputs)
    for other, most in ((NavierStokesForcing(solver_points=128), 1e-2), (NavierStokesForcing(step=0.025), 1e-4)):
        assert float((other.solve(inputs) - w).norm() / w.norm()) < most


@pytest.mark.parametrize("problem", [FORCED, STARTED], ids=lambda problem: problem.name)
def test_a_sample_is_its_own(problem: NavierStokesForcing | NavierStokesInitial) -> None:
    inputs = problem.sample(5, seed=3)
    (values,) = inputs.values()
    assert torch.equal(values[2:4], problem.sample(2, seed=3, first=2)[problem.input_name])
    assert torch.equal(problem.solve(inputs)[3:4], problem.solve({problem.input_name: values[3:4]}))
    assert problem_named(problem.name, problem.parameters()) == problem


def test_generation_names_the_sample_that_blows_up(tmp_path: Path) -> None:
    problem = NavierStokesForcing(points=16, strength=1e4, step=5.0)
    with pytest.raises(DataError, match=r"first 3 samples of seed 7 can be solved for; sample 0: its flow is too fast"):
        generate(problem, 3, seed=7, path=tmp_path / "flows", workers=1, progress=False)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match="40 solver points are no multiple of the 64 points"):
        NavierStokesForcing(solver_points=40)
    with pytest.raises(ValueError, match=r"a step of 30.0 does not fit in a duration of 20.0"):
        NavierStokesInitial(step=30.0)
    with pytest.raises(ValueError, match="strength 0 must be positive"):
        NavierStokesForcing(strength=0)
