"""Honest speed: solvers are coarsened for as long as they are as accurate as the surrogate, and costs are added up."""

from collections.abc import Mapping
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from fredholm.data.simulation import simulate
from fredholm.evaluation import TrainingCost, honest_speed
from fredholm.operators.operator import Operator, Query
from fredholm.problems import (
    AdvectionInitial,
    AdvectionVelocity,
    Burgers,
    Darcy,
    DiffusionReaction,
    Fisher,
    Heat,
    Poisson,
    Problem,
)


class AlwaysNought(Operator):
    """Zero, whatever the input: quick to answer, and never right."""

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN})

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        return torch.zeros(len(next(iter(inputs.values()))), 1, *self.output_domain.shape)


COARSE = [
    pytest.param(Burgers(), marks=pytest.mark.slow, id="burgers"),
    AdvectionVelocity(),
    pytest.param(Fisher(), marks=pytest.mark.slow, id="fisher"),
    Darcy(points=48),
    DiffusionReaction(),
    Heat(points=24),
    Poisson(points=48),
    AdvectionInitial(),
]


@pytest.mark.parametrize("problem", COARSE, ids=lambda problem: problem.name)
def test_a_coarser_solver_is_as_accurate_as_said(problem: Problem) -> None:
    test = simulate(problem, 2, seed=0)
    operator = AlwaysNought(problem.signature, problem.output_domain)
    speed = honest_speed(operator, problem, test, 0.05, TrainingCost(3.0, samples=100))
    assert speed.equal_factor > 1
    assert 0 < speed.equal_solver_error <= 0.05
    coarse = problem.coarsened(speed.equal_factor)
    assert coarse is not None
    assert coarse.output_domain.size < problem.output_domain.size
    stricter = honest_speed(operator, problem, test, 0.5 * speed.equal_solver_error, None)
    assert stricter.equal_factor < speed.equal_factor


def test_data_of_unknown_cost_are_as_dear_as_the_solver() -> None:
    assert TrainingCost(3.0, samples=100).seconds(0.5) == 53.0
    assert TrainingCost(3.0, generation_seconds=7.0, samples=100).seconds(0.5) == 10.0
