"""Two processes train one operator from disjoint simulations, and take the same last step."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from least_squares import closed_form, data
from online_training import COUNT, STEPS

from fredholm.data.online import Share
from fredholm.training.checkpoint import load_state

HERE = Path(__file__).parent


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(0, 50))
def test_shares_are_disjoint_and_together_everything(of: int, simulations: int) -> None:
    shares = [Share(first, of) for first in range(of)]
    held = [[index for index in range(simulations) if share.holds(index)] for share in shares]
    assert sorted(index for part in held for index in part) == list(range(simulations))
    assert [share.count(simulations) for share in shares] == [len(part) for part in held]


def test_a_share_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="one of 2, counted from 0; got number 2"):
        Share(2, of=2)


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("shares")
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(HERE / "in_shares.py")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    run = subprocess.run(
        [sys.executable, *command, str(directory)], env=environment, capture_output=True, text=True, timeout=250
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return directory


def test_processes_end_at_the_same_step_with_the_same_weights(ends: Path) -> None:
    first, second = (load_state(ends / "whole" / f"end-{rank}") for rank in (0, 1))
    assert first["iterations"] == second["iterations"]
    assert torch.equal(first["weight"], second["weight"])
    exact = closed_form(data())  # the same matrix, from noisy samples; half as many steps as one process takes
    assert float((first["weight"] - exact).norm() / exact.norm()) < 0.3


def test_every_simulation_is_streamed_by_one_process(ends: Path) -> None:
    states = [hooks[-1] for hooks in load_state(ends / "whole" / "last.safetensors")["hooks"]]
    done = [set(state["done"].tolist()) for state in states]
    assert all(index % 2 == rank for rank, indices in enumerate(done) for index in indices)
    begun = [indices | set(state["used"]) for indices, state in zip(done, states, strict=True)]
    assert begun[0] | begun[1] == set(range(COUNT))
    received = [load_state(ends / "whole" / f"end-{rank}")["received"] for rank in (0, 1)]
    assert sum(received) == COUNT * STEPS


def test_processes_go_on_with_their_own_simulations_to_the_same_weights(ends: Path) -> None:
    whole, resumed = (load_state(ends / name / "end-1") for name in ("whole", "resumed"))
    assert torch.equal(whole["weight"], resumed["weight"])
    assert whole["iterations"] == resumed["iterations"]
