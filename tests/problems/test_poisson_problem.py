"""The problem `poisson`: statistics of its sources, linear and symmetric, its equation, refusals."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.problems import Poisson, problem_named

SMALL = Poisson(points=16)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31), first=st.integers(0, 10**6))
def test_a_sample_is_its_own(seed: int, first: int) -> None:
    together = SMALL.sample(3, seed, first)["source"]
    for i in range(3):
        assert torch.equal(together[i : i + 1], SMALL.sample(1, seed, first + i)["source"])


def test_sources_have_mean_zero_and_deviation_one() -> None:
    source = SMALL.sample(400, seed=0)["source"]
    assert source.mean().item() == pytest.approx(0, abs=0.05)
    assert source.square().mean().sqrt().item() == pytest.approx(1, abs=0.03)


def test_the_operator_is_linear_and_symmetric() -> None:
    f, g = SMALL.sample(2, seed=0)["source"].split(1)
    u, v = SMALL.solve({"source": f}), SMALL.solve({"source": g})
    torch.testing.assert_close(SMALL.solve({"source": 2 * f - g}), 2 * u - v, rtol=1e-4, atol=1e-7)
    assert (u * g).sum().item() == pytest.approx((f * v).sum().item(), rel=1e-3)


def test_second_order_against_a_sine_and_no_residual_of_the_solution() -> None:
    def error(n: int) -> float:
        problem = Poisson(points=n)
        x, y = problem.grid.coordinates().T.reshape(2, n, n)
        u = (torch.sin(math.pi * x) * torch.sin(2 * math.pi * y))[None, None]
        inputs = {"source": (5 * math.pi**2 * u).float()}
        assert problem.residual(inputs, problem.solve(inputs)).abs().max() < 1e-2, "rounded to float32, times h⁻²"
        return float((problem.solve(inputs) - u).abs().max())

    assert math.log2(error(16) / error(32)) == pytest.approx(2, abs=0.1)


def test_parameters_rebuild_the_problem_and_wrong_ones_are_named() -> None:
    assert problem_named("poisson", SMALL.parameters()) == SMALL
    with pytest.raises(ValueError, match=r"exponent 1\.0 over 1"):
        Poisson(exponent=1.0)
