"""The problem `fisher`: forms of growth, populations between 0 and 1, samples on their own, refusals."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.problems import Fisher, FisherGrowth, FlameGrowth, NewellWhiteheadGrowth, ZeldovichGrowth, problem_named
from fredholm.problems.reactions import Growth

FORMS: list[Growth] = [FisherGrowth(), NewellWhiteheadGrowth(), FlameGrowth(), ZeldovichGrowth()]
SMALL = Fisher(points=16, times=4)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**40), form=st.sampled_from(FORMS))
def test_every_law_grows_between_nothing_and_saturation(seed: int, form: Growth) -> None:
    """R(0) = R(1) = 0 and R > 0 between."""
    law = form.coefficients(torch.Generator().manual_seed(seed))
    u = torch.linspace(0, 1, 50, dtype=torch.float64)
    growth = sum(c * u**power for power, c in enumerate(law, 1))
    assert growth[0] == 0
    assert abs(float(growth[-1])) < 1e-12
    assert (growth[1:-1] > 0).all()


def test_the_flame_law_is_the_expansion_of_its_exponential() -> None:
    """Taylor at u = 0: halving u divides the difference by 2⁴, the first power of u left out times u."""
    flame = FlameGrowth((3.0, 3.0), (2.0, 2.0)).coefficients(torch.Generator())

    def difference(u: float) -> float:
        return float(sum(c * u**k for k, c in enumerate(flame, 1))) - 3 * u * (1 - u) * math.exp(-2 * (1 - u))

    assert math.log2(difference(0.02) / difference(0.01)) == pytest.approx(4, abs=0.1)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31), first=st.integers(0, 10**6))
def test_a_sample_is_its_own(seed: int, first: int) -> None:
    together = SMALL.sample(3, seed, first)
    for i in range(3):
        for name, values in SMALL.sample(1, seed, first + i).items():
            assert torch.equal(together[name][i : i + 1], values)


def test_populations_stay_between_nothing_and_saturation_and_grow() -> None:
    problem = Fisher(reactions=tuple(FORMS))
    inputs = problem.sample(40, seed=1)
    initial, later = inputs["initial"], problem.solve(inputs)
    assert initial.amin((1, 2)).abs().max() == 0
    assert (initial.amax((1, 2)) == 1).all()
    assert later.min() > -1e-3, "an initial slope at the walls leaves ripples of the order of its square spacing"
    assert later.max() < 1 + 1e-3
    total = later.mean(2)[:, 0]
    assert (total.diff(dim=1) > 0).all()


def test_labels_tell_the_form() -> None:
    inputs, form = SMALL.sample(60, seed=0), SMALL.labels(60, seed=0)["form"][:, 0]
    assert set(form.tolist()) == {0, 1, 2}
    logistic, cubic, flame = (inputs["reaction"][form == k] for k in range(3))
    assert (logistic[:, 2:] == 0).all()
    assert (cubic[:, [1, 3]] == 0).all()
    assert (flame[:, 3] < 0).all()


def test_halving_step_and_spacing_changes_little() -> None:
    problem = Fisher(points=33)
    inputs = problem.sample(8, seed=0)
    u = problem.solve(inputs)
    halved = Fisher(points=33, step=problem.step / 2).solve(inputs)
    assert float((u - halved).norm() / u.norm()) < 1e-6
    fine = Fisher(points=65)
    finer = fine.solve(fine.sample(8, seed=0))[:, :, ::2]
    assert float((u - finer).norm() / u.norm()) < 5e-3, "the extremes that are scaled to 0 and 1 are sampled too"


def test_the_residual_of_a_population_falls_with_the_square_of_spacing_and_interval() -> None:
    """From a first population without slope at the walls, of which no ripples stay."""

    def residual(n: int) -> float:
        problem = Fisher(points=n, times=n - 1)
        initial = 0.5 + 0.4 * torch.cos(math.pi * problem.line.axes[0].points())
        reaction = FlameGrowth((2.0, 2.0), (1.0, 1.0)).coefficients(torch.Generator()).float()
        inputs = {"reaction": reaction[None], "initial": initial.float()[None, None]}
        left = problem.residual(inputs, problem.solve(inputs))[..., 1:-1, 1:-1]
        return float(left.square().mean().sqrt())

    assert residual(17) < 0.05
    assert math.log2(residual(17) / residual(33)) == pytest.approx(2, abs=0.2)


def test_parameters_rebuild_the_problem() -> None:
    problem = Fisher(reactions=(ZeldovichGrowth((1.0, 2.0)), FlameGrowth()), points=16)
    assert problem_named("fisher", problem.parameters()) == problem


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match="no reactions"):
        Fisher(reactions=())
    with pytest.raises(ValueError, match=r"diffusivity -1 must not be negative"):
        Fisher(diffusivity=-1)
    with pytest.raises(ValueError, match=r"does not resolve rates of 50\.0: take at most 0\.01"):
        Fisher(reactions=(FisherGrowth((1.0, 50.0)),))
    with pytest.raises(ValueError, match="rate of a growth law"):
        FisherGrowth((2.0, 1.0))
    with pytest.raises(ValueError, match="less than two spacings of 16 points"):
        Fisher(points=16, correlation_length=0.1)
