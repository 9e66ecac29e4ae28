"""Engines: who runs the simulations, and how many at once. All speak one protocol, a stream of events.

An engine starts a simulation when there is room for one, passes on what it sends, and starts it again where it died or
fell silent, a limited number of times. The steps before a failure then arrive twice; whoever receives them drops those
it has, which is sound because a simulation that is run again sends the same steps. Events are pulled: an engine whose
events no one takes holds its solvers up.
"""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import NamedTuple

from numpy import ndarray

from fredholm.data.online.simulations import Simulations

_PACKET_BYTES = 256 * 1024  # small steps travel together, since each message costs about a millisecond
_PACKET_SECONDS = 0.1  # but none waits longer than this


class Step(NamedTuple):
    """A sample as it travels: float32 arrays without an axis of samples."""

    inputs: dict[str, ndarray]
    output: ndarray


class Packet(NamedTuple):
    """Steps first, first + 1, ... of a simulation."""

    simulation: int
    first: int
    steps: list[Step]


class Ended(NamedTuple):
    """A simulation has sent all its steps."""

    simulation: int


class Retried(NamedTuple):
    """A simulation failed and is run again."""

    simulation: int
    reason: str


class Failed(NamedTuple):
    """A simulation is given up."""

    simulation: int
    reason: str


class Waiting(NamedTuple):
    """Nothing has come for a while."""


Event = Packet | Ended | Retried | Failed | Waiting


class Engine(ABC):
    """Runs simulations."""

    @abstractmethod
    def events(
        self, simulations: Simulations, seed: int, begun: Mapping[int, int], todo: Iterable[int]
    ) -> Generator[Event]:
        """What comes of the simulations `begun` (with the steps that need not come again) and those `todo`.

        Of those the next is taken when there is room for it: it may depend on what has been learned until then.

        Closing the generator ends whatever runs. Raises DataError where the engine cannot run the simulations.
        """


class Attempts:
    """Simulations to be run, those that failed first, each at most 1 + `retries` times.

    >>> attempts = Attempts([7, 8], retries=1)
    >>> attempts.next(), attempts.after_failure(7, "killed"), attempts.next(), attempts.after_failure(7, "killed")
    (7, Retried(simulation=7, reason='killed'), 7, Failed(simulation=7, reason='killed'))
    """

    def __init__(self, todo: Iterable[int], retries: int) -> None:
        self._todo, self._again = iter(todo), deque[int]()
        self._failures: dict[int, int] = {}
        self.retries = retries

    def next(self) -> int | None:
        """The simulation to run next, None if there is none."""
        return self._again.popleft() if self._again else next(self._todo, None)

    def after_failure(self, simulation: int, reason: str) -> Retried | Failed:
        """Note a failure: the simulation is to be run again, or is given up."""
        self._failures[simulation] = self._failures.get(simulation, 0) + 1
        if self._failures[simulation] > self.retries:
            return Failed(simulation, reason)
        self._again.append(simulation)
        return Retried(simulation, reason)


def steps(simulations: Simulations, seed: int, index: int) -> Iterator[Step]:
    """The steps of a simulation, as they are computed."""
    for inputs, output in simulations.run(seed, index):
        yield Step({name: values.float().numpy() for name, values in inputs.items()}, output.float().numpy())


def packets(simulations: Simulations, seed: int, index: int) -> Iterator[Packet]:
    """The steps of a simulation, small ones together."""
    waiting: list[Step] = []
    first, size, sent = 0, 0, time.monotonic()
    for step in steps(simulations, seed, index):
        waiting.append(step)
        size += bytes_of(step)
        if size >= _PACKET_BYTES or time.monotonic() - sent >= _PACKET_SECONDS:
            yield Packet(index, first, waiting)
            first, waiting, size, sent = first + len(waiting), [], 0, time.monotonic()
    if waiting:
        yield Packet(index, first, waiting)


def bytes_of(step: Step) -> int:
    """Bytes of a sample's numbers."""
    return step.output.nbytes + sum(values.nbytes for values in step.inputs.values())


def told(error: BaseException) -> str:
    """What to say of an error in a simulation."""
    reason = getattr(error, "reason", None)
    return str(reason) if reason else f"{type(error).__name__}: {error}"
