"""Who waits sees where a run is, and who does not is left alone; TensorBoard reads as if a run had never stopped."""

import re
import shutil
from pathlib import Path

import pytest
from least_squares import data, train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fredholm.training import Checkpoints, History, Settings, Validation
from fredholm.training.display import Display


@pytest.mark.parametrize("quiet", [True, False])
def test_a_short_run_shows_nothing(capfd: pytest.CaptureFixture[str], quiet: bool) -> None:
    train(30, Settings(quiet=quiet))
    assert capfd.readouterr().out == ""


def shown_after(seconds: float, shown: bool = True) -> None:
    """A run at iteration 50 of 200 that began at 0, so many seconds ago."""
    with Display(200, 0, shown) as display:
        display.start -= seconds
        display.last_line -= seconds
        for iteration in (50, 51, 52):
            display.update(iteration, loss=0.0125, rate=3e-4)


def test_without_a_terminal_a_long_run_writes_a_line_now_and_then(capfd: pytest.CaptureFixture[str]) -> None:
    shown_after(100.0)
    output = capfd.readouterr()
    words = " ".join(output.err.split())
    assert re.search(
        r"iteration 50 of 200: loss 1.250e-02, learning rate 3.0e-04, \d+ it/s, (299|300|301) s left", words
    )
    assert words.count("iteration") == 1
    assert output.out == ""


@pytest.mark.parametrize(("seconds", "shown"), [(1.0, True), (100.0, False)], ids=["soon", "quiet"])
def test_nothing_is_written_before_it_lasts_or_when_it_is_not_wanted(
    capfd: pytest.CaptureFixture[str], seconds: float, shown: bool
) -> None:
    shown_after(seconds, shown)
    assert capfd.readouterr().err == ""


def test_tensorboard_holds_every_iteration_once_after_a_run_went_back(tmp_path: Path) -> None:
    def run(iterations: int) -> None:
        settings = Settings(
            checkpoints=Checkpoints(tmp_path, every=10), validation=Validation(data(1, 4), every=4), log_every=2
        )
        train(iterations, settings)

    run(10)
    shutil.copy(tmp_path / "last.safetensors", tmp_path / "kept")
    run(20)
    shutil.copy(tmp_path / "kept", tmp_path / "last.safetensors")  # as if it had been killed before the next one
    run(20)
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    curves = {name: [(event.step, event.value) for event in board.Scalars(name)] for name in ("loss", "validation")}
    history = History.read(tmp_path / "log.jsonl")
    assert [step for step, _ in history.losses] == list(range(2, 21, 2))
    for curve, expected in ((curves["loss"], history.losses), (curves["validation"], history.validation)):
        assert [step for step, _ in curve] == [step for step, _ in expected]
        assert [value for _, value in curve] == pytest.approx([value for _, value in expected])
