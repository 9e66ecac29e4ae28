"""Generation: solve for n samples of a problem and store them, in as many processes as there are cores.

Sample i of the sequence `seed` depends on (seed, i) alone, and a chunk file appears whole or not at all. So
whatever stops a run (a signal, a full disk, a power cut), the same call goes on with the chunks that are
missing, and the directory ends up with the same bytes as if nothing had happened.

A sample on which the solver fails is left out of the set and reported with its seed, index and reason; the rest goes
on.
"""

import fcntl
import math
import os
import shutil
import time
from collections.abc import Generator, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fredholm.data.chunks import not_written
from fredholm.data.cluster import Cluster
from fredholm.data.dataset import Dataset
from fredholm.data.failures import NOTES, warn
from fredholm.data.layout import OUTPUT, Layout
from fredholm.data.store import METADATA, Provenance, Store, open_dataset
from fredholm.data.work import Outcome, Task, Work
from fredholm.data.workers import in_processes, unsendable
from fredholm.errors import DataError
from fredholm.problems.problem import Problem

if TYPE_CHECKING:
    from rich.progress import Progress

_SCRATCH = ".partial"  # inside the set's directory, hence on its file system; gone once the set is complete
_TASK_BYTES = 64 * 1024**2  # of inputs and solutions in a worker's memory at a time
_ALL_TASKS_BYTES = 256 * 1024**2  # in all workers
_MOST_SAMPLES = 64  # in a task: how far apart the steps of the progress bar are, and what an interruption costs
_HOPELESS = 32  # samples that fail one and all before it is taken to be the solver's fault
_WORTH_A_PROCESS = 10.0  # seconds of work left; a worker process takes some 2 s to start


def generate(
    problem: Problem,
    n: int,
    seed: int,
    path: str | Path,
    *,
    workers: int | Cluster | None = None,
    dtype: Literal["float16", "float32"] = "float16",
    batch: int | None = None,
    progress: bool = True,
) -> Dataset:
    """Solve for samples 0, ..., n - 1 of the sequence `seed` and store them in the directory `path`.

    Goes on where an interrupted call stopped, opens what is complete, adds samples to a smaller set, and
    fills in chunk files that were lost. Samples that cannot be solved for are left out, with a warning
    (`SamplesLeftOut`) that names them: the set returned is the smaller by them, and its `failures` say why.

    Args:
        problem: what to solve.
        n: number of samples.
        seed: of the sequence of samples.
        path: directory of the set, a zarr group that xarray opens.
        workers: processes; 0 or 1 solves in this one. None takes one for each core, where it is worth it. A `Cluster`
            has Ray run the work on all its machines.
        dtype: of the stored output. "float16" keeps 3 digits, well below the error of most operators.
        batch: samples solved at once, which does not change them; None takes what 64 MiB hold, 64 at most.
        progress: show a progress bar.

    Raises:
        DataError: `path` holds something else, every sample fails, the disk is full.

    >>> data = generate(Antiderivative(), 1000, seed=0, path="antiderivative.zarr")  # doctest: +SKIP
    """
    if n < 1:
        raise DataError(f"{n} samples cannot be generated: ask for one or more")
    path = Path(path)
    with _claimed(path):
        store = _prepared(problem, Provenance.of(problem, n, seed, dtype), path)
        if not store.complete:
            work = Work(problem, seed, store.samples, path / NOTES, path / _SCRATCH)
            tasks = list(work.tasks(n, store.finished(), batch or _batch_size(store, workers)))
            with _told_how_to_go_on(store), _progress(progress) as bar:
                _carry_out(work, tasks, n, workers, bar)
                _seal(store, path / _SCRATCH, bar)
        shutil.rmtree(path / _SCRATCH, ignore_errors=True)
    data = open_dataset(path, problem)
    warn(data.failures, n, seed)
    return data


def _prepared(problem: Problem, wanted: Provenance, path: Path) -> Store:
    """The store at `path`, laid out for what is wanted; raises DataError if it holds something else."""
    scratch = path / _SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    if (path / METADATA).exists():
        store = Store(path)
        _require_same(store, wanted)
        if store.complete:
            store.require_sealed()
            missing = any(len(array.present()) < array.chunks for array in store.arrays.values())
            if store.provenance.samples == wanted.samples and not missing:
                return store
        scratch.mkdir()
        store.unseal(scratch)
        if store.provenance.samples % store.arrays[OUTPUT].per_chunk and store.provenance.samples < wanted.samples:
            for array in store.samples.values():  # the last chunk holds less than it must from now on
                array.file(array.chunks - 1).unlink(missing_ok=True)
    _lay_out(problem, wanted, path)
    return Store(path)


def _require_same(store: Store, wanted: Provenance) -> None:
    held = store.provenance
    differences = held.differences(wanted)
    if held.samples > wanted.samples:
        differences.append(f"it is of {held.samples} samples, not {wanted.samples} (open it and take a subset)")
    opening = store.complete and held.samples == wanted.samples
    if held.version != wanted.version and not opening:
        differences.append(f"it was begun by version {held.version}, not {wanted.version}")
    if differences:
        raise DataError(
            f"{store.path} holds another data set: {'; '.join(differences)}. Ask for what it holds, "
            "choose another path, or delete it"
        )


