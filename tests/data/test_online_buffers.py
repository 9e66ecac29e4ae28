"""Buffers keep what they promise under every interleaving of arrivals and draws, and between threads."""

import threading
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fredholm.data.online import FIFO, FIRO, Buffer, Reservoir, VitterReservoir
from fredholm.data.online.shared_buffer import SharedBuffer
from fredholm.data.online.statistics import Statistics

RUNS = st.lists(st.booleans(), max_size=200)  # True: a sample is offered; False: one is drawn, if there is any
CAPACITIES = st.integers(1, 12)


def interleaved(buffer: Buffer[int], run: list[bool]) -> tuple[list[int], list[int]]:
    """Samples taken in and given out by a run of offers and draws, drained at the end."""
    arrived: list[int] = []
    drawn: list[int] = []
    for offering in run:
        if offering and buffer.offer(len(arrived)):
            arrived.append(len(arrived))
        elif not offering and buffer.ready:
            drawn.append(buffer.draw())
        assert len(buffer) <= buffer.capacity
    buffer.close()
    while buffer.ready:
        drawn.append(buffer.draw())
    assert buffer.exhausted
    return arrived, drawn


@given(CAPACITIES, RUNS, st.data())
def test_the_reservoir_uses_every_sample_and_holds_no_more_than_it_may(
    capacity: int, run: list[bool], data: Any
) -> None:
    buffer = Reservoir[int](capacity, data.draw(st.integers(0, capacity - 1)))
    arrived, drawn = interleaved(buffer, run)
    assert set(drawn) == set(arrived)


@given(CAPACITIES, RUNS)
def test_the_reservoir_evicts_only_what_was_used_and_refuses_only_where_nothing_was(
    capacity: int, run: list[bool]
) -> None:
    buffer, used, number = Reservoir[int](capacity), set[int](), 0
    for offering in run:
        before = set(buffer.unseen + buffer.seen)
        if offering:
            accepted = buffer.offer(number)
            assert accepted == (len(before) < capacity or bool(used & before))
            assert before - set(buffer.unseen + buffer.seen) <= used
            number += accepted
        elif buffer.ready:
            used.add(buffer.draw())
            assert set(buffer.unseen + buffer.seen) == before  # it stays
        assert not used & set(buffer.unseen)
        assert set(buffer.seen) <= used


@given(CAPACITIES, RUNS)
def test_fifo_gives_out_what_came_in_its_order(capacity: int, run: list[bool]) -> None:
    arrived, drawn = interleaved(FIFO[int](capacity), run)
    assert drawn == arrived


@given(CAPACITIES, RUNS, st.data())
def test_firo_gives_out_everything_once(capacity: int, run: list[bool], data: Any) -> None:
    buffer = FIRO[int](capacity, data.draw(st.integers(0, capacity - 1)))
    arrived, drawn = interleaved(buffer, run)
    assert sorted(drawn) == arrived


@given(CAPACITIES, RUNS)
def test_vitters_reservoir_never_refuses(capacity: int, run: list[bool]) -> None:
    buffer = VitterReservoir[int](capacity)
    arrived, drawn = interleaved(buffer, run)
    assert len(arrived) == sum(run)
    assert set(drawn) <= set(arrived)


def test_vitters_reservoir_holds_every_sample_of_the_past_with_equal_probability() -> None:
    capacity, offered, repeats = 5, 20, 2000
    held: Counter[int] = Counter()
    for seed in range(repeats):
        buffer = VitterReservoir[int](capacity, seed=seed)
        for number in range(offered):
            buffer.offer(number)
        held.update(buffer.unseen)
    expected = repeats * capacity / offered
    statistic = sum((held[number] - expected) ** 2 / expected for number in range(offered))
    assert statistic < 43.8  # χ² of 19 degrees of freedom exceeds it once in a thousand


@pytest.mark.parametrize("ratio", [2, 4])
def test_the_share_of_unseen_samples_settles_at_one_over_the_draws_per_arrival(ratio: int) -> None:
    buffer, number, shares = Reservoir[int](200), 0, []
    while number < 200:
        number += buffer.offer(number)
    for step in range(6000):
        for _ in range(ratio):
            buffer.draw()
        assert buffer.offer(number + step)
        if step > 2000:
            shares.append(len(buffer.unseen) / len(buffer))
    assert sum(shares) / len(shares) == pytest.approx(1 / ratio, rel=0.05)


@pytest.mark.parametrize("kind", [Reservoir, FIRO, VitterReservoir])
@given(run=RUNS)
def test_a_restored_buffer_goes_on_as_the_saved_one(kind: type[Buffer[int]], run: list[bool]) -> None:
    buffer, again = kind(6, 2, seed=3), kind(6, 2, seed=4)
    for number, offering in enumerate(run):
        if offering:
            buffer.offer(number)
        elif buffer.ready:
            buffer.draw()
    again.load_state_dict(buffer.state_dict())
    assert interleaved(again, [True, False, True, False, False]) == interleaved(
        buffer, [True, False, True, False, False]
    )


@pytest.mark.parametrize("buffer", [Reservoir[int](50, 10), FIRO[int](50, 10), FIFO[int](50)], ids=repr)
def test_two_threads_lose_nothing(buffer: Buffer[int]) -> None:
    statistics = Statistics()
    shared, drawn = SharedBuffer(buffer, statistics), Counter[int]()

    def produce() -> None:
        for number in range(2000):
            assert shared.put(number)
        shared.close()

    thread = threading.Thread(target=produce)
    thread.start()
    while not buffer.exhausted:
        drawn.update(shared.take(7, seconds=5.0))
    thread.join(5)
    assert set(drawn) == set(range(2000))
    assert statistics.received == 2000
    assert statistics.drawn == drawn.total()
    assert statistics.held <= 50
    assert isinstance(buffer, Reservoir) or statistics.repetition == 1


def test_who_puts_is_let_go_when_no_one_takes_any_more() -> None:
    shared, put = SharedBuffer(Reservoir[int](1), Statistics()), list[bool]()
    assert shared.put(0)
    thread = threading.Thread(target=lambda: put.append(shared.put(1)))
    thread.start()
    shared.stop()
    thread.join(5)
    assert put == [False]
    assert shared.statistics.blocked >= 0


def test_an_error_of_one_thread_is_raised_in_the_other() -> None:
    shared = SharedBuffer(Reservoir[int](5), Statistics())
    threading.Timer(0.05, shared.fail, [OSError("the solvers are gone")]).start()
    with pytest.raises(OSError, match="solvers are gone"):
        shared.take(1, seconds=10.0)


def test_a_threshold_that_is_never_passed_is_refused() -> None:
    with pytest.raises(ValueError, match="capacity 10, threshold 10"):
        Reservoir(10, 10)
