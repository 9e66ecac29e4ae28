"""Loss-driven selection: draws in proportion to the loss nearby, a share of them, each number once, by every engine."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from online_runs import SIGNATURE, STEPS, Faulty, runs, start

from fredholm.data import WholeFields
from fredholm.data.online import (
    FIFO,
    Engine,
    Frames,
    InOrder,
    LossDriven,
    Process,
    Selection,
    Serial,
    Share,
    Stepwise,
    Stream,
    Whole,
    stream,
)
from fredholm.data.online.places import places
from fredholm.errors import DataError
from fredholm.problems import Antiderivative, Heat, Problem

COUNT, POOL, SEED, ALL = 60, 600, 3, Share(0, 1)


def steered(count: int = COUNT, pool: int = POOL, share: float = 0.5, seed: int = 0, part: Share = ALL) -> LossDriven:
    """A selection that has been told that simulations err by their start to the power of eight."""
    selection = LossDriven(pool, share, seed=seed)
    selection.start(runs(), SEED, count, part)
    known = [number for number in range(40) if part.holds(number)]
    selection.tell(known, [start(SEED, number) ** 8 for number in known])
    return selection


def chosen(selection: Selection, count: int) -> list[int]:
    numbers: list[int] = []
    for _ in range(count):
        numbers.append(selection.choose(numbers))
    return numbers


def test_without_steering_the_numbers_are_in_order() -> None:
    for part in (ALL, Share(1, of=3)):
        in_order = InOrder()
        in_order.start(runs(), SEED, COUNT, part)
        expected = [number for number in range(COUNT) if part.holds(number)]
        assert chosen(in_order, len(expected)) == expected
        assert chosen(steered(share=0.0, part=part), len(expected)) == expected


def test_before_anything_is_known_the_numbers_are_in_order() -> None:
    selection = LossDriven(POOL, steered=1.0)
    selection.start(runs(), SEED, COUNT, ALL)
    assert chosen(selection, 10) == list(range(10))


@pytest.mark.parametrize("part", [ALL, Share(1, of=3)], ids=str)
def test_no_number_comes_twice_and_those_not_steered_are_the_first(part: Share) -> None:
    numbers = chosen(steered(part=part), part.count(COUNT))
    assert len(set(numbers)) == len(numbers)
    assert all(part.holds(number) and number < COUNT + POOL for number in numbers)
    uniform = [number for number in numbers if number < COUNT]
    assert uniform == list(range(part.first, COUNT, part.of))[: len(uniform)]


def test_the_share_that_is_steered_is_that_asked_for() -> None:
    numbers = chosen(steered(400, 4000, 0.25), 400)
    assert sum(number >= 400 for number in numbers) / 400 == pytest.approx(0.25, abs=0.065)  # three deviations


def test_what_is_expected_is_the_mean_loss_of_the_nearest() -> None:
    selection = steered()
    starts = torch.tensor([start(SEED, number) for number in range(COUNT + POOL)])
    losses = starts[:40] ** 8
    nearest = (starts[:, None] - starts[:40]).abs().topk(4, largest=False).indices
    torch.testing.assert_close(selection.expected(), losses[nearest].mean(1) / losses.mean())


def test_draws_are_in_proportion_to_what_is_expected() -> None:
    selection = steered(pool=60, share=1.0)
    expected = selection.expected()[COUNT:].double()
    draws = torch.tensor([selection.choose([]) - COUNT for _ in range(6000)]).bincount(minlength=60)
    wanted = 6000 * expected / expected.sum()
    tested = wanted > 5
    assert float(((draws - wanted).square() / wanted)[tested].sum()) < 2 * int(tested.sum())  # χ², far in its tail


def test_losses_are_told_in_units_of_their_time() -> None:
    """A loss of long ago that was the mean of its day counts as much as one that is the mean of today."""
    selection = LossDriven(POOL, neighbours=1)
    selection.start(runs(), SEED, COUNT, ALL)
    for step in range(200):
        selection.tell([step % 2], [100.0 * 0.9**step])
    assert float(selection.expected().std() / selection.expected().mean()) < 0.2


def test_losses_that_say_nothing_are_not_kept() -> None:
    selection = LossDriven(POOL, neighbours=1)
    selection.start(runs(), SEED, COUNT, ALL)
    selection.tell([0, 1], [float("nan"), 1.0])
    selection.tell([2, 3], [0.0, 0.0])
    assert not selection.expected().any()


def test_a_state_that_is_loaded_chooses_the_same() -> None:
    first = steered()
    begun = chosen(first, 20)
    again = LossDriven(POOL, 0.5)
    again.load_state_dict(first.state_dict())
    again.start(runs(), SEED, COUNT, ALL)
    assert [first.choose(begun) for _ in range(20)] == [again.choose(begun) for _ in range(20)]


@pytest.mark.parametrize("engine", [Serial(live=2), Process(2)], ids=repr)
def test_a_stream_runs_more_simulations_where_losses_are_large(engine: Engine) -> None:
    numbers = run_with_losses(engine)
    assert len(numbers) == COUNT
    assert in_the_last_tenth(numbers) > 2 * in_the_last_tenth(range(COUNT))


def in_the_last_tenth(numbers: Iterable[int]) -> int:
    return sum(start(SEED, number) > 0.9 for number in numbers)


def run_with_losses(engine: Engine) -> set[int]:
    """The simulations of a stream that is told a loss in the last tenth of the inputs, and next to none elsewhere."""
    selection, seen = LossDriven(POOL, 0.6, neighbours=2), set[int]()
    source = runs(Faulty(pause=0.002))  # so that what is trained on keeps up with what is run
    with stream(source, COUNT, SEED, buffer=FIFO(6), engine=engine, selection=selection) as samples:
        while not samples.exhausted:
            if samples.gather(6, seconds=0.2):
                batch = samples.draw(WholeFields(6), torch.Generator().manual_seed(0))
                starts = batch.inputs["start"][:, 0]
                samples.tell(batch.samples, torch.where(starts > 0.9, 1.0, 1e-3))
                seen |= set(batch.samples.tolist())
        assert samples.statistics.steered == sum(number >= COUNT for number in seen)
        assert samples.left == 0
    return seen


@pytest.mark.parametrize("engine", [Serial(live=2), Process(2)], ids=repr)
def test_a_stream_that_goes_on_finishes_what_it_had_chosen(engine: Engine) -> None:
    drawn: Counter[tuple[int, int]] = Counter()

    def step(samples: Stream) -> None:
        if samples.gather(6, seconds=0.2):
            batch = samples.draw(WholeFields(6), torch.Generator().manual_seed(0))
            samples.tell(batch.samples, batch.inputs["start"][:, 0] ** 8)
            drawn.update(zip(batch.samples.tolist(), batch.inputs["t"][:, 0].int().tolist(), strict=True))

    def begun() -> Stream:
        selection = LossDriven(POOL, neighbours=2)
        return stream(runs(), 20, SEED, buffer=FIFO(6), engine=engine, selection=selection)

    with begun() as samples:
        while len(drawn) < 40:
            step(samples)
        state = samples.state_dict()
    with begun() as samples:
        samples.load_state_dict(state)
        while not samples.exhausted:
            step(samples)
        chosen = samples.state_dict()["chosen"].tolist()
    assert chosen[: len(state["chosen"])] == state["chosen"].tolist()
    assert drawn == Counter({(number, k): 1 for number in chosen for k in range(STEPS)})
    assert len(chosen) == 20


def test_parameters_count_by_their_deviations_and_functions_as_one_number() -> None:
    heat = places(Frames(Heat(points=8)), 0, range(50))
    assert heat.shape == (50, 5)
    torch.testing.assert_close(heat.std(0), torch.ones(5))
    functions = places(Whole(Antiderivative()), 0, range(50))
    assert float((functions - functions.mean(0)).square().sum(1).mean()) == pytest.approx(1, rel=0.05)


def test_distances_between_functions_survive_the_projection() -> None:
    problem: Problem = Antiderivative()
    functions = next(iter(problem.sample(30, seed=0).values())).flatten(1)
    true, short = torch.pdist(functions), torch.pdist(places(Whole(problem), 0, range(30)))
    ratios = short / true
    assert float(ratios.std() / ratios.mean()) < 0.2


def test_no_solver_runs_for_a_choice() -> None:
    def simulate(parameters: Any, random: np.random.Generator) -> Iterator[Any]:
        raise AssertionError("a solver ran")

    source = Stepwise(simulate, lambda random: {"start": random.random()}, SIGNATURE, name="ramp")
    assert places(source, 0, range(5)).shape == (5, 1)


def test_what_cannot_be_chosen_from_is_named() -> None:
    with pytest.raises(DataError, match="a pool of 50 leaves no choice to a stream of 60 simulations"):
        LossDriven(50).start(runs(), SEED, COUNT, ALL)
    with pytest.raises(ValueError, match="0 <= steered <= 1"):
        LossDriven(50, steered=1.5)
    words = Stepwise(lambda parameters, random: iter(()), lambda random: {"kind": "steel"}, SIGNATURE, name="plates")
    with pytest.raises(DataError, match="parameters of 'plates' are not all numbers"):
        places(words, 0, range(2))
