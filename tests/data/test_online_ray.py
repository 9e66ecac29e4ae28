"""Work on a real local Ray: every step of a stream once, whatever dies; data sets and reports as without it."""

import json
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from online_runs import Faulty, dies_once, reciprocal, runs
from pulses import Pulses
from test_online_selection import COUNT as STEERED
from test_online_selection import in_the_last_tenth, run_with_losses
from test_online_stream import ALL, COUNT, SEED, drained

from command_line import fredholm
from fredholm.data import Dataset, generate
from fredholm.data.cluster import Cluster
from fredholm.data.online import FIFO, Ray, Reservoir, stream
from fredholm.deploy import save
from fredholm.errors import DataError
from fredholm.evaluation import evaluate, measure
from fredholm.evaluation.metrics import Answers
from fredholm.operators import Operator
from fredholm.problems import Antiderivative

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


def test_losses_steer_what_tasks_run() -> None:
    numbers = run_with_losses(Ray(live=2))
    assert len(numbers) == STEERED
    assert in_the_last_tenth(numbers) > 2 * in_the_last_tenth(range(STEERED))


def test_a_data_set_that_a_cluster_generates_has_the_same_bytes(tmp_path: Path) -> None:
    problem = Pulses(size=16, times=8)
    for name, workers in {"here": 1, "cluster": Cluster(cpus=1)}.items():
        generate(problem, 40, seed=3, path=tmp_path / name, workers=workers, batch=8, progress=False)
    files = [path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*") if path.is_file()]
    assert len(files) > 5
    for file in files:
        assert (tmp_path / "cluster" / file).read_bytes() == (tmp_path / "here" / file).read_bytes()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As in a task: on how many threads a sum is shared, its last bit depends."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_a_report_that_a_cluster_measures_has_the_same_numbers(tmp_path: Path) -> None:
    problem = Pulses(size=16, times=8)
    train = generate(problem, 20, seed=0, path=tmp_path / "train", workers=1, progress=False)
    test = generate(problem, 300, seed=1, path=tmp_path / "test", workers=1, progress=False)
    operator = Operator.build(train.signature, "deeponet/tiny")
    here, there = evaluate(operator, test, train=train), evaluate(operator, test, train=train, workers=Cluster(cpus=1))
    assert [row.relative_l2 is not None for row in here.rows].count(True) > 3
    assert there.rows == here.rows
    for name in ("relative_l2", "rmse", "largest", "windows"):
        assert torch.equal(getattr(there.errors, name), getattr(here.errors, name))
    some, domains = range(100), test.input_domains
    held = test.inputs(some), test.outputs(some)
    in_memory = Dataset.from_arrays(test.signature, test.output_domain, *held, input_domains=domains)
    measured = measure(Answers(operator, in_memory), in_memory, workers=Cluster(cpus=1))
    assert torch.equal(measured.relative_l2, here.errors.relative_l2[:100])


@pytest.mark.usefixtures("one_thread")
def test_the_command_evaluates_on_a_cluster(tmp_path: Path) -> None:
    problem = Antiderivative()
    train = generate(problem, 20, seed=0, path=tmp_path / "train", workers=1, progress=False)
    generate(problem, 10, seed=1, path=tmp_path / "test", workers=1, progress=False)
    save(Operator.build(train.signature, "deeponet/tiny"), tmp_path / "artifact")
    command = ["evaluate", tmp_path / "artifact", tmp_path / "test", "--train", tmp_path / "train", "-o"]
    fredholm(*command, tmp_path / "here")
    fredholm(*command, tmp_path / "there", "--cluster", "auto")
    here, there = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("here", "there"))
    assert there["methods"] == here["methods"]
    assert there["samples"] == here["samples"]


def test_work_that_cannot_be_sent_is_refused_with_the_reason() -> None:
    with pytest.raises(DataError, match="cannot be sent to a cluster"):
        list(Cluster().run(threading.Lock().acquire, [1]))


def test_what_a_task_raises_is_raised_here_and_none_is_left_behind() -> None:
    with pytest.raises(ZeroDivisionError):
        list(Cluster().run(reciprocal, [1, 2, 0, 4]))
    assert sorted(Cluster().run(reciprocal, [1, 2, 4])) == [0.25, 0.5, 1.0]


def test_a_task_whose_machine_dies_is_run_again(tmp_path: Path) -> None:
    assert list(Cluster().run(dies_once, [str(tmp_path / "mark")])) == ["done"]
    with pytest.raises(DataError, match="given up"):
        list(Cluster(retries=0).run(dies_once, [str(tmp_path / "other")]))