def _lay_out(problem: Problem, wanted: Provenance, path: Path) -> None:
    """Write metadata, coordinates and labels beside, and move them into place, the group's document last."""
    skeleton = path / _SCRATCH / "skeleton"
    skeleton.parent.mkdir(exist_ok=True)
    attributes = {
        "provenance": vars(wanted),
        "signature": problem.signature.to_json(),
        "output_domain": problem.output_domain.to_json(),
        "input_domains": {name: domain.to_json() for name, domain in problem.input_domains.items()},
    }
    try:
        Layout(problem, wanted.samples, wanted.seed, wanted.dtype).write(skeleton, {"fredholm": attributes})
        files = sorted(file for file in skeleton.rglob("*") if file.is_file())
        for file in sorted(files, key=lambda file: file.parent == skeleton):
            target = path / file.relative_to(skeleton)
            target.parent.mkdir(exist_ok=True)
            os.replace(file, target)
    except OSError as error:
        raise not_written(error, path) from error


def _batch_size(store: Store, workers: int | Cluster | None) -> int:
    """Samples in a task, so that float32 inputs and outputs of one task in each worker stay within bounds."""
    row = sum(4 * math.prod(array.shape) for array in store.samples.values())
    processes = max(1, workers) if isinstance(workers, int) else os.cpu_count() or 1
    return max(1, min(_MOST_SAMPLES, min(_TASK_BYTES, _ALL_TASKS_BYTES // processes) // row))


def _carry_out(work: Work, tasks: list[Task], samples: int, workers: int | Cluster | None, bar: "Progress") -> None:
    """Carry out all tasks, here or in worker processes."""
    done = samples - sum(task.stop - task.first for task in tasks)
    shown = bar.add_task(work.problem.name, completed=done, total=samples)
    solved, failures = done, dict[int, str]()
    with closing(_run(work, tasks, workers)) as outcomes:
        for outcome in outcomes:
            done += outcome.samples
            solved += outcome.samples - len(outcome.failures)
            failures |= outcome.failures
            bar.update(shown, completed=done)
            if not solved and (len(failures) >= _HOPELESS or done == samples):
                work.forget(failures)
                first = min(failures)
                raise DataError(
                    f"not one of the first {len(failures)} samples of seed {work.seed} can be solved for; "
                    f"sample {first}: {failures[first]}. Correct the problem or its solver, and generate again"
                )


@contextmanager
def _told_how_to_go_on(store: Store) -> Iterator[None]:
    """Say what is there already, and how to go on, where the work is cut short."""
    total = store.provenance.samples
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped with {store.done} of {total} samples in {store.path}; the same call goes on from there"
        ) from None
    except BrokenProcessPool as error:
        raise DataError(
            f"a worker process was killed after {store.done} of {total} samples, perhaps for want of memory; "
            "the same call goes on from there: give it fewer workers or a smaller batch"
        ) from error


def _run(work: Work, tasks: list[Task], workers: int | Cluster | None) -> Generator[Outcome]:
    """What has come of each task, as it is finished."""
    if isinstance(workers, Cluster):
        if reason := unsendable(work.problem):
            raise DataError(reason)
        yield from workers.run(work.carry_out, tasks)
        return
    if workers is None:
        started = time.perf_counter()
        for task in tasks[:1]:
            yield work.carry_out(task)
        tasks = tasks[1:]
        worth = len(tasks) * (time.perf_counter() - started) > _WORTH_A_PROCESS
        workers = os.cpu_count() or 1 if worth and unsendable(work.problem) is None else 1
    if workers > 1 and (reason := unsendable(work.problem)):
        raise DataError(reason)
    if workers > 1 and tasks:
        yield from in_processes(work.carry_out, tasks, min(workers, len(tasks)))
    else:
        yield from map(work.carry_out, tasks)


def _seal(store: Store, scratch: Path, bar: "Progress") -> None:
    """Take the digests of all arrays, and record them with the set."""
    shown = bar.add_task("checksums", total=sum(array.chunks for array in store.arrays.values()))
    try:
        store.seal(scratch, lambda: bar.advance(shown))
    except OSError as error:
        raise not_written(error, store.path) from error


def _progress(shown: bool) -> "Progress":
    from rich import progress as rich

    return rich.Progress(
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
        disable=not shown,
    )


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    """The directory, created if need be, for this process alone; raises DataError if it cannot be had."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        inside = {entry.name for entry in os.scandir(path)}
        handle = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise not_written(error, path) from error
    try:
        if inside and not inside & {METADATA, _SCRATCH}:
            raise DataError(f"{path} is not empty and holds no data set: choose another path")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"another process is generating into {path}: wait for it, or end it") from None
        yield
    finally:
        os.close(handle)  # which gives up the lock, as does the end of the process
