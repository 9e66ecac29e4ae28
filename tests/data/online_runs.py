"""Simulations for tests of streams, in a module that worker processes can import: u at step k of run i is known."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fredholm.data.online import Stepwise
from fredholm.errors import SolverError
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Parameter, Quantity, Signature
from fredholm.problems import ExternalCommand, Problem

STEPS, POINTS = 6, 4
LINE = Grid(Axis("x", 0.0, 1.0, POINTS))
SIGNATURE = Signature(
    {"start": Parameter((Quantity("start"),)), "t": Parameter((Quantity("t"),))},
    Function((Quantity("u"),), DomainType.of(LINE)),
)


def start_of(random: np.random.Generator) -> dict[str, Any]:
    return {"start": random.random()}


class Faulty:
    """u = start + t on the line; what goes wrong, once or always, is told by its arguments.

    Args:
        marks: where a fault that happens once leaves its mark.
        killed_at, hanging_at: step at which the process is killed, or falls silent, the first time.
        diverging: the share of simulations that fail for good.
        pause: seconds a step takes.
    """

    def __init__(
        self,
        marks: Path | None = None,
        killed_at: int | None = None,
        hanging_at: int | None = None,
        diverging: float = 0.0,
        pause: float = 0.0,
    ) -> None:
        self.marks, self.killed_at, self.hanging_at = marks, killed_at, hanging_at
        self.diverging, self.pause = diverging, pause

    def __call__(self, parameters: Any, random: np.random.Generator) -> Iterator[tuple[dict[str, Any], Any]]:
        start = parameters["start"]
        for step in range(STEPS):
            time.sleep(self.pause)
            if start < self.diverging and step == 2:
                raise SolverError(0, "it has diverged")
            if step == self.killed_at and self._first_time(start):
                time.sleep(0.15)  # let the steps before it go
                os.kill(os.getpid(), signal.SIGKILL)
            if step == self.hanging_at and self._first_time(start):
                time.sleep(1000)
            yield {"start": start, "t": float(step)}, np.full(POINTS, start + step)

    def _first_time(self, start: float) -> bool:
        assert self.marks is not None
        mark = self.marks / f"{start!r}"
        if mark.exists():
            return False
        mark.touch()
        return True


def runs(faulty: Faulty | None = None) -> Stepwise:
    return Stepwise(faulty or Faulty(), start_of, SIGNATURE, name="ramp")


def doubling_program() -> Problem:
    """s = 2 v by a program."""
    code = "import sys, numpy; numpy.save(sys.argv[2], 2 * numpy.load(sys.argv[1]))"
    command = ExternalCommand([sys.executable, "-c", code, "{v.npy}", "{output.npy}"], time_limit=60)
    on_line = Function((Quantity("v"),), DomainType.of(LINE))
    return Problem.from_solver(command, noise, Signature({"v": on_line}, on_line), name="doubling")


def sleeping_program(mark: Path) -> Problem:
    """A program that writes the number of its process to `mark` and falls asleep."""
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(1000)"
    command = ExternalCommand([sys.executable, "-c", code, str(mark), "{output.npy}"])
    on_line = Function((Quantity("v"),), DomainType.of(LINE))
    return Problem.from_solver(command, noise, Signature({"v": on_line}, on_line), name="sleeping")


def noise(random: np.random.Generator) -> dict[str, Any]:
    return {"v": random.standard_normal(POINTS)}


def start(seed: int, index: int) -> float:
    """What simulation `index` starts from."""
    return float(np.float32(start_of(np.random.default_rng([seed, index]))["start"]))


def reciprocal(value: float) -> float:
    return 1 / value


def dies_once(mark: str) -> str:
    """Ends its process, as if its machine had gone, unless it has done so before."""
    if not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"
