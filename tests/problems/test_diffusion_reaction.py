"""Diffusion and reaction: boundary values, symmetry, residuals, monotony, refusals."""

import math

import pytest
import torch

from fredholm.errors import SolverError
from fredholm.problems import DiffusionReaction, problem_named

SMALL = DiffusionReaction(points=30, times=20)


def test_nothing_is_there_at_first_nor_ever_at_the_ends() -> None:
    s = SMALL.solve(SMALL.sample(3, seed=0))
    assert s[..., 0].abs().max() == 0
    assert s[:, :, [0, -1]].abs().max() == 0
    assert s[..., -1].abs().max() > 0.1


def test_early_the_source_alone_counts() -> None:
    """s ≈ u t, before diffusion and reaction have had time."""
    problem = DiffusionReaction(points=50, times=3, duration=0.05)
    source = problem.sample(2, seed=0)["source"]
    s = problem.solve({"source": source})
    torch.testing.assert_close(s[:, :, 15:35, -1], 0.05 * source[:, :, 15:35], atol=2e-3, rtol=0)


def test_a_mirrored_source_has_the_mirrored_answer() -> None:
    source = SMALL.sample(2, seed=0)["source"]
    s = SMALL.solve({"source": source})
    torch.testing.assert_close(SMALL.solve({"source": source.flip(2)}), s.flip(2), atol=1e-6, rtol=1e-5)


def test_more_source_is_more_substance() -> None:
    """The comparison principle: s grows with u, and with k where it is positive."""
    source = SMALL.sample(3, seed=1)["source"]
    s = SMALL.solve({"source": source})
    assert (SMALL.solve({"source": source + 0.2})[:, :, 1:-1, 1:] > s[:, :, 1:-1, 1:]).all()
    reactive = DiffusionReaction(points=30, times=20, reaction_rate=0.5)
    assert (reactive.solve({"source": source}) - s).min() > -1e-6


def test_residuals_fall_with_the_square_of_the_spacing() -> None:
    """For sources that are zero at the ends: else the solution is rough in the corner at time 0."""
    fine = DiffusionReaction(points=161, times=161, reaction_rate=0.5)
    x = fine.line.axes[0].points()
    source = (fine.sample(3, seed=0)["source"] * (x * (1 - x)).square() * 16).float()
    residuals = []
    for every in (8, 4, 2):
        problem = DiffusionReaction(points=160 // every + 1, times=160 // every + 1, reaction_rate=0.5)
        inputs = {"source": source[..., ::every].contiguous()}
        residual = problem.residual(inputs, problem.solve(inputs))
        residuals.append(float(residual.double().square().mean().sqrt()))
    assert residuals[2] < 0.01
    assert math.log2(residuals[0] / residuals[1]) > 1.7
    assert math.log2(residuals[1] / residuals[2]) > 1.7


def test_the_defaults_are_resolved() -> None:
    """A quarter of the spacing, with u by cubic splines, changes s(T) by less than a millionth."""
    from scipy.interpolate import CubicSpline

    source = DiffusionReaction().sample(3, seed=0)["source"]
    fine = DiffusionReaction(points=397)
    x, x_fine = (problem.line.axes[0].points().numpy() for problem in (DiffusionReaction(), fine))
    on_fine = torch.from_numpy(CubicSpline(x, source.double().numpy(), axis=2)(x_fine)).float()
    s = DiffusionReaction().solve({"source": source})[..., -1]
    assert float((s - fine.solve({"source": on_fine})[:, :, ::4, -1]).norm() / s.norm()) < 1e-6


def test_each_sample_is_solved_as_if_alone() -> None:
    source = SMALL.sample(4, seed=3)["source"]
    assert torch.equal(SMALL.solve({"source": source})[2:3], SMALL.solve({"source": source[2:3]}))
    assert problem_named("diffusion-reaction", SMALL.parameters()) == SMALL


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match=r"diffusivity -0\.01 must be positive"):
        DiffusionReaction(diffusivity=-0.01)
    with pytest.raises(ValueError, match=r"100 points are 0\.0101 apart and do not resolve the ends' layers"):
        DiffusionReaction(diffusivity=1e-6)
    explosive = DiffusionReaction(points=30, times=20, reaction_rate=1e4)
    with pytest.raises(SolverError, match="sample 1 cannot be solved: its reaction runs away before time 1"):
        explosive.solve({"source": torch.tensor([0.0, 5.0])[:, None, None].expand(2, 1, 30).contiguous()})
