"""What is drawn is in the data set, never twice, uniform, and a function of the generator's state."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_dataset import PROBLEM, in_memory, triples

from fredholm.data import CartesianPoints, Dataset, PairedPoints, WholeFields
from fredholm.data.sampling import draw_distinct
from fredholm.errors import DataError
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Quantity, Signature

sizes = st.integers(1, 30)
seeds = st.integers(0, 2**31)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def l_shaped_room(n: int = 9) -> Dataset:
    """Functions u(x, y) = sample + 10 x + 100 y in an L: the quadrant x > 1/2, y > 1/2 is masked."""
    square = Grid(Axis("x", 0.0, 1.0, 9), Axis("y", 0.0, 1.0, 9))
    x, y = square.coordinates().T.reshape(2, 9, 9)
    room = Grid(*square.axes, mask=~((x > 0.5) & (y > 0.5)))
    values = (torch.arange(n)[:, None, None, None] + 10 * x + 100 * y).float()
    function = Function((Quantity("u"),), DomainType.of(room))
    return Dataset.from_arrays(Signature({"u": function}, function), room, {"u": values}, values)


def distinct(values: torch.Tensor) -> bool:
    return len(set(values.tolist())) == len(values)


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 5), count=sizes, total=st.integers(1, 400), seed=seeds)
def test_subsets_are_distinct_and_in_range(rows, count, total, seed):
    drawn = draw_distinct(rows, count, total, generator(seed))
    assert drawn.shape == (rows, min(count, total))
    assert all(distinct(row) for row in drawn)
    assert int(drawn.min()) >= 0
    assert int(drawn.max()) <= total - 1


@pytest.mark.parametrize(("count", "total"), [(3, 30), (7, 29), (5, 6)])  # redrawn, redrawn, shuffled
def test_subsets_are_uniform(count, total):
    trials = 20_000
    drawn = draw_distinct(trials, count, total, generator(0))
    holds = torch.zeros(trials, total).scatter_(1, drawn, 1.0)
    each, pairs = count / total, count * (count - 1) / (total * (total - 1))
    deviation = 5 * (each * (1 - each) / trials) ** 0.5  # five standard deviations
    assert float((holds.mean(0) - each).abs().max()) < deviation
    together = holds.T @ holds / trials
    together.fill_diagonal_(pairs)
    assert float((together - pairs).abs().max()) < deviation


@settings(max_examples=40, deadline=None)
@given(functions=sizes, points=sizes, seed=seeds, paired=st.booleans())
def test_targets_are_the_values_of_the_sampled_functions_at_the_query(functions, points, seed, paired):
    data = l_shaped_room()
    sampler = (PairedPoints if paired else CartesianPoints)(functions, points)
    batch = sampler.draw(data, generator(seed))
    b, m = min(functions, 9), min(points, len(data.output_points.inside))
    assert batch.query.shape == ((b, m, 2) if paired else (m, 2))
    assert batch.target.shape == (b, 1, m)
    assert batch.query.dtype == batch.target.dtype == torch.float32
    assert distinct(batch.samples)
    assert all(distinct(row) for row in batch.points.reshape(-1, m))
    x, y = batch.query[..., 0], batch.query[..., 1]
    torch.testing.assert_close(batch.target[:, 0], batch.samples[:, None] + 10 * x + 100 * y)
    assert torch.equal(batch.inputs["u"], data.inputs(batch.samples)["u"])
    assert torch.equal(batch.target, data.outputs_at(batch.samples, batch.points))
    assert not bool(((x > 0.5) & (y > 0.5)).any())  # masked
    weights = data.output_domain.weights().float()
    expected = weights[batch.points].reshape(-1, 1, m).expand_as(batch.target)
    assert torch.equal(batch.weights.expand_as(batch.target), expected)


def test_all_points_inside_are_drawn_and_integrate_exactly():
    data = l_shaped_room()
    batch = CartesianPoints(9, 1000).draw(data, generator(0))
    assert set(batch.points.tolist()) == set(data.output_points.inside.tolist())
    whole = WholeFields(9).draw(data, generator(0))
    by_points = (batch.weights * batch.target).sum(-1)[batch.samples.argsort(), 0]
    by_field = (whole.weights * whole.target).sum((-2, -1))[whole.samples.argsort(), 0]
    torch.testing.assert_close(by_points, by_field)
    # ∫ (i + 10 x + 100 y) over the L of area 3/4, whose centroid is (5/12, 5/12)
    torch.testing.assert_close(by_field, 0.75 * (torch.arange(9) + 110 * 5 / 12))


@pytest.mark.parametrize("sampler", [WholeFields(4), CartesianPoints(4, 5), PairedPoints(4, 5)])
def test_draws_are_a_function_of_the_generator_state(sampler):
    data, source = in_memory(), generator(7)
    sampler.draw(data, source)
    state = source.get_state()
    batches = [sampler.draw(data, source) for _ in range(3)]
    resumed = torch.Generator()
    resumed.set_state(state)
    for batch in batches:
        again = sampler.draw(data, resumed)
        assert torch.equal(batch.samples, again.samples)
        assert torch.equal(batch.target, again.target)
        if batch.points is not None:
            assert torch.equal(batch.points, again.points)
    assert any(not torch.equal(batches[0].samples, batch.samples) for batch in batches[1:])


def test_whole_fields_are_the_outputs():
    batch = WholeFields(50).draw(in_memory(), generator(0))
    assert batch.query is None
    assert torch.equal(batch.target, PROBLEM.solve(PROBLEM.sample(20, 0))[batch.samples])
    assert batch.samples.sort().values.tolist() == list(range(20))


def test_stored_query_points_are_drawn_from_each_sample():
    data = triples(m=6)
    for sampler, m in ((PairedPoints(5, 4), 4), (WholeFields(5), 6)):
        batch = sampler.draw(data, generator(2))
        assert batch.query.shape == (5, m, 2)
        torch.testing.assert_close(batch.target[:, 0], batch.query.sum(-1))
        assert batch.weights.expand_as(batch.target).shape == (5, 1, m)
    with pytest.raises(DataError, match="draw PairedPoints"):
        CartesianPoints(5, 4).draw(data, generator(0))
