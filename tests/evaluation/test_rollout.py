"""Roll-outs apply a step to its own answers; their measures are those of a textbook, at every lead time."""

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.evaluation.rollout import rollout, skill
from fredholm.fields import Axis, DomainType, Function, Grid, Quantity, Signature
from fredholm.fields.signature import Parameter
from fredholm.operators.baselines import Identity
from fredholm.operators.operator import Operator, Query

LINE = Grid(Axis("x", 0.0, 1.0, 8))
ON_LINE = Function((Quantity("u"),), DomainType.of(LINE))
DRIVEN = Signature({"u": ON_LINE, "force": Parameter((Quantity("force"),))}, ON_LINE)


class Growth(Operator):
    """u ↦ a u + force."""

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN})

    def __init__(self, signature: Signature = DRIVEN, factor: float = 0.5) -> None:
        super().__init__(signature, LINE)
        self.factor = torch.nn.Parameter(torch.tensor(factor))

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        return self.factor * inputs["u"] + inputs["force"][:, :, None]


def test_a_step_with_a_constant_force_follows_its_geometric_series() -> None:
    start, force = torch.rand(3, 1, 8), torch.rand(3, 1)
    states = rollout(Growth(), start, {"force": force}, steps=6)
    for k in range(6):
        expected = 0.5 ** (k + 1) * start + force[:, :, None] * (2 - 0.5**k)
        torch.testing.assert_close(states[:, k], expected)


def test_forces_that_change_are_asked_for_by_the_number_of_steps_taken() -> None:
    states = rollout(Growth(factor=1.0), torch.zeros(1, 1, 8), lambda k: {"force": torch.full((1, 1), float(k))}, 5)
    assert states[0, :, 0, 0].tolist() == [0, 1, 3, 6, 10]


def test_gradients_go_through_all_steps() -> None:
    step = Growth(factor=0.9)
    rollout(step, torch.ones(1, 1, 8), {"force": torch.zeros(1, 1)}, 4)[:, -1].mean().backward()
    assert step.factor.grad is not None
    assert float(step.factor.grad) == pytest.approx(4 * 0.9**3)


def test_persistence_stays_where_it_started() -> None:
    start = torch.rand(2, 1, 8)
    states = rollout(Identity(Signature({"u": ON_LINE}, ON_LINE), LINE, "u"), start, {}, steps=3)
    assert torch.equal(states, start[:, None].expand(-1, 3, -1, -1))


def test_what_is_no_step_in_time_is_refused() -> None:
    with pytest.raises(SignatureError, match="needs its state among the inputs"):
        rollout(Growth(Signature({"force": DRIVEN.inputs["force"]}, ON_LINE)), torch.ones(1, 1, 8), {}, 2)
    with pytest.raises(SignatureError, match="input 'force' is missing"):
        rollout(Growth(), torch.ones(1, 1, 8), {}, 2)
    with pytest.raises(ValueError, match="at least one step"):
        rollout(Growth(), torch.ones(1, 1, 8), {"force": torch.ones(1, 1)}, 0)


def test_measures_are_those_of_weighted_statistics() -> None:
    states, truth = torch.rand(2, 3, 2, 8), torch.rand(2, 3, 2, 8)
    weights = torch.rand(2, 8)
    measures = skill(states, truth, weights)
    w = weights.double().flatten().numpy()
    for sample in range(2):
        for k in range(3):
            a, b = (values[sample, k].double().flatten().numpy() for values in (states, truth))
            covariance = np.cov(a, b, aweights=w)
            expected = covariance[0, 1] ** 2 / (covariance[0, 0] * covariance[1, 1])
            assert float(measures.correlation[sample, k]) == pytest.approx(expected)
            rmse = math.sqrt(np.average((a - b) ** 2, weights=w))
            assert float(measures.rmse[sample, k]) == pytest.approx(rmse)
            drift = np.average(a, weights=w) / np.average(b, weights=w) - 1
            assert float(measures.drift[sample, k]) == pytest.approx(drift)


def test_correlation_forgives_gain_and_drift_and_the_others_do_not() -> None:
    truth = 1 + torch.rand(1, 4, 1, 8)
    measures = skill(3 * truth + 7, truth, torch.ones(8))
    torch.testing.assert_close(measures.correlation, torch.ones(1, 4).double())
    assert bool((measures.rmse > 5).all())
    assert measures.largest_drift > 5


def test_a_roll_out_decorrelates_where_its_correlation_first_falls_below() -> None:
    truth = torch.randn(1, 50, 1, 4000, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(1, 50, 1, 4000, generator=torch.Generator().manual_seed(1))
    grown = torch.arange(1, 51)[None, :, None, None] / 20  # R² = 1 / (1 + grown²), 0.8 at one half: step 10
    measures = skill(truth + grown * noise, truth, torch.ones(4000))
    assert abs(float(measures.decorrelation(0.8)) - 10.5) <= 1.5
    assert float(skill(truth, truth, torch.ones(4000)).decorrelation()) == math.inf
    blown = truth.clone()
    blown[:, 7:] = math.nan
    assert float(skill(blown, truth, torch.ones(4000)).decorrelation()) == 8
