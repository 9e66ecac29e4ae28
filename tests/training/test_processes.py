"""Two processes train one operator: equal weights everywhere, the gradient of all batches, one log."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from in_processes import RATE
from least_squares import data

from fredholm.training.checkpoint import load_state

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Directories of a run of 20 steps, and of one that went on after 7 steps."""
    directory = tmp_path_factory.mktemp("processes")
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(HERE / "in_processes.py")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    run = subprocess.run(
        [sys.executable, *command, str(directory)], env=environment, capture_output=True, text=True, timeout=200
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return {name: directory / name for name in ("whole", "resumed")}


def test_all_processes_end_with_equal_weights_and_losses(ends: dict[str, Path]) -> None:
    first, second = (load_state(ends["whole"] / f"end-{rank}") for rank in (0, 1))
    assert torch.equal(first["operator"]["weight"], second["operator"]["weight"])
    assert torch.equal(first["weights"], second["weights"])
    assert first["losses"] == second["losses"]
    assert float(first["operator"]["weight"].norm()) > 0.1


def test_weights_of_samples_that_only_the_other_process_drew_ascend_too(ends: dict[str, Path]) -> None:
    """Adam moves a weight by about its rate as soon as it has had a gradient."""
    moved = (load_state(ends["whole"] / "end-0")["weights"] - 1).abs().amax(1) > RATE / 10
    assert int(moved.sum()) > len(data()) // 2


def test_the_log_is_written_once(ends: dict[str, Path]) -> None:
    entries = [json.loads(line) for line in (ends["whole"] / "log.jsonl").read_text().splitlines()]
    losses = [entry["iteration"] for entry in entries if "loss" in entry]
    assert losses == [5, 8, 10, 15, 16, 20]
    assert [entry["iteration"] for entry in entries if "validation" in entry] == [8, 16]
    assert len(list((ends["whole"] / "tensorboard").iterdir())) == 1


def test_processes_go_on_together_with_the_same_bytes(ends: dict[str, Path]) -> None:
    whole, resumed = (load_state(ends[name] / "end-1") for name in ("whole", "resumed"))
    assert torch.equal(whole["operator"]["weight"], resumed["operator"]["weight"])
    assert torch.equal(whole["weights"], resumed["weights"])


def test_processes_draw_different_batches(ends: dict[str, Path]) -> None:
    states = load_state(ends["whole"] / "last.safetensors")["processes"]
    assert states["sampler"].shape[0] == states["torch"].shape[0] == 2
    for name in ("sampler", "torch"):
        assert not torch.equal(states[name][0], states[name][1])
