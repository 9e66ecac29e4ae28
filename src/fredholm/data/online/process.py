"""The process engine: simulations in worker processes of this machine.

Each worker runs one simulation at a time and sends its steps through a pipe, which holds a few of them: a worker whose
steps no one takes stops there. A worker that dies, or sends nothing for longer than `silence`, is replaced, and what it
ran is run again.
"""

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from multiprocessing.connection import Connection, wait
from typing import Any

from fredholm.data.online.engine import Attempts, Ended, Engine, Event, Failed, Waiting, packets, told
from fredholm.data.online.simulations import Simulations
from fredholm.data.workers import end_with_parent, process_context, starting, unsendable
from fredholm.errors import DataError

_POLL = 0.2  # seconds between looks at workers that send nothing
_GRACE = 2.0  # seconds to end what a worker has started, before it is killed


@dataclass(frozen=True)
class Process(Engine):
    """`workers` processes.

    Args:
        workers: simulations at once; leave a core to the trainer.
        silence: seconds without a step after which a simulation is taken to hang.
        retries: how often a simulation that failed, died or hung is run again.
    """

    workers: int = 1
    silence: float = 3600.0
    retries: int = 2

    def __post_init__(self) -> None:
        if self.workers < 1 or not self.silence > 0 or self.retries < 0:
            raise ValueError(f"workers >= 1, silence > 0 and retries >= 0 are needed, got {self}")

    def events(
        self, simulations: Simulations, seed: int, begun: Mapping[int, int], todo: Iterable[int]
    ) -> Generator[Event]:
        """See `Engine.events`; the workers are there when it returns."""
        if reason := unsendable(simulations):
            raise DataError(reason.replace("generate with workers=1", "use the engine Serial()"))
        message = pickle.dumps((simulations, seed))
        workers = [_Worker(message) for _ in range(self.workers)]
        return self._events(message, workers, Attempts(chain(begun, todo), self.retries))

    def _events(self, message: bytes, workers: list["_Worker"], attempts: Attempts) -> Generator[Event]:
        try:
            while True:
                for worker in workers:
                    if worker.idle:
                        worker.give(attempts.next())
                busy = [worker for worker in workers if not worker.idle]
                if not busy:
                    return
                heard = wait([worker.connection for worker in busy], _POLL)
                if not heard:
                    yield Waiting()
                for worker in busy:
                    lost = None
                    if worker.connection in heard:
                        event = worker.receive()
                        lost = f"its process ended with status {worker.status()}" if event is _GONE else None
                        if lost and worker.starting:
                            raise DataError(f"a worker process cannot start: {lost}; what it printed says why")
                        if isinstance(event, Failed):
                            yield attempts.after_failure(event.simulation, event.reason)
                        elif lost is None and event is not None:
                            yield event
                    elif worker.silent_for() > self.silence:
                        lost = f"it sent nothing for {self.silence:g} s"
                    if lost is not None:
                        worker.end()
                        workers[workers.index(worker)] = _Worker(message)
                        if worker.simulation is not None:
                            yield attempts.after_failure(worker.simulation, lost)
        finally:
            for worker in workers:
                worker.end()


_GONE = object()  # in the place of an event: the process has ended


class _Worker:
    """A worker process, and the simulation it is at."""

    def __init__(self, message: bytes) -> None:
        context = process_context()
        self.connection, other = context.Pipe()
        self._process = context.Process(target=_work, args=(other, message), daemon=True)
        with starting():
            self._process.start()
        other.close()
        self.simulation: int | None = None
        self._begun = False  # whether the process has said that it is there
        self._heard = time.monotonic()

    @property
    def idle(self) -> bool:
        return self._begun and self.simulation is None

    @property
    def starting(self) -> bool:
        return not self._begun

    def give(self, simulation: int | None) -> None:
        """Let it run a simulation, if there is one."""
        if simulation is not None:
            self.simulation, self._heard = simulation, time.monotonic()
            with suppress(OSError):  # where it has died just now, its pipe will tell
                self.connection.send(simulation)

    def receive(self) -> Any:
        """The next event of its simulation; None for its greeting, _GONE if it has died."""
        self._heard = time.monotonic()
        try:
            event = self.connection.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            return _GONE
        self._begun = True
        if isinstance(event, Ended | Failed):
            self.simulation = None
        return event

    def silent_for(self) -> float:
        """Seconds since it was heard of; it is given all the time it needs to start."""
        return time.monotonic() - self._heard if self._begun else 0.0

    def status(self) -> int | None:
        self._process.join(_GRACE)
        return self._process.exitcode

    def end(self) -> None:
        """End the process: it may first end what it has started, a program for example."""
        self._process.terminate()
        self._process.join(_GRACE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()


def _work(connection: Connection, message: bytes) -> None:
    """A worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the trainer's, who ends its workers
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    import torch

    threading.Thread(target=end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    simulations, seed = pickle.loads(message)  # from our own parent process
    connection.send(None)
    while True:
        try:
            index = connection.recv()
        except EOFError:
            os._exit(0)
        try:
            for packet in packets(simulations, seed, index):
                connection.send(packet)
        except BrokenPipeError:
            os._exit(0)
        except Exception as error:  # whatever a solver raises is that simulation's own affair
            connection.send(Failed(index, told(error)))
        else:
            connection.send(Ended(index))
