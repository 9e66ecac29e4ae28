"""The same problem, seed and number give the same bytes, however the work is done or interrupted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from interrupted import CHUNKS, PROBLEM, SAMPLES, SEED
from pulses import Fatal, Pulses

from fredholm.data import generate, open_dataset, verify
from fredholm.errors import DataError

HERE = Path(__file__).parent


def contents(path: Path) -> dict[str, bytes]:
    """Every file and directory below `path`."""
    return {str(f.relative_to(path)): f.read_bytes() if f.is_file() else b"" for f in path.rglob("*")}


def python(*arguments: str | Path, **options) -> subprocess.Popen:
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
    }
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)], env=environment, stdout=subprocess.PIPE, text=True, **options
    )


def quietly(*arguments, workers=1, **options):
    return generate(*arguments, workers=workers, progress=False, **options)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("uninterrupted") / "set"
    quietly(PROBLEM, SAMPLES, SEED, path)
    return path


def test_samples_are_the_analytic_solutions_to_the_precision_of_their_type(tmp_path):
    problem = Pulses(size=32)
    for dtype, precision in (("float32", 0.0), ("float16", 2.0**-11)):
        data = quietly(problem, 40, 5, tmp_path / dtype, dtype=dtype)
        exact = problem.exact(problem.labels(40, 5)["x0"])
        error = (data.outputs(torch.arange(40)) - exact).abs() / exact
        assert float(error.max()) <= precision
        assert torch.equal(data.inputs(torch.arange(40))["u"], problem.sample(40, 5)["u"])
        assert torch.equal(data.labels["x0"], problem.labels(40, 5)["x0"])


def test_bytes_do_not_depend_on_workers_or_batch(uninterrupted, tmp_path):
    quietly(PROBLEM, SAMPLES, SEED, tmp_path / "workers", workers=2, batch=7)
    quietly(PROBLEM, SAMPLES, SEED, tmp_path / "batch", batch=1)
    assert contents(tmp_path / "workers") == contents(uninterrupted)
    assert contents(tmp_path / "batch") == contents(uninterrupted)
    verify(tmp_path / "workers")


@pytest.mark.parametrize(
    ("begun_with", "kills"), [(38, 12), pytest.param(0, 50, marks=pytest.mark.slow, id="fifty kills")]
)
def test_killed_at_random_moments_and_resumed_gives_the_same_bytes(uninterrupted, tmp_path, begun_with, kills):
    path = tmp_path / "set"
    if begun_with:  # the killed runs extend a complete set, whose last chunk is not full
        quietly(PROBLEM, begun_with, SEED, path)
    run = python(HERE / "interrupted.py", path, kills, begun_with)
    there = [int(line) for line in run.communicate(timeout=100)[0].splitlines()]
    assert len(there) == kills
    assert len({count for count in there if 0 < count < CHUNKS}) >= 2  # killed in the midst of the work
    quietly(PROBLEM, SAMPLES, SEED, path)
    assert contents(path) == contents(uninterrupted)


def test_workers_end_with_the_process_that_started_them_and_the_set_is_resumed(uninterrupted, tmp_path):
    path = tmp_path / "set"
    script = "from fredholm.data import generate; from interrupted import *; import sys\n"
    script += "generate(PROBLEM, SAMPLES, SEED, sys.argv[1], workers=2, batch=2)"
    run = python("-c", script, path, start_new_session=True, stderr=subprocess.DEVNULL)
    output = path / "output"
    until(lambda: output.is_dir() and len(list(output.iterdir())) > 5)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    until(lambda: not alive(run.pid))
    with pytest.raises(DataError, match="incomplete"):
        open_dataset(path)
    quietly(PROBLEM, SAMPLES, SEED, path)
    assert contents(path) == contents(uninterrupted)


def test_control_c_says_how_to_go_on(uninterrupted, tmp_path):
    path, script = tmp_path / "set", tmp_path / "script.py"
    script.write_text(  # without the guard `if __name__ == "__main__"`, which it must not need
        "from fredholm.data import generate; from interrupted import *; import sys; print('once')\n"
        "generate(PROBLEM, SAMPLES, SEED, sys.argv[1], workers=2, batch=2, progress=False)"
    )
    run = python(script, path, start_new_session=True, stderr=subprocess.PIPE)
    until(lambda: len(list((path / "output").glob("c.*"))) > 5)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to every process
    printed, message = run.communicate(timeout=60)
    assert printed == "once\n"
    assert "the same call goes on from there" in message.splitlines()[-1]
    assert "Process SpawnProcess" not in message
    until(lambda: not alive(run.pid))
    quietly(PROBLEM, SAMPLES, SEED, path)
    assert contents(path) == contents(uninterrupted)


def until(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def alive(group: int) -> bool:
    """Whether any process of the group lives (zombies that nobody waits for do not count)."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, _, its_group = (process / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            return True
    return False


