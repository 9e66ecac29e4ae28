"""The problem `heat`: linear, symmetric, between the extremes of its temperatures; its equation; refusals."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.problems import Heat, problem_named

SMALL = Heat(points=12, times=6)


def solved(*temperatures: float) -> torch.Tensor:
    return SMALL.solve({"temperatures": torch.tensor([temperatures])})[0, 0]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**31), first=st.integers(0, 10**6))
def test_samples_lie_in_their_interval_and_are_their_own(seed: int, first: int) -> None:
    together = SMALL.sample(3, seed, first)["temperatures"]
    assert together.min() >= 100
    assert together.max() <= 500
    for i in range(3):
        assert torch.equal(together[i : i + 1], SMALL.sample(1, seed, first + i)["temperatures"])


def test_nothing_happens_where_all_is_equally_warm() -> None:
    torch.testing.assert_close(solved(*[300.0] * 5), torch.full((12, 12, 6), 300.0))


def test_it_is_linear_in_the_five_temperatures() -> None:
    parts = sum(solved(*[x * (i == k) for i in range(5)]) for k, x in enumerate((100.0, 200.0, 300.0, 50.0, 400.0)))
    torch.testing.assert_close(solved(100.0, 200.0, 300.0, 50.0, 400.0), parts, rtol=1e-5, atol=1e-2)


def test_each_wall_is_where_it_is_said_to_be() -> None:
    for wall, (axis, end) in enumerate([(0, 0), (0, -1), (1, 0), (1, -1)], start=1):
        u = solved(*[100.0 + 100.0 * (i == wall) for i in range(5)])
        beside = u.select(axis, end).mean()
        others = [u.select(a, e).mean() for a, e in [(0, 0), (0, -1), (1, 0), (1, -1)] if (a, e) != (axis, end)]
        assert beside > max(others)


def test_temperatures_stay_between_the_extremes_and_end_steady() -> None:
    inputs = Heat(points=12, times=6, duration=20.0).sample(8, seed=0)
    u = Heat(points=12, times=6, duration=20.0).solve(inputs)
    lowest, highest = inputs["temperatures"].amin(1), inputs["temperatures"].amax(1)
    assert (u.amin((1, 2, 3, 4)) >= lowest - 1e-3).all()
    assert (u.amax((1, 2, 3, 4)) <= highest + 1e-3).all()
    at_centre = u[:, 0, 5:7, 5:7, -1].mean((1, 2))
    torch.testing.assert_close(at_centre, inputs["temperatures"][:, 1:].mean(1), rtol=1e-4, atol=1e-2)


def test_the_residual_falls_with_the_square_of_the_time_between_outputs() -> None:
    """In space the differences are the solver's own; late, when the steep start has been smoothed."""

    def late(times: int) -> float:
        problem = Heat(points=12, times=times)
        inputs = problem.sample(2, seed=0)
        return float(problem.residual(inputs, problem.solve(inputs))[..., times // 2 : -1].abs().max())

    assert math.log2(late(40) / late(80)) == pytest.approx(2, abs=0.25)


def test_parameters_rebuild_the_problem() -> None:
    problem = Heat(points=8, diffusivity=0.5, temperatures=(0.0, 1.0))
    assert problem_named("heat", problem.parameters()) == problem


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match="duration, side and diffusivity must be positive"):
        Heat(diffusivity=-1.0)
    with pytest.raises(ValueError, match="between a lower and a higher one"):
        Heat(temperatures=(5.0, 1.0))
    with pytest.raises(ValueError, match="times 1 3 or more"):
        Heat(times=1)
