"""Conformal quantiles: the exact rank, and coverage that is the rank's, for distributions of any kind."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fredholm.errors import DataError
from fredholm.evaluation.conformal import conformal_quantile, conformal_rank, feasible_levels

TRIALS = 20_000


def within(covered: int, trials: int, probability: float) -> bool:
    """Whether a count is within four and a half standard deviations of its binomial mean."""
    deviation = math.sqrt(trials * probability * (1 - probability))
    return abs(covered - trials * probability) <= 4.5 * deviation


@given(samples=st.integers(1, 10_000), percent=st.integers(1, 999))
def test_the_rank_is_the_smallest_that_keeps_the_promise(samples: int, percent: int) -> None:
    level = percent / 1000
    promised = Fraction(percent, 1000) * (samples + 1)
    if promised > samples:
        with pytest.raises(DataError, match="needs at least"):
            conformal_rank(samples, level)
        return
    rank = conformal_rank(samples, level)
    assert rank - 1 < promised <= rank


def test_the_number_of_samples_that_is_asked_for_is_enough_and_one_less_is_not() -> None:
    for level, needed in ((0.5, 1), (0.9, 9), (0.95, 19), (0.99, 99)):
        assert conformal_rank(needed, level) == needed
        with pytest.raises(DataError, match=f"at least {needed} calibration samples, there are {needed - 1}"):
            conformal_rank(needed - 1, level)
        assert level in feasible_levels(needed)
        assert level not in feasible_levels(needed - 1)
    with pytest.raises(DataError, match="between 0 and 1"):
        conformal_rank(100, 90)


@pytest.mark.parametrize("name", ["normal", "cauchy", "lognormal"])
@pytest.mark.parametrize(("samples", "level"), [(19, 0.9), (30, 0.8), (99, 0.95)])
def test_a_new_score_is_covered_with_the_probability_of_the_rank(name: str, samples: int, level: float) -> None:
    generator = torch.Generator().manual_seed(samples)
    scores = torch.randn(samples + 1, TRIALS, generator=generator, dtype=torch.float64)
    if name == "cauchy":
        scores = scores / torch.randn(samples + 1, TRIALS, generator=generator, dtype=torch.float64)
    elif name == "lognormal":
        scores = (2 * scores).exp()
    covered = int((scores[-1] <= conformal_quantile(scores[:-1], level)).sum())
    exact = conformal_rank(samples, level) / (samples + 1)
    assert level <= exact < level + 1 / (samples + 1)
    assert within(covered, TRIALS, exact)


def test_it_is_enough_that_scores_are_exchangeable() -> None:
    generator = torch.Generator().manual_seed(3)
    common = torch.randn(1, TRIALS, generator=generator)  # makes all scores of a trial depend on each other
    scores = (common + 0.3 * torch.randn(20, TRIALS, generator=generator)).exp()
    covered = int((scores[-1] <= conformal_quantile(scores[:-1], 0.9)).sum())
    assert within(covered, TRIALS, 0.9)


def test_ties_cover_more_and_never_less() -> None:
    scores = torch.randint(0, 3, (20, TRIALS), generator=torch.Generator().manual_seed(4)).float()
    assert float((scores[-1] <= conformal_quantile(scores[:-1], 0.8)).float().mean()) > 0.8


@given(seed=st.integers(0, 1000), first=st.floats(0.05, 0.95), second=st.floats(0.05, 0.95))
def test_a_higher_level_has_no_smaller_quantile(seed: int, first: float, second: float) -> None:
    scores = torch.rand(40, 3, generator=torch.Generator().manual_seed(seed))
    low, high = sorted((first, second))
    assert bool((conformal_quantile(scores, low) <= conformal_quantile(scores, high)).all())


def test_the_coverage_of_one_calibration_has_a_beta_distribution() -> None:
    from scipy.stats import beta, kstest

    samples, level = 50, 0.9
    scores = torch.rand(samples, 4000, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    covered = conformal_quantile(scores, level)  # of uniform scores the quantile is the coverage
    rank = conformal_rank(samples, level)
    assert kstest(covered.numpy(), beta(rank, samples + 1 - rank).cdf).pvalue > 1e-4
