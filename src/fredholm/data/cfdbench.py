"""Writing CFDBench's folders: the cases of a benchmark flow, solved for here, in the layout of the published data.

    ROOT/<problem>/{prop,bc,geo}/case0000/{case.json, u.npy, v.npy}      u, v: float32 (frames, rows, columns)

A case is written into a folder beside its own and renamed, so that what exists is whole. Started again, the same call
solves for what is missing. `case.json` also gives `dt`, the time between frames, which readers must not guess.

Source: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023.
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from fredholm.data.workers import in_processes
from fredholm.errors import DataError, SolverError, UnknownNameError
from fredholm.problems.benchmark_flow import SUBSETS, BenchmarkFlow, Subset
from fredholm.problems.cavity_flow import CavityFlow
from fredholm.problems.cylinder_flow import CylinderFlow
from fredholm.problems.dam_flow import DamFlow
from fredholm.problems.tube_flow import TubeFlow

FLOWS: dict[str, type[BenchmarkFlow]] = {flow.name: flow for flow in (CavityFlow, TubeFlow, DamFlow, CylinderFlow)}


def flow_named(name: str, points: int, frames: int) -> BenchmarkFlow:
    """A flow of the benchmark by its name.

    Raises UnknownNameError with the nearest name, and DataError for points or frames too few.

    >>> flow_named("tube", points=64, frames=25).step
    0.05
    """
    if name not in FLOWS:
        raise UnknownNameError("flow of CFDBench", name, FLOWS)
    try:
        return FLOWS[name](points=points, frames=frames)
    except ValueError as error:
        raise DataError(str(error)) from error


@dataclass(frozen=True)
class _Task:
    """A case to be solved for: its folder, its numbers."""

    directory: Path
    case: Mapping[str, float]


@dataclass(frozen=True)
class Written:
    """What a call has left in the folders: cases in all, those solved for now, and why others are missing."""

    cases: int
    solved: int
    failures: Mapping[str, str]


def write_cases(
    problem: BenchmarkFlow,
    root: str | Path,
    subsets: Sequence[str] = SUBSETS,
    *,
    workers: int | None = None,
    progress: bool = True,
) -> Written:
    """Solve for all cases of some subsets and write them under `root`.

    Args:
        problem: whose cases.
        root: folder that gets a folder with the problem's name.
        subsets: which.
        workers: processes; one for each core by default.
        progress: show a progress bar.

    A case whose solution diverges is left out and told of; the others go on. Raises DataError, before anything is
    solved for, where the problem's points do not resolve a case, and where a folder holds another case.
    """
    from rich.progress import Progress

    root = Path(root)
    tasks = [
        _Task(root / problem.name / subset / f"case{number:04d}", case)
        for subset in map(_subset, subsets)
        for number, case in enumerate(problem.cases(subset))
    ]
    for task in tasks:
        _require(problem, task)
    left = [task for task in tasks if not task.directory.exists()]
    failures: dict[str, str] = {}
    with Progress(disable=not progress) as bar:
        shown = bar.add_task(problem.name, total=len(tasks), completed=len(tasks) - len(left))
        for directory, failure in _carried_out(problem, left, workers or os.cpu_count() or 1):
            if failure is not None:
                failures[str(directory.relative_to(root))] = failure
            bar.advance(shown)
    return Written(len(tasks) - len(failures), len(left) - len(failures), failures)


def _subset(name: str) -> Subset:
    for subset in SUBSETS:
        if subset == name:
            return subset
    raise UnknownNameError("subset of CFDBench", name, SUBSETS)


def _carried_out(problem: BenchmarkFlow, tasks: list[_Task], workers: int) -> Iterable[tuple[Path, str | None]]:
    work = partial(_write, problem)
    if workers == 1 or len(tasks) <= 1:
        yield from map(work, tasks)
        return
    with closing(in_processes(work, tasks, min(workers, len(tasks)))) as results:  # type: ignore[type-var]
        yield from results


def _require(problem: BenchmarkFlow, task: _Task) -> None:
    try:
        problem.require(task.case)
    except ValueError as error:
        raise DataError(f"case {dict(task.case)} of {problem.name} is refused: {error}") from error
    if task.directory.exists():
        file = task.directory / "case.json"
        try:
            held = json.loads(file.read_text(encoding="utf-8"))
            frames = np.load(task.directory / "u.npy", mmap_mode="r").shape
        except (OSError, ValueError) as error:
            raise DataError(f"{task.directory} is no case: {error}; delete it") from error
        wanted = (problem.frames, problem.points, problem.points)
        if held != _described(problem, task.case) or frames != wanted:
            raise DataError(
                f"{task.directory} holds another case ({held}, frames {frames}) than {dict(task.case)} with frames "
                f"{wanted} every {problem.step} s: choose another folder, or delete it"
            )


def _described(problem: BenchmarkFlow, case: Mapping[str, float]) -> dict[str, float]:
    """The contents of case.json."""
    return {**problem.stored(case), "dt": problem.step}


def _write(problem: BenchmarkFlow, task: _Task) -> tuple[Path, str | None]:
    """The folder of a case, and why it is missing, if it is."""
    try:
        velocity = problem.trajectory(task.case).astype(np.float32)
    except SolverError as error:
        return task.directory, error.reason
    beside = task.directory.with_name(f".{task.directory.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        np.save(beside / "u.npy", velocity[:, 0])
        np.save(beside / "v.npy", velocity[:, 1])
        described = json.dumps(_described(problem, task.case), indent=2)
        (beside / "case.json").write_text(described + "\n", encoding="utf-8")
        os.replace(beside, task.directory)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise DataError(f"cannot write {task.directory}: {error.strerror}") from error
    return task.directory, None
