"""Burgers' problem: the stated inputs, symmetries of the operator, grids that resolve, refusals."""

import math

import pytest
import torch

from fredholm.errors import SolverError
from fredholm.problems import Burgers, problem_named
from fredholm.problems.burgers import _DEVIATION

SMALL = Burgers(points=64)


def test_inputs_have_the_stated_spectrum() -> None:
    """Mean |û(j)|² is 625 (4 π² j² + 25)^-2, and that of the mean 1."""
    u = SMALL.sample(600, seed=0)["initial"][:, 0].double()
    power = torch.fft.rfft(u, norm="forward").abs().square().mean(0)
    for j in (0, 1, 2, 5):
        assert float(power[j]) == pytest.approx(625 * (4 * math.pi**2 * j**2 + 25) ** -2, rel=0.25)
    fluctuation = (u - u.mean(1, keepdim=True)).square().mean().sqrt()
    assert float(fluctuation) == pytest.approx(_DEVIATION, rel=0.1)


def test_the_operator_commutes_with_translations() -> None:
    u = SMALL.sample(2, seed=0)["initial"]
    moved = SMALL.solve({"initial": u.roll(7, 2)})
    torch.testing.assert_close(moved, SMALL.solve({"initial": u}).roll(7, 2), atol=1e-6, rtol=1e-5)


def test_a_moving_observer_sees_the_same() -> None:
    """Galileo: u₀ + c gives u(x - c T, T) + c; with c T = 1 the ring is back."""
    u = SMALL.sample(2, seed=0)["initial"]
    torch.testing.assert_close(SMALL.solve({"initial": u + 1.0}), SMALL.solve({"initial": u}) + 1.0, atol=1e-5, rtol=0)


def test_mirrored_waves_run_the_other_way() -> None:
    u = SMALL.sample(2, seed=0)["initial"]
    mirrored = SMALL.solve({"initial": -u.flip(2)})
    torch.testing.assert_close(mirrored, -SMALL.solve({"initial": u}).flip(2), atol=1e-6, rtol=1e-5)


def test_extremes_only_shrink_and_the_mean_stays() -> None:
    u = SMALL.sample(20, seed=1)["initial"]
    end = SMALL.solve({"initial": u})
    assert (end.amax(2) <= u.amax(2)).all()
    assert (end.amin(2) >= u.amin(2)).all()
    torch.testing.assert_close(end.mean(2), u.mean(2), atol=1e-6, rtol=0)


def test_the_defaults_are_resolved() -> None:
    inputs = Burgers().sample(4, seed=0)
    u = Burgers().solve(inputs)
    for finer in (Burgers(step=0.0025), Burgers(solver_points=512)):
        assert float((finer.solve(inputs) - u).norm() / u.norm()) < 1e-6


def test_the_least_viscosity_allowed_is_resolved() -> None:
    """With two spacings in the layer of a large jump: all samples are solved for, with errors under a percent."""
    problem = Burgers(points=256, viscosity=0.005, duration=0.3)
    inputs = problem.sample(4, seed=0)
    u = problem.solve(inputs)
    reference = Burgers(points=256, viscosity=0.005, duration=0.3, solver_points=1024).solve(inputs)
    assert float((u - reference).norm() / reference.norm()) < 1e-2


def test_each_sample_is_solved_as_if_alone() -> None:
    u = SMALL.sample(5, seed=3)["initial"]
    assert torch.equal(SMALL.solve({"initial": u})[3:4], SMALL.solve({"initial": u[3:4]}))
    assert problem_named("burgers", SMALL.parameters()) == SMALL


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(
        ValueError,
        match=r"shock layers of viscosity 0\.0001 are 0\.000169 thick, 1024 points 0\.000977 apart: take at least",
    ):
        Burgers(points=1024, viscosity=1e-4)
    with pytest.raises(ValueError, match="viscosity must be positive and finite, got -1"):
        Burgers(viscosity=-1)
    with pytest.raises(ValueError, match="100 solver points are no multiple of the 256"):
        Burgers(solver_points=100)
    steep = Burgers(points=64, viscosity=0.02)
    with pytest.raises(SolverError, match=r"sample 1 .* steepens until 64 points do not resolve it"):
        steep.solve({"initial": steep.sample(1, seed=0)["initial"] * torch.tensor([0.0, 4.0])[:, None, None]})
