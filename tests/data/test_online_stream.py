"""Every engine delivers every step of every simulation once, whatever dies on the way."""

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from online_runs import LINE, SIGNATURE, STEPS, Faulty, doubling_program, runs, start

from fredholm.data import WholeFields
from fredholm.data.online import (
    FIFO,
    Engine,
    Frames,
    Process,
    Recorder,
    Reservoir,
    Serial,
    Steps,
    Stream,
    collected,
    open_recording,
    stream,
)
from fredholm.errors import DataError
from fredholm.operators.residual_operator import step_of
from fredholm.problems import Heat

COUNT, SEED = 8, 3


def drained(
    samples: Stream, batch: int = 5, after_first: Callable[[], None] = lambda: None
) -> Counter[tuple[int, int]]:
    """How often each (simulation, step) was drawn from the whole stream; every value is checked."""
    drawn: Counter[tuple[int, int]] = Counter()
    with samples:
        while not samples.exhausted:
            if not samples.gather(batch, seconds=0.2):
                continue
            one = samples.draw(WholeFields(batch), torch.Generator().manual_seed(0))
            for row, simulation in enumerate(one.samples.tolist()):
                step = int(one.inputs["t"][row])
                assert float(one.inputs["start"][row]) == start(SEED, simulation)
                assert one.target[row].flatten().tolist() == pytest.approx([start(SEED, simulation) + step] * LINE.size)
                drawn[simulation, step] += 1
            if len(drawn) == batch:
                after_first()
                after_first = lambda: None  # noqa: E731
    return drawn


ALL = {(simulation, step) for simulation in range(COUNT) for step in range(STEPS)}
ENGINES = [Serial(), Serial(live=3, uses=2), Process(2)]


@pytest.mark.parametrize("engine", ENGINES, ids=repr)
def test_a_queue_gives_every_step_once(engine: Engine) -> None:
    samples = stream(runs(), COUNT, SEED, buffer=FIFO(10), engine=engine)
    assert drained(samples) == Counter(ALL)
    assert samples.statistics.received == len(ALL)
    assert samples.statistics.finished == COUNT
    assert samples.statistics.bytes == len(ALL) * 4 * (2 + LINE.size)


@pytest.mark.parametrize("engine", ENGINES, ids=repr)
def test_the_reservoir_uses_every_step(engine: Engine) -> None:
    samples = stream(runs(), COUNT, SEED, buffer=Reservoir(12, 4), engine=engine)
    assert set(drained(samples)) == ALL
    assert samples.statistics.held <= 12


def test_the_serial_engine_repeats_samples_as_often_as_it_was_told() -> None:
    samples = stream(runs(), 60, SEED, buffer=Reservoir(20, 4), engine=Serial(uses=3))
    drained(samples)
    assert samples.statistics.repetition == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize("killed_at", [0, 3])
def test_a_solver_that_is_killed_is_run_again_and_counts_once(killed_at: int, tmp_path: Path) -> None:
    source = runs(Faulty(tmp_path, killed_at=killed_at))
    samples = stream(source, 2, SEED, buffer=FIFO(10), engine=Process(2))
    assert drained(samples) == Counter({key for key in ALL if key[0] < 2})
    assert samples.statistics.retried == 2
    assert samples.statistics.failed == 0


def test_a_solver_that_hangs_is_ended_and_run_again(tmp_path: Path) -> None:
    source = runs(Faulty(tmp_path, hanging_at=2))
    samples = stream(source, 2, SEED, buffer=FIFO(10), engine=Process(2, silence=0.5))
    assert drained(samples) == Counter({key for key in ALL if key[0] < 2})
    assert samples.statistics.retried == 2


def test_what_hangs_each_time_is_given_up_and_reported() -> None:
    samples = stream(runs(Faulty(pause=1000)), 1, SEED, buffer=FIFO(10), engine=Process(1, silence=0.3, retries=1))
    with pytest.raises(DataError, match=r"simulation 0: it sent nothing for 0\.3 s"):
        drained(samples)


