"""Advection: exact solutions, rings that close, linearity, residuals, refusals."""

import math

import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.problems import AdvectionInitial, AdvectionVelocity, problem_named
from fredholm.problems.advection import Advection

ALL = [
    kind(points=30, times=20, periodic=periodic)
    for kind in (AdvectionInitial, AdvectionVelocity)
    for periodic in (True, False)
]
IDS = [f"{problem.name}-{'ring' if problem.periodic else 'line'}" for problem in ALL]


def test_a_ring_carries_waves_round_without_loss() -> None:
    problem = AdvectionInitial(points=32, times=5, duration=2.0)
    x = problem.line.axes[0].points()
    s = problem.solve({"initial": torch.sin(6 * math.pi * x).float().expand(1, 1, -1)})[0, 0]
    torch.testing.assert_close(s[:, 2], s[:, 0])
    torch.testing.assert_close(s[:, 1], -s[:, 0], atol=1e-6, rtol=0)
    sampled = problem.sample(2, seed=0)["initial"]
    torch.testing.assert_close(problem.solve({"initial": sampled})[..., 4], sampled)


def test_a_line_is_emptied_from_the_left() -> None:
    problem = AdvectionInitial(periodic=False)
    initial = problem.sample(2, seed=0)["initial"]
    assert initial[:, 0, 0].abs().max() == 0
    s = problem.solve({"initial": initial})
    torch.testing.assert_close(s[..., 0], initial)
    assert s[..., -1].abs().max() < 1e-6
    torch.testing.assert_close(s[:, 0, 60, :61], initial[:, 0, :61].flip(1), atol=1e-6, rtol=0)
    assert s[:, 0, 60, 61:].abs().max() == 0


@pytest.mark.parametrize("periodic", [True, False])
def test_initial_values_act_linearly(periodic: bool) -> None:
    problem = AdvectionInitial(points=30, times=20, periodic=periodic)
    u = problem.sample(3, seed=0)["initial"]
    combined = problem.solve({"initial": 2 * u[:1] - 3 * u[1:2] + u[2:]})
    s = problem.solve({"initial": u})
    torch.testing.assert_close(combined, 2 * s[:1] - 3 * s[1:2] + s[2:], atol=1e-5, rtol=0)


def test_uniform_velocity_on_a_line() -> None:
    """a = 2: s = (x - 2 t)² or sin π (t - x / 2)."""
    problem = AdvectionVelocity(points=50, times=40)
    s = problem.solve({"velocity": torch.full((1, 1, 50), 2.0)})[0, 0]
    x, t = (axis.points() for axis in problem.output_domain.axes)
    foot = x[:, None] - 2 * t
    exact = torch.where(foot >= 0, foot**2, torch.sin(-math.pi * foot / 2))
    torch.testing.assert_close(s, exact.float(), atol=1e-6, rtol=0)


def test_a_ring_repeats_itself_after_the_time_of_a_turn() -> None:
    """∫ dx / (1 + ½ sin 2πx) = 1 / √(1 - ¼)."""
    problem = AdvectionVelocity(points=200, times=3, periodic=True, duration=2 / math.sqrt(0.75))
    x = problem.line.axes[0].points()
    s = problem.solve({"velocity": (1 + 0.5 * torch.sin(2 * math.pi * x)).float().expand(1, 1, -1)})[0, 0]
    torch.testing.assert_close(s[:, 0], torch.sin(2 * math.pi * x).float(), atol=1e-6, rtol=0)
    torch.testing.assert_close(s[:, 1:], s[:, :1].expand(-1, 2), atol=1e-5, rtol=0)


def test_values_are_only_moved() -> None:
    """On a ring nothing grows, and values on the characteristic from x = 0 enter a line with sin πt."""
    ring, line = (AdvectionVelocity(periodic=periodic) for periodic in (True, False))
    assert ring.solve(ring.sample(4, seed=0)).abs().max() <= 1
    s = line.solve(line.sample(4, seed=0))
    t = torch.linspace(0, 1, 100)
    torch.testing.assert_close(s[:, 0, 0], torch.sin(math.pi * t).expand(4, -1), atol=1e-6, rtol=0)


def test_velocities_are_those_stated() -> None:
    line = AdvectionVelocity().sample(300, seed=0)["velocity"]
    assert line.mean().item() == pytest.approx(1, abs=0.02)
    assert line.std().item() == pytest.approx(0.1, rel=0.1)
    ring = AdvectionVelocity(periodic=True).sample(20, seed=0)["velocity"][:, 0]
    torch.testing.assert_close(ring[:, 1:], ring[:, 1:].flip(1))


@pytest.mark.parametrize("kind", [AdvectionInitial, AdvectionVelocity])
def test_residuals_fall_with_the_square_of_the_spacing(kind: type[AdvectionInitial | AdvectionVelocity]) -> None:
    fine = kind(points=160, times=161, periodic=True, correlation_length=0.8)
    values = fine.sample(3, seed=0)[fine.input_name]
    residuals = []
    for every in (4, 2, 1):
        problem = kind(points=160 // every, times=160 // every + 1, periodic=True, correlation_length=0.8)
        inputs = {fine.input_name: values[..., ::every].contiguous()}
        residual = problem.residual(inputs, problem.solve(inputs))
        residuals.append(float(residual.double()[:, :, 3:-3].square().mean().sqrt()))
    assert math.log2(residuals[0] / residuals[1]) > 1.7
    assert math.log2(residuals[1] / residuals[2]) > 1.7


@pytest.mark.parametrize("problem", ALL, ids=IDS)
def test_each_sample_is_solved_as_if_alone(problem: Advection) -> None:
    inputs = problem.sample(4, seed=3)
    alone = {name: values[2:3] for name, values in inputs.items()}
    assert torch.equal(problem.solve(inputs)[2:3], problem.solve(alone))
    assert problem_named(problem.name, problem.parameters()) == problem


def test_what_is_wrong_is_named() -> None:
    velocity = torch.ones(2, 1, 100)
    velocity[1, 0, 7] = -0.5
    with pytest.raises(SignatureError, match=r"'velocity' of sample 1 reaches -0\.5; it must be positive"):
        AdvectionVelocity().solve({"velocity": velocity})
    with pytest.raises(ValueError, match=r"10 points do not resolve a correlation length of 0\.05"):
        AdvectionInitial(points=10, correlation_length=0.05)
    with pytest.raises(ValueError, match="duration must be positive and finite, got -1"):
        AdvectionInitial(duration=-1.0)
