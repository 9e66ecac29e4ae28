"""Every sampler: a sample is its own, whatever is drawn with it; it is finite, and fits the signature."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.problems import PROBLEMS, problem_named
from fredholm.testing import check_problem

# where a sample or its solution takes long, a smaller one that draws in the same way
SMALLER = {
    "cavity": {"frames": 3},
    "cylinder": {"frames": 3},
    "dam": {"frames": 3},
    "darcy": {"points": 16},
    "kuramoto-sivashinsky": {"points": 48, "extent": 22.0, "duration": 1.0, "spin_up": 2.0},
    "navier-stokes": {"points": 16},
    "navier-stokes-forcing": {"points": 16},
    "tube": {"frames": 3},
    "tracer-transport": {"latitudes": 16, "longitudes": 32, "spin_up_days": 1.0},
}


@pytest.mark.parametrize("name", sorted(PROBLEMS))
@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 2**32 - 1), first=st.integers(0, 10**6), n=st.integers(1, 4), data=st.data())
def test_a_sample_depends_on_seed_and_number_alone(
    name: str, seed: int, first: int, n: int, data: st.DataObject
) -> None:
    problem = problem_named(name, SMALLER.get(name))
    together = problem.sample(n, seed, first)
    assert problem.signature.check(together, finite=True) == n
    i = data.draw(st.integers(0, n - 1))
    alone = problem.sample(1, seed, first + i)
    assert all(torch.equal(together[key][i : i + 1], alone[key]) for key in together)


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_another_seed_or_number_is_another_sample(name: str) -> None:
    problem = problem_named(name, SMALLER.get(name))
    first, second = (problem.sample(2, seed) for seed in (0, 1))
    assert any(not torch.equal(first[key], second[key]) for key in first)
    assert any(not torch.equal(first[key][0], first[key][1]) for key in first)


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_a_problem_does_what_all_must(name: str) -> None:
    check_problem(problem_named(name, SMALLER.get(name)))