@pytest.mark.parametrize("engine", [Serial(retries=1), Process(2, retries=1)], ids=repr)
def test_a_simulation_that_fails_for_good_is_given_up_with_its_reason(engine: Engine) -> None:
    failing = {index for index in range(COUNT) if start(SEED, index) < 0.5}
    assert 0 < len(failing) < COUNT
    samples = stream(runs(Faulty(diverging=0.5)), COUNT, SEED, buffer=FIFO(10), engine=engine)
    drawn = drained(samples)
    assert samples.failures == dict.fromkeys(sorted(failing), "it has diverged")
    assert {key for key in ALL if key[0] not in failing} <= set(drawn)
    assert max(drawn.values()) == 1


def test_no_process_is_left_behind() -> None:
    with stream(runs(Faulty(pause=0.01)), 1000, SEED, buffer=Reservoir(8, 2), engine=Process(2)) as samples:
        while not samples.gather(4, 0.2):
            pass
        workers = set(multiprocessing.active_children())
        assert len(workers) >= 2
    assert not workers & set(multiprocessing.active_children())


def test_an_external_program_is_a_client() -> None:
    with stream(doubling_program(), 5, SEED, buffer=FIFO(10), engine=Process(1)) as samples:
        while not samples.gather(5, 0.2):
            pass
        batch = samples.draw(WholeFields(5), torch.Generator().manual_seed(0))
    torch.testing.assert_close(batch.target, 2 * batch.inputs["v"])


def test_a_recording_holds_what_was_streamed(tmp_path: Path) -> None:
    source = runs()
    drained(stream(source, COUNT, SEED, buffer=FIFO(10), engine=Process(2), recorder=Recorder(tmp_path, source)))
    recorded, direct = open_recording(tmp_path), collected(source, COUNT, SEED)
    every = torch.arange(COUNT * STEPS)
    assert torch.equal(recorded.outputs(every), direct.outputs(every))
    assert torch.equal(recorded.inputs(every)["start"], direct.inputs(every)["start"])
    assert recorded.signature == SIGNATURE
    assert len(open_recording(tmp_path, [2, 5])) == 2 * STEPS
    with pytest.raises(DataError, match="recording of something else"):
        Recorder(tmp_path, Frames(Heat(points=4)))


def test_frames_are_the_states_of_the_solution() -> None:
    problem = Heat(points=6, times=5)
    frames = collected(Frames(problem), 2, seed=1)
    whole = problem.solve(problem.sample(2, seed=1))
    torch.testing.assert_close(frames.outputs(torch.arange(10)), whole.movedim(-1, 1).flatten(0, 1))
    torch.testing.assert_close(frames.inputs(torch.arange(5))["t"][:, 0].double(), problem.grid.axes[2].points())


def test_steps_join_each_state_to_the_next() -> None:
    problem = Heat(points=6, times=5)
    steps = collected(Steps(problem), 2, seed=1)
    states = problem.solve(problem.sample(2, seed=1)).movedim(-1, 1)
    every = torch.arange(8)
    torch.testing.assert_close(steps.inputs(every)["state"], states[:, :-1].flatten(0, 1))
    torch.testing.assert_close(steps.outputs(every), states[:, 1:].flatten(0, 1))
    assert step_of(steps.signature, steps.output_domain) == ("state", None)


def test_solvers_killed_from_outside_count_once() -> None:
    samples = stream(runs(Faulty(pause=0.02)), 4, SEED, buffer=FIFO(4), engine=Process(1))
    assert drained(samples, after_first=kill_workers) == Counter({key for key in ALL if key[0] < 4})
    assert samples.statistics.retried >= 1


def kill_workers() -> None:
    for child in multiprocessing.active_children():
        os.kill(child.pid, signal.SIGKILL)  # type: ignore[arg-type]
