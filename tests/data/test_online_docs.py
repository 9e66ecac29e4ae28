"""The page about streams runs as it stands, and a program that hangs ends with the worker that started it."""

import time
from pathlib import Path

import pytest
from online_runs import sleeping_program

from fredholm.data.online import FIFO, Process, stream
from fredholm.errors import DataError
from test_readme import examples, run


@pytest.mark.slow
def test_the_page_s_example_trains_while_solvers_run(tmp_path: Path) -> None:
    (code,) = examples("docs/cluster.md")
    assert "iterations=3000" in code
    said = run(code.replace("iterations=3000", "iterations=5").replace("simulations=300", "simulations=20"), tmp_path)
    assert "samples of" in said


@pytest.mark.slow
def test_the_page_s_example_chooses_what_to_simulate(tmp_path: Path) -> None:
    (code,) = examples("docs/active-sampling.md")
    short = (
        code.replace("iterations=3000", "iterations=40")
        .replace("points=24", "points=8")
        .replace("pool=3000", "pool=600")
    )
    assert "of 300 simulations were chosen by their loss" in run(short, tmp_path)


def test_a_program_that_hangs_ends_with_its_worker(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    engine = Process(1, silence=2.0, retries=0)
    with (
        stream(sleeping_program(mark), 1, 0, buffer=FIFO(2), engine=engine) as samples,
        pytest.raises(DataError, match="sent nothing for 2 s"),
    ):
        samples.gather(1, seconds=60.0)
    pid = mark.read_text()
    for _ in range(100):
        if not running(pid):
            break
        time.sleep(0.05)
    assert not running(pid)


def running(pid: str) -> bool:
    """Whether a process is there, and has not ended without anyone having asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
