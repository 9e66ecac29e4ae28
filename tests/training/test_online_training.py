"""`fit` from a stream: the same weights every time, after any interruption, and every sample used."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from least_squares import closed_form, data
from online_training import COUNT, STEPS, train

from fredholm.data.online import Process, Serial
from fredholm.training.checkpoint import load_state

SERIAL = Serial(live=3, uses=2.5)
MANY = 10**6


def test_the_stream_ends_the_training_after_every_sample_was_used(tmp_path: Path) -> None:
    operator, history, numbers = train(tmp_path, SERIAL, MANY)
    assert numbers["received"] == COUNT * STEPS
    assert history.iterations == -(-int(numbers["drawn"]) // 4)
    assert numbers["repetition"] == pytest.approx(2.5, rel=0.1)
    state = load_state(tmp_path / "last.safetensors")["hooks"][0][-1]
    assert sorted(state["done"].tolist()) == list(range(COUNT))
    exact = closed_form(data())  # the same matrix, from noisy samples
    assert float((operator.weight.detach() - exact).norm() / exact.norm()) < 0.1


@pytest.mark.parametrize("stop", [1, 12, 60])
def test_a_serial_run_that_stopped_ends_with_the_same_weights(stop: int, tmp_path: Path) -> None:
    whole, _, numbers = train(tmp_path / "whole", SERIAL, MANY)
    train(tmp_path / "parts", SERIAL, stop)
    again, _, numbers_again = train(tmp_path / "parts", SERIAL, MANY)
    assert torch.equal(whole.weight, again.weight)
    timed = {"starved", "blocked"}
    assert {n: v for n, v in numbers.items() if n not in timed} == {
        n: v for n, v in numbers_again.items() if n not in timed
    }


def test_the_log_says_who_waited(tmp_path: Path) -> None:
    train(tmp_path, SERIAL, 20)
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert {"received", "blocked", "starved", "repetition"} <= set(entries[-1])


def begun(directory: Path) -> subprocess.Popen:
    """A training process that has written its first checkpoint."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    program = [sys.executable, str(Path(__file__).parent / "online_training.py"), str(directory), "process", str(MANY)]
    process = subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (directory / "last.safetensors").exists():
        time.sleep(0.01)
    return process


@pytest.mark.slow
def test_a_trainer_that_is_killed_goes_on_with_the_simulations_still_to_do(tmp_path: Path) -> None:
    process = begun(tmp_path)
    process.kill()
    process.wait()
    before = load_state(tmp_path / "last.safetensors")["hooks"][0][-1]
    used = {(i, step) for i, steps in before["used"].items() for step in steps}
    used |= {(int(i), step) for i in before["done"] for step in range(STEPS)}
    _, _, numbers = train(tmp_path, Process(2), MANY)
    after = load_state(tmp_path / "last.safetensors")["hooks"][0][-1]
    assert sorted(after["done"].tolist()) == list(range(COUNT))
    came_before = before["statistics"]["received"]
    assert numbers["received"] == came_before + COUNT * STEPS - len(used)  # what was used is not computed for nothing
    assert after["used"] == {}


@pytest.mark.slow
def test_ctrl_c_ends_cleanly_and_can_be_gone_on_from(tmp_path: Path) -> None:
    process = begun(tmp_path)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    if process.returncode:  # unless it was done just before
        assert "start it again with the same arguments to go on" in said
        assert "Traceback" not in said.split("KeyboardInterrupt")[-1]
    train(tmp_path, Process(2), MANY)
    assert sorted(load_state(tmp_path / "last.safetensors")["hooks"][0][-1]["done"].tolist()) == list(range(COUNT))
