"""Work: the samples of a data set to be solved for, cut into tasks that any process can carry out in any order.

A task fills whole chunks, so that no two tasks write to one file; its samples are solved together, for speed, and
do not depend on each other. One that cannot be solved for does not stop the rest: its inputs are kept, its output is
NaN, and the reason is noted.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fredholm.data.chunks import ChunkedArray
from fredholm.data.failures import write_note
from fredholm.data.layout import INPUT, OUTPUT
from fredholm.errors import DataError
from fredholm.problems.problem import Problem


@dataclass(frozen=True)
class Task:
    """Samples first, ..., stop - 1, which fill whole chunks."""

    first: int
    stop: int


@dataclass(frozen=True)
class Outcome:
    """How many samples a task has finished, and why which of them have no solution, by index."""

    samples: int
    failures: dict[int, str]


@dataclass(frozen=True)
class Work:
    """All that a worker needs to know to carry out a task."""

    problem: Problem
    seed: int
    arrays: dict[str, ChunkedArray]
    notes: Path
    scratch: Path

    def tasks(self, samples: int, finished: set[int], batch: int) -> Iterator[Task]:
        """Runs of missing chunks, of about `batch` samples each."""
        array = self.arrays[OUTPUT]
        most = max(1, batch // array.per_chunk)
        run: list[int] = []
        for chunk in range(array.chunks + 1):
            wanted = chunk < array.chunks and chunk not in finished
            if run and (not wanted or len(run) == most):
                yield Task(run[0] * array.per_chunk, min(samples, (run[-1] + 1) * array.per_chunk))
                run = []
            if wanted:
                run.append(chunk)

    def carry_out(self, task: Task) -> "Outcome":
        """Solve for the samples of a task and write them; those that cannot be solved for are noted beside."""
        count = task.stop - task.first
        inputs = self.problem.sample(count, self.seed, task.first)
        for name, values in inputs.items():
            self._require_finite(INPUT + name, values, task)
        output, reasons = self.problem.attempt(inputs)
        expected = (count, *self.arrays[OUTPUT].shape)
        if tuple(output.shape) != expected:
            raise DataError(
                f"problem {self.problem.name!r} solved to shape {tuple(output.shape)}; "
                f"its signature and output domain say {expected}"
            )
        failures = {task.first + sample: reason for sample, reason in reasons.items()}
        output[list(reasons)] = math.nan  # in part solved for, perhaps
        self._require_range(output, task)
        self._note(failures, task)
        for name, values in {**{INPUT + name: values for name, values in inputs.items()}, OUTPUT: output}.items():
            self._write(name, values, task)
        return Outcome(count, failures)

    def forget(self, samples: Iterable[int]) -> None:
        """Take away the chunks of some samples, so that they count as not begun."""
        array = self.arrays[OUTPUT]
        for chunk in {sample // array.per_chunk for sample in samples}:
            array.file(chunk).unlink(missing_ok=True)

    def _note(self, failures: dict[int, str], task: Task) -> None:
        """Before the values, so that where a chunk is there, so is what is said of it."""
        per_chunk = self.arrays[OUTPUT].per_chunk
        for first in range(task.first, task.stop, per_chunk):
            here = {i: reason for i, reason in failures.items() if first <= i < first + per_chunk}
            write_note(self.notes, first // per_chunk, here, self.scratch)

    def _write(self, name: str, values: Tensor, task: Task) -> None:
        array = self.arrays[name]
        for first in range(task.first, task.stop, array.per_chunk):
            rows = values[first - task.first : first - task.first + array.per_chunk].numpy()
            array.write(first // array.per_chunk, rows, self.scratch)

    def _require_finite(self, name: str, values: Tensor, task: Task) -> None:
        bad = ~torch.isfinite(values.flatten(1)).all(1)
        if bool(bad.any()):
            index = task.first + int(bad.nonzero()[0, 0])
            raise DataError(
                f"{name} of sample {index} of seed {self.seed} is not finite: correct the problem; "
                f"{type(self.problem).__name__}.sample(1, {self.seed}, {index}) gives it"
            )

    def _require_range(self, output: Tensor, task: Task) -> None:
        if self.arrays[OUTPUT].dtype.itemsize == 2 and bool((beyond := torch.isinf(output.half())).any()):
            sample = int(beyond.flatten(1).any(1).nonzero()[0, 0])
            raise DataError(
                f"output of sample {task.first + sample} of seed {self.seed} reaches "
                f"{float(output[sample].abs().max()):.3g}, beyond float16's 65504: generate in float32"
            )
