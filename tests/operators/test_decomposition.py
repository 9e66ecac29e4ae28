"""Domain decomposition: weights that sum to one, parts that are joined smoothly, more accuracy for the same size."""

import json
from collections.abc import Mapping
from typing import ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fredholm.data import Dataset
from fredholm.data.restriction import restricted
from fredholm.data.simulation import simulate
from fredholm.errors import DataError, SignatureError
from fredholm.fields import Axis, DomainType, Function, Grid, Parameter, Quantity, Signature
from fredholm.layers.architecture import build, describe
from fredholm.layers.box_cover import BoxCover
from fredholm.layers.sensors import all_sensors
from fredholm.operators import Operator, fit_pod_linear
from fredholm.operators.decomposition import Decomposed, decomposed
from fredholm.operators.operator import Query
from fredholm.problems import Poisson
from fredholm.testing import check_export

SQUARE = Grid(Axis("x", 0.0, 3.0, 31), Axis("t", -1.0, 1.0, 21))
SIGNATURE = Signature({"k": Parameter((Quantity("k"),))}, Function((Quantity("u"),), DomainType.of(SQUARE)))


class Waves(Operator):
    """k ↦ sin(k x + t)."""

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN, Query.SHARED})

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        points = self.output_domain.coordinates().to(inputs["k"]) if query is None else query
        values = torch.sin(inputs["k"] * points[:, 0] + points[:, 1]).unsqueeze(1)
        return values.unflatten(-1, self.output_domain.shape) if query is None else values


def within(box: dict[str, tuple[float, float]], points: Tensor) -> Tensor:
    inside = torch.ones(len(points), dtype=torch.bool)
    for place, name in enumerate(("x", "t")):
        if name in box:
            inside &= (points[:, place] > box[name][0]) & (points[:, place] < box[name][1])
    return inside


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.floats(0.01, 1.0), st.integers(0, 99))
def test_weights_sum_to_one_and_are_positive_in_their_box_alone(x: int, t: int, overlap: float, seed: int) -> None:
    cover = BoxCover(SQUARE, {"x": x, "t": t}, overlap)
    unit = torch.rand(50, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    points = torch.tensor([0.0, -1.0]) + torch.tensor([3.0, 2.0]) * unit
    weights = cover.weights(points)
    assert weights.shape == (50, len(cover)) == (50, x * t)
    torch.testing.assert_close(weights.sum(1), torch.ones(50, dtype=torch.float64))
    assert float(weights.min()) >= 0
    for k, box in enumerate(cover.boxes):
        assert not bool((weights[~within(box, points), k] > 1e-12).any())


def test_weights_have_continuous_first_derivatives() -> None:
    cover = BoxCover(SQUARE, {"x": 3}, overlap=0.4)
    x = torch.linspace(0, 3, 3001, dtype=torch.float64)
    weights = cover.weights(torch.stack([x, torch.zeros_like(x)], -1))
    slopes = weights.diff(dim=0) / 0.001
    assert float(slopes.diff(dim=0).abs().max()) < 0.05  # of slopes up to 1.5 / 0.4


@pytest.mark.parametrize("overlap", [0.1, 1.0])
def test_parts_that_are_one_operator_are_that_operator(overlap: float) -> None:
    cover, whole = BoxCover(SQUARE, {"x": 2, "t": 3}, overlap), Waves(SIGNATURE, SQUARE)
    together = Decomposed([whole] * 6, cover, SIGNATURE, SQUARE)
    inputs = {"k": torch.tensor([[1.0], [2.5]])}
    torch.testing.assert_close(together(inputs), whole(inputs))
    points = SQUARE.coordinates()[7::31].float() * 0.99
    torch.testing.assert_close(together(inputs, points), whole(inputs, points))


def test_a_restricted_set_holds_the_same_values_on_the_least_grid_that_holds_the_box() -> None:
    inputs = {"k": torch.rand(4, 1)}
    data = Dataset.from_arrays(SIGNATURE, SQUARE, inputs, Waves(SIGNATURE, SQUARE)(inputs))
    part = restricted(data, {"x": (0.55, 1.5)})
    assert part.output_domain == Grid(Axis("x", 0.5, 1.5, 11), SQUARE.axes[1])
    every = torch.arange(4)
    assert torch.equal(part.outputs(every), data.outputs(every)[:, :, 5:16])
    assert torch.equal(part.inputs(every)["k"], inputs["k"])
    with pytest.raises(DataError, match="no axis 'z'; it has x, t"):
        restricted(data, {"z": (0.0, 1.0)})
    with pytest.raises(DataError, match="is no part of the axis, which goes from 0 to 3"):
        restricted(data, {"x": (4.0, 5.0)})


def halves_of_poisson() -> tuple[Operator, Decomposed, Dataset]:
    """Closed-form operators of equal rank, of the whole and of its quarters."""
    problem = Poisson(points=17)
    train, test = simulate(problem, 60, seed=0), simulate(problem, 20, seed=1)
    sensors = all_sensors(train.signature, train.output_domain)["source"]

    def fit(data: Dataset) -> Operator:
        return fit_pod_linear(data, sensors, rank=6)

    return fit(train), decomposed(train, BoxCover(train.output_domain, {"x": 2, "y": 2}), fit), test


def test_parts_of_equal_size_are_more_accurate_than_one_operator_of_the_whole() -> None:
    one, parts, test = halves_of_poisson()
    every = torch.arange(len(test))
    inputs, truth = test.inputs(every), test.outputs(every)
    with torch.no_grad():
        errors = [float((operator(inputs) - truth).norm() / truth.norm()) for operator in (one, parts)]
    assert errors[1] < 0.8 * errors[0]


def test_it_is_described_and_answers_between_the_points() -> None:
    _, parts, test = halves_of_poisson()
    inputs = test.inputs([0, 1])
    again = build(json.loads(json.dumps(describe(parts))))
    again.load_state_dict(parts.state_dict())
    assert torch.equal(again(inputs), parts(inputs))
    points = test.output_domain.coordinates().float()
    torch.testing.assert_close(parts(inputs, points), parts(inputs).flatten(2))
    assert torch.isfinite(parts(inputs, 0.03 + 0.94 * torch.rand(99, 2))).all()


def test_it_is_exported() -> None:
    cover = BoxCover(SQUARE, {"x": 2})
    check_export(Decomposed([Waves(SIGNATURE, SQUARE) for _ in range(2)], cover, SIGNATURE, SQUARE))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(SignatureError, match="no axis 'y' to cut; it has x, t"):
        BoxCover(SQUARE, {"y": 2})
    with pytest.raises(ValueError, match=r"overlap in \(0, 1\]"):
        BoxCover(SQUARE, {"x": 2}, overlap=0.0)
    with pytest.raises(SignatureError, match="is periodic"):
        BoxCover(Grid(Axis("x", 0.0, 1.0, 8, periodic=True)), {"x": 2})
    with pytest.raises(SignatureError, match="1 operators for 2 boxes"):
        Decomposed([Waves(SIGNATURE, SQUARE)], BoxCover(SQUARE, {"x": 2}), SIGNATURE, SQUARE)
