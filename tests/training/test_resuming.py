"""A run that was stopped, however, ends with the same bytes as one that was not; another run is refused."""

import json
import multiprocessing
import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from least_squares import LINE, SIGNATURE, Matrix, data, train, train_with_everything
from torch.optim import lr_scheduler

from fredholm.data import Dataset, Sampler, WholeFields
from fredholm.data.batch import Batch
from fredholm.errors import TrainingError
from fredholm.training import Checkpoints, Hook, Settings, fit, load_weights
from fredholm.training.checkpoint import load_state

FILES = ["last.safetensors", "best.safetensors", "log.jsonl"]


def contents(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def clean_processes() -> multiprocessing.context.ForkServerContext:
    """Processes forked from one that has loaded everything and started no thread."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["least_squares", "lightning_fabric", "torch.utils.tensorboard"])
    return context


def test_a_killed_run_ends_with_the_bytes_of_one_that_was_not(
    tmp_path: Path, clean_processes: multiprocessing.context.ForkServerContext
) -> None:
    assert kills_survived(tmp_path, clean_processes, kills=4, iterations=200) >= 3


@pytest.mark.slow
def test_fifty_kills_at_random_moments_and_in_the_midst_of_checkpoints(
    tmp_path: Path, clean_processes: multiprocessing.context.ForkServerContext
) -> None:
    assert kills_survived(tmp_path, clean_processes, kills=50, iterations=3000) == 50


def kills_survived(
    directory: Path, processes: multiprocessing.context.ForkServerContext, kills: int, iterations: int
) -> int:
    """Kill a run at random moments, every other time while a checkpoint is written; its end is that of a whole run."""
    train_with_everything(directory / "whole", iterations)
    log, partial = directory / "killed" / "log.jsonl", directory / "killed" / "last.safetensors.partial"
    moments, survived = random.Random(0), 0
    for kill in range(kills):
        begun = lines(log)
        enough = begun + moments.randrange(1, max(2, iterations // 10 // (kills // 2)))
        process = processes.Process(target=train_with_everything, args=(directory / "killed", iterations))
        process.start()
        while process.is_alive() and lines(log) < enough:
            time.sleep(0.0005)
        while kill % 2 and process.is_alive() and not partial.exists():
            pass
        time.sleep(moments.uniform(0.0, 0.002 if kill % 2 else 0.005))
        process.kill()
        process.join()
        survived += process.exitcode == -signal.SIGKILL
    train_with_everything(directory / "killed", iterations)
    assert contents(directory / "killed") == contents(directory / "whole")
    return survived


def lines(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


class PressesControlC(Hook):
    def __init__(self, at: int, times: int = 1) -> None:
        self.at, self.times, self.steps = at, times, 0

    def before_step(self, step: int) -> None:
        if step == self.at:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)

    def after_step(self, step: int) -> None:
        self.steps = step


def test_control_c_saves_the_step_it_met_and_says_how_to_go_on(tmp_path: Path) -> None:
    def run(name: str, at: int) -> None:
        train(40, Settings(checkpoints=Checkpoints(tmp_path / name), log_every=10, hooks=(PressesControlC(at),)))

    run("whole", at=0)
    with pytest.raises(KeyboardInterrupt, match=r"after iteration 13, saved in .*last.safetensors: start it again"):
        run("stopped", at=13)
    assert load_state(tmp_path / "stopped" / "last.safetensors")["iteration"] == 13
    run("stopped", at=0)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


def test_control_c_without_checkpoints_says_that_nothing_was_saved() -> None:
    with pytest.raises(KeyboardInterrupt, match="nothing was saved"):
        train(40, Settings(hooks=(PressesControlC(3),)))


def test_control_c_twice_does_not_wait_for_the_step() -> None:
    impatient = PressesControlC(3, times=2)
    with pytest.raises(KeyboardInterrupt, match="twice"):
        train(40, Settings(hooks=(impatient,)))
    assert impatient.steps == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_finished_run_can_be_prolonged(tmp_path: Path) -> None:
    short, long = (Settings(checkpoints=Checkpoints(tmp_path / name)) for name in ("prolonged", "whole"))
    train(50, short)
    operator, history = train(100, short)
    direct, _ = train(100, long)
    assert torch.equal(operator.weight, direct.weight)
    assert [iteration for iteration, _ in history.losses] == [50, 100]
    assert contents(tmp_path / "prolonged") == contents(tmp_path / "whole")
    before = (tmp_path / "whole" / "last.safetensors").stat().st_mtime_ns
    again, _ = train(100, long)  # nothing is left to do
    assert torch.equal(again.weight, direct.weight)
    assert (tmp_path / "whole" / "last.safetensors").stat().st_mtime_ns == before


SCHEDULES = {
    "step": lambda o: lr_scheduler.StepLR(o, 7, 0.5),
    "milestones": lambda o: lr_scheduler.MultiStepLR(o, [5, 12, 22]),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, 30),
    "restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 8, 2),
    "one cycle": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=30),
    "lambda": lambda o: lr_scheduler.LambdaLR(o, lambda i: 1 / (1 + i)),
    "warm-up": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.1, total_iters=9), lr_scheduler.ExponentialLR(o, 0.9)], [9]
    ),
}
OPTIMIZERS = {
    "Adam": partial(torch.optim.Adam, lr=1e-2),
    "AdamW": partial(torch.optim.AdamW, lr=1e-2, amsgrad=True),
    "momentum": partial(torch.optim.SGD, lr=1e-2, momentum=0.9, nesterov=True),
    "RMSprop": partial(torch.optim.RMSprop, lr=1e-2, centered=True),
    "LBFGS": partial(torch.optim.LBFGS, max_iter=2, history_size=3, line_search_fn="strong_wolfe"),
}


@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    [*((o, None) for o in OPTIMIZERS.values()), *((OPTIMIZERS["momentum"], s) for s in SCHEDULES.values())],
    ids=[*OPTIMIZERS, *SCHEDULES],
)
def test_every_optimiser_and_schedule_goes_on_exactly(tmp_path: Path, optimizer, schedule) -> None:
    whole, parts = (Settings(checkpoints=Checkpoints(tmp_path / name), quiet=True) for name in ("whole", "parts"))
    direct, _ = train(24, whole, optimizer=optimizer, schedule=schedule)
    for iterations in (10, 24):
        resumed, _ = train(iterations, parts, optimizer=optimizer, schedule=schedule)
    assert torch.equal(resumed.weight, direct.weight)
    ends = [load_state(tmp_path / name / "last.safetensors") for name in ("whole", "parts")]
    assert str(ends[0]["optimizer"]) == str(ends[1]["optimizer"])
    assert str(ends[0]["schedule"]) == str(ends[1]["schedule"])


class Own(Sampler):
    """A sampler that does not say how it is configured."""

    def draw(self, dataset, generator: torch.Generator) -> Batch:
        return WholeFields(6).draw(dataset, generator)


def test_a_sampler_without_a_description_resumes(tmp_path: Path) -> None:
    settings = Settings(checkpoints=Checkpoints(tmp_path))
    train(10, settings, sampler=Own())
    _, history = train(20, settings, sampler=Own())
    assert history.iterations == 20


@pytest.mark.parametrize(
    ("named", "other"),
    [
        ("seed: 0 there, 1 here", lambda at: train(20, Settings(seed=1, checkpoints=at))),
        ("clip: None there, 1.0 here", lambda at: train(20, Settings(clip=1.0, checkpoints=at))),
        ("hooks", lambda at: train(20, Settings(hooks=(Hook(),), checkpoints=at))),
        ("architecture", lambda at: train(20, Settings(checkpoints=at), dropout=0.5)),
        (
            r"functions=6\) there, .*functions=5\) here",
            lambda at: train(20, Settings(checkpoints=at), sampler=WholeFields(5)),
        ),
        (
            "optimiser: SGD there, Adam here",
            lambda at: train(20, Settings(checkpoints=at), optimizer=OPTIMIZERS["Adam"]),
        ),
        (
            "optimiser, lr: 0.1 there, 0.2 here",
            lambda at: train(20, Settings(checkpoints=at), optimizer=lambda p: torch.optim.SGD(p, 0.2)),
        ),
        (
            "schedule: none there, StepLR here",
            lambda at: train(20, Settings(checkpoints=at), schedule=SCHEDULES["step"]),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_checkpoint_of_another_run_is_refused_by_what_differs(tmp_path: Path, named: str, other) -> None:
    at = Checkpoints(tmp_path)
    train(10, Settings(checkpoints=at))
    before = contents(tmp_path)
    with pytest.raises(TrainingError, match=rf"another run \(.*{named}"):
        other(at)
    assert contents(tmp_path) == before


def test_another_data_set_is_refused(tmp_path: Path) -> None:
    def run(dataset: Dataset) -> None:
        operator = Matrix(SIGNATURE, LINE)
        fit(
            operator,
            dataset,
            sampler=WholeFields(6),
            iterations=10,
            optimizer=torch.optim.SGD(operator.parameters(), 0.1),
            settings=Settings(checkpoints=Checkpoints(tmp_path)),
        )

    run(data())
    with pytest.raises(TrainingError, match=r"another run \(data set: "):
        run(data(seed=3))


@pytest.mark.parametrize("damage", ["truncated", "edited", "another format"])
def test_a_damaged_checkpoint_is_named_with_what_to_do(tmp_path: Path, damage: str) -> None:
    settings = Settings(checkpoints=Checkpoints(tmp_path))
    train(10, settings)
    path = tmp_path / "last.safetensors"
    content = bytearray(path.read_bytes())
    if damage == "edited":
        content[-3] ^= 1
    path.write_bytes({"truncated": content[:-10], "edited": content, "another format": b"{}"}[damage])
    with pytest.raises(TrainingError, match=r"last.safetensors cannot be read .*delete it to start again"):
        train(20, settings)


def test_a_checkpoint_half_written_does_not_count(tmp_path: Path) -> None:
    settings = Settings(checkpoints=Checkpoints(tmp_path))
    train(10, settings)
    (tmp_path / "last.safetensors.partial").write_bytes(b"half")
    _, history = train(20, settings)
    assert history.iterations == 20
    assert not (tmp_path / "last.safetensors.partial").exists()


def test_a_log_that_was_taken_away_begins_where_the_run_goes_on(tmp_path: Path) -> None:
    settings = Settings(checkpoints=Checkpoints(tmp_path), log_every=10)
    train(20, settings)
    (tmp_path / "log.jsonl").unlink()
    train(40, settings)
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["iteration"] for entry in entries] == [30, 40]


def test_weights_of_a_checkpoint_fit_only_their_architecture(tmp_path: Path) -> None:
    trained, history = train(20, Settings(checkpoints=Checkpoints(tmp_path)))
    assert history.best == tmp_path / "best.safetensors"
    fresh = Matrix(SIGNATURE, LINE)
    load_weights(fresh, history.best)
    assert torch.equal(fresh.weight, trained.weight)
    with pytest.raises(TrainingError, match="another architecture than this Matrix"):
        load_weights(Matrix(SIGNATURE, LINE, dropout=0.1), history.best)
    (tmp_path / "last.safetensors").write_bytes(history.best.read_bytes())
    with pytest.raises(TrainingError, match="is a best checkpoint"):
        train(30, Settings(checkpoints=Checkpoints(tmp_path)))
