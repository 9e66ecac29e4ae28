"""Work: the samples of a data set to be solved for, cut into tasks that any process can carry out in any order.

A task fills whole chunks, so that no two tasks write to one file; its samples are solved together, for speed, and
do not depend on each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fredholm.data.chunks import ChunkedArray
from fredholm.data.layout import INPUT, OUTPUT
from fredholm.errors import DataError, SolverError
from fredholm.problems.problem import Problem


@dataclass(frozen=True)
class Task:
    """Samples first, ..., stop - 1, which fill whole chunks."""

    first: int
    stop: int


@dataclass(frozen=True)
class Work:
    """All that a worker needs to know to carry out a task."""

    problem: Problem
    seed: int
    arrays: dict[str, ChunkedArray]
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

    def carry_out(self, task: Task) -> int:
        """Solve and write the samples of a task; returns their number."""
        count = task.stop - task.first
        inputs = self.problem.sample(count, self.seed, task.first)
        try:
            output = self.problem.solve(inputs)
        except SolverError as error:
            index = task.first + error.sample
            raise DataError(
                f"sample {index} of seed {self.seed} cannot be solved: {error.reason}; {self._inputs_of(index)}"
            ) from error
        expected = (count, *self.arrays[OUTPUT].shape)
        if tuple(output.shape) != expected:
            raise DataError(
                f"problem {self.problem.name!r} solved to shape {tuple(output.shape)}; "
                f"its signature and output domain say {expected}"
            )
        named = {**{INPUT + name: values for name, values in inputs.items()}, OUTPUT: output}
        for name, values in named.items():
            self._require_finite(name, values, task)
        for name, values in named.items():
            self._write(name, values, task)
        return count

    def _write(self, name: str, values: Tensor, task: Task) -> None:
        array = self.arrays[name]
        for first in range(task.first, task.stop, array.per_chunk):
            rows = values[first - task.first : first - task.first + array.per_chunk].numpy()
            array.write(first // array.per_chunk, rows, self.scratch)

    def _require_finite(self, name: str, values: Tensor, task: Task) -> None:
        stored = values.half() if self.arrays[name].dtype.itemsize == 2 else values
        bad = ~torch.isfinite(stored.flatten(1)).all(1)
        if not bool(bad.any()):
            return
        index = int(bad.nonzero()[0, 0])
        if bool(torch.isfinite(values[index]).all()):
            fault = f"reaches {float(values[index].abs().max()):.3g}, beyond float16's 65504: generate in float32"
        else:
            fault = (
                "is not finite: the solver has failed on it. Correct the problem's parameters or solver; "
                + self._inputs_of(task.first + index)
            )
        raise DataError(f"{name} of sample {task.first + index} of seed {self.seed} {fault}")

    def _inputs_of(self, index: int) -> str:
        return f"{type(self.problem).__name__}.sample(1, {self.seed}, {index}) gives its inputs"
