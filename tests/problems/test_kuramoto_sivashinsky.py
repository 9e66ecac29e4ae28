"""Chaos on a ring: samples on the attractor, symmetries, sensitivity, residuals, refusals."""

import math

import pytest
import torch

from fredholm.problems import KuramotoSivashinsky, problem_named

SMALL = KuramotoSivashinsky(points=64, extent=22.0, duration=2.0, times=8, step=0.1, spin_up=40.0)


def test_samples_come_from_the_attractor() -> None:
    """Amplitude and dissipation balance: mean u_x² = mean u_xx², on average over states."""
    u = SMALL.sample(30, seed=0)["initial"][:, 0].double()
    assert 0.8 < float(u.std()) < 1.8
    assert float(u.abs().max()) < 4
    assert u.mean(1).abs().max() < 1e-6
    power = torch.fft.rfft(u).abs().square().mean(0)
    k = 2 * math.pi / 22.0 * torch.arange(33)
    assert float((k**2 * power).sum() / (k**4 * power).sum()) == pytest.approx(1, abs=0.2)


def test_without_spin_up_they_are_gaussian_with_unit_variance() -> None:
    u = KuramotoSivashinsky(points=128, spin_up=0.0).sample(30, seed=0)["initial"]
    assert u.double().square().mean().item() == pytest.approx(1, rel=0.1)


def test_the_operator_commutes_with_translations_and_mirrors() -> None:
    u = SMALL.sample(2, seed=0)["initial"]
    future = SMALL.solve({"initial": u})
    torch.testing.assert_close(SMALL.solve({"initial": u.roll(5, 2)}), future.roll(5, 2), atol=1e-4, rtol=0)
    torch.testing.assert_close(SMALL.solve({"initial": -u.flip(2)}), -future.flip(2), atol=1e-4, rtol=0)


def test_neighbours_part() -> None:
    """A difference grows by orders of magnitude within a hundred units of time."""
    problem = KuramotoSivashinsky(points=64, extent=30.0, duration=100.0, times=3, step=0.2, spin_up=20.0)
    u = problem.sample(2, seed=0)["initial"]
    apart = problem.solve({"initial": u + 1e-3 * torch.sin(torch.linspace(0, 6, 64))}) - problem.solve({"initial": u})
    assert apart[..., -1].abs().max() > 0.1


def test_a_future_goes_on_from_the_next() -> None:
    u = SMALL.sample(2, seed=0)["initial"]
    future = SMALL.solve({"initial": u})
    later = SMALL.solve({"initial": future[..., 3].contiguous()})
    torch.testing.assert_close(later[..., :4], future[..., 4:], atol=1e-4, rtol=0)


def test_residuals_fall_with_the_square_of_the_time_between() -> None:
    residuals = []
    u = SMALL.sample(3, seed=0)["initial"]
    for times in (10, 20, 40):
        problem = KuramotoSivashinsky(points=64, extent=22.0, duration=8.0, times=times, step=0.1)
        residual = problem.residual({"initial": u}, problem.solve({"initial": u}))
        residuals.append(float(residual.double().square().mean().sqrt()))
    assert residuals[2] < 0.02
    assert math.log2(residuals[0] / residuals[1]) > 1.8
    assert math.log2(residuals[1] / residuals[2]) > 1.8


def test_each_sample_is_solved_as_if_alone() -> None:
    u = SMALL.sample(4, seed=3)["initial"]
    assert torch.equal(SMALL.solve({"initial": u})[2:3], SMALL.solve({"initial": u[2:3]}))
    assert problem_named("kuramoto-sivashinsky", SMALL.parameters()) == SMALL


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"64 points on a ring of 64 keep wave numbers up to 2\.09, .* at least 123 points"
    ):
        KuramotoSivashinsky(points=64)
    with pytest.raises(ValueError, match="spin-up -1 not negative"):
        KuramotoSivashinsky(spin_up=-1)