def test_a_larger_number_extends_to_what_it_would_have_been(tmp_path):
    problem = Pulses()  # 32 samples to a chunk, so that the last chunk of 40 is begun and must be filled
    quietly(problem, 40, 1, tmp_path / "grown")
    quietly(problem, 75, 1, tmp_path / "grown")
    quietly(problem, 75, 1, tmp_path / "at_once")
    assert contents(tmp_path / "grown") == contents(tmp_path / "at_once")


def test_a_complete_set_is_opened_and_a_lost_chunk_filled_in(tmp_path):
    path = tmp_path / "set"
    quietly(Pulses(), 40, 1, path)
    before = contents(path)
    times = {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()}
    quietly(Pulses(), 40, 1, path)
    assert times == {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()}
    (path / "output" / "c.1.0.0.0").unlink()
    quietly(Pulses(), 40, 1, path)
    assert contents(path) == before


@pytest.mark.parametrize(
    ("problem", "n", "seed", "dtype", "difference"),
    [
        (Pulses(speed=2.0), 40, 1, "float16", r"parameter 'speed' is 1.0, not 2.0"),
        (Fatal(), 40, 1, "float16", r"problem is 'pulses', not 'fatal'"),
        (Pulses(), 40, 2, "float16", r"seed is 1, not 2"),
        (Pulses(), 39, 1, "float16", r"40 samples, not 39.*subset"),
        (Pulses(), 40, 1, "float32", r"dtype is float16, not float32"),
    ],
)
def test_another_set_is_not_overwritten(tmp_path, problem, n, seed, dtype, difference):
    path = tmp_path / "set"
    quietly(Pulses(), 40, 1, path)
    before = contents(path)
    with pytest.raises(DataError, match=difference):
        quietly(problem, n, seed, path, dtype=dtype)
    assert contents(path) == before


def test_a_directory_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(DataError, match="not empty"):
        quietly(Pulses(), 3, 0, tmp_path)
    assert contents(tmp_path) == {"letter.txt": b"dear"}


def test_a_solution_beyond_the_range_of_its_type_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"beyond float16's 65504: generate in float32"):
        quietly(Pulses(scale=1e5), 3, 0, tmp_path / "half")
    exact = Pulses(scale=1e5).exact(Pulses().labels(3, 0)["x0"])
    single = quietly(Pulses(scale=1e5), 3, 0, tmp_path / "single", dtype="float32")
    assert torch.equal(single.outputs(torch.arange(3)), exact)


def test_a_problem_that_workers_cannot_import_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Pulses, "__module__", "__main__")
    with pytest.raises(DataError, match=r"cannot import Pulses.* move it to a module of its own"):
        quietly(Pulses(), 40, 0, tmp_path / "set", workers=2)
    assert len(quietly(Pulses(), 40, 0, tmp_path / "set", workers=None)) == 40

    class Local(Pulses):
        pass

    with pytest.raises(DataError, match="define its class at the top level of a module"):
        quietly(Local(), 40, 0, tmp_path / "local", workers=2)


def test_a_killed_worker_is_reported(tmp_path):
    with pytest.raises(DataError, match="worker process was killed after 0 of 4 samples"):
        quietly(Fatal(), 4, 0, tmp_path / "set", workers=2)


def test_two_processes_do_not_write_one_set(tmp_path):
    import fcntl

    path = tmp_path / "set"
    path.mkdir()
    handle = os.open(path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(DataError, match="another process"):
        quietly(Pulses(), 3, 0, path)
    os.close(handle)
    quietly(Pulses(), 3, 0, path)


def test_a_full_disk_is_reported_and_nothing_half_written_counts(uninterrupted, tmp_path):
    path = tmp_path / "set"
    # a limit on the size of files stands for the full disk: metadata fit, a chunk of 32 kB does not
    script = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
    script += "from fredholm.data import generate; from interrupted import *\n"
    script += "try: generate(PROBLEM, SAMPLES, SEED, sys.argv[1], workers=1, progress=False)\n"
    script += "except Exception as error: print(type(error).__name__, error)"
    message, _ = python("-c", script, path).communicate(timeout=60)
    assert "DataError" in message
    assert "the disk is full" in message
    assert not list((path / "output").glob("c.*"))
    quietly(PROBLEM, SAMPLES, SEED, path)
    assert contents(path) == contents(uninterrupted)


def test_chunk_files_are_what_zarr_reads(uninterrupted):
    import zarr

    stored = zarr.open_array(uninterrupted / "output", mode="r")
    data = open_dataset(uninterrupted)
    np.testing.assert_array_equal(stored[:].astype(np.float32), data.outputs(torch.arange(SAMPLES)).numpy())
