"""The Ray engine on a real local Ray: every step once, through deaths and silences."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from online_runs import Faulty, runs
from test_online_stream import ALL, COUNT, SEED, drained

from fredholm.data.online import FIFO, Ray, Reservoir, stream

ray = pytest.importorskip("ray", reason="the extra `cluster`")


@pytest.fixture(scope="module", autouse=True)
def local_ray() -> Iterator[None]:
    directory = tempfile.mkdtemp(prefix="r-")  # short: Ray makes sockets in it, whose paths may not be long
    environment = {"env_vars": {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}}
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100 * 2**20,
        runtime_env=environment,
        _temp_dir=directory,
        log_to_driver=False,
    )
    yield
    ray.shutdown()
    shutil.rmtree(directory, ignore_errors=True)


def test_every_step_comes_once() -> None:
    samples = stream(runs(), COUNT, SEED, buffer=FIFO(10), engine=Ray(live=2))
    assert drained(samples) == Counter(ALL)


def test_the_reservoir_uses_every_step_and_repeats() -> None:
    samples = stream(runs(), COUNT, SEED, buffer=Reservoir(12, 4), engine=Ray(live=3, cpus=0.5))
    assert set(drained(samples)) == ALL
    assert samples.statistics.repetition >= 1


def test_a_task_whose_process_is_killed_is_run_again(tmp_path: Path) -> None:
    samples = stream(runs(Faulty(tmp_path, killed_at=3)), 2, SEED, buffer=FIFO(10), engine=Ray(live=2))
    assert drained(samples) == Counter({key for key in ALL if key[0] < 2})
    assert samples.statistics.retried == 2


def test_a_task_that_hangs_is_ended_and_run_again(tmp_path: Path) -> None:
    samples = stream(runs(Faulty(tmp_path, hanging_at=2)), 2, SEED, buffer=FIFO(10), engine=Ray(live=2, silence=1.0))
    assert drained(samples) == Counter({key for key in ALL if key[0] < 2})
    assert samples.statistics.retried >= 2


def test_a_simulation_that_fails_for_good_is_given_up_with_its_reason() -> None:
    samples = stream(runs(Faulty(diverging=0.5)), COUNT, SEED, buffer=FIFO(10), engine=Ray(live=2, retries=0))
    drained(samples)
    assert set(samples.failures.values()) == {"it has diverged"}
