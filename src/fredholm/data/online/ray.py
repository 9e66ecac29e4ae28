"""The Ray engine: simulations as streaming tasks, on this machine or on a cluster.

Each simulation is a generator task; what it yields goes to the object store, and only a reference travels. A task that
is `ahead` packets ahead of the trainer is held up. Ray places the tasks: with `ray start` on more machines, the same
call uses them all. A task whose process or machine dies, or that falls silent, is run again.

Ray is imported when the engine is used: it comes with the extra `cluster`.
"""

import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from inspect import unwrap
from itertools import chain
from typing import Any

from fredholm.data.cluster import connected
from fredholm.data.online.engine import Attempts, Ended, Engine, Event, Packet, Waiting, packets, told
from fredholm.data.online.simulations import Simulations

_POLL = 0.2  # seconds between looks at tasks that send nothing


@dataclass(frozen=True)
class Ray(Engine):
    """Tasks of a Ray cluster: the one that is connected to, or a new one on this machine.

    Args:
        live: most simulations at once.
        cpus: cores that Ray reserves for each of them; fewer run, where there are not as many.
        address: of a cluster, such as "auto"; None connects to none and starts Ray here, if need be.
        ahead: packets that a simulation may be ahead of the trainer.
        silence: seconds without a step after which a simulation that has begun is taken to hang.
        retries: how often a simulation that failed, died or hung is run again.
    """

    live: int = 1
    cpus: float = 1.0
    address: str | None = None
    ahead: int = 4
    silence: float = 3600.0
    retries: int = 2

    def __post_init__(self) -> None:
        if self.live < 1 or not self.cpus > 0 or self.ahead < 1 or not self.silence > 0 or self.retries < 0:
            raise ValueError(f"live, ahead >= 1, cpus, silence > 0 and retries >= 0 are needed, got {self}")

    def events(
        self, simulations: Simulations, seed: int, begun: Mapping[int, int], todo: Iterable[int]
    ) -> Generator[Event]:
        """See `Engine.events`; raises MissingExtraError where Ray is not installed."""
        ray = connected(self.address)
        task = ray.remote(unwrap(_packets)).options(  # Ray looks whether it is a generator
            num_cpus=self.cpus,
            num_returns="streaming",
            max_retries=0,  # what failed is counted and run again here, for every engine alike
            _generator_backpressure_num_objects=self.ahead,
        )
        shared = ray.put(simulations)
        attempts = Attempts(chain(begun, todo), self.retries)
        return self._events(ray, lambda index: task.remote(shared, seed, index), attempts)

    def _events(self, ray: Any, start: Any, attempts: Attempts) -> Generator[Event]:
        live: dict[Any, int] = {}  # the generator of a task: its simulation
        heard: dict[int, float] = {}  # when what has begun was last heard of; what waits for a core has not begun
        try:
            while True:
                while len(live) < self.live and (index := attempts.next()) is not None:
                    live[start(index)] = index
                if not live:
                    return
                ready, _ = ray.wait(list(live), num_returns=len(live), timeout=_POLL, fetch_local=False)
                if not ready:
                    yield Waiting()
                for task in list(live):
                    index, lost = live[task], None
                    if task in ready:
                        heard[index] = time.monotonic()
                        try:
                            yield from _received(ray.get(next(task)))
                        except StopIteration:
                            del live[task]
                            yield Ended(index)
                        except ray.exceptions.RayError as error:
                            lost = _why(error)
                    elif index in heard and time.monotonic() - heard[index] > self.silence:
                        ray.cancel(task, force=True)
                        lost = f"it sent nothing for {self.silence:g} s"
                    if lost is not None:
                        del live[task]
                        heard.pop(index, None)
                        yield attempts.after_failure(index, lost)
        finally:
            for task in live:
                ray.cancel(task, force=True)


def _packets(simulations: Simulations, seed: int, index: int) -> Iterator[Packet | None]:
    """The task: None at once, to say that it has begun, then its packets."""
    import torch

    torch.set_num_threads(1)
    yield None
    yield from packets(simulations, seed, index)


def _received(packet: Packet | None) -> Iterator[Packet]:
    if packet is not None:
        yield packet


def _why(error: Exception) -> str:
    """The reason in an error of Ray: what the simulation raised, or how it ended."""
    cause = getattr(error, "cause", None)
    return told(cause) if cause is not None else str(error).strip().splitlines()[0]
