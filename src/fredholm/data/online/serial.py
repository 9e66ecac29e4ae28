"""The serial engine: simulations in this process, their steps in turn, and the same weights every time.

There is no thread: before each batch as many samples are computed as its draws are worth. It is for tests, for small
problems, and for studies that must be repeatable to the last bit.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from fredholm.data.online.engine import Attempts, Ended, Engine, Event, Packet, Step, steps, told
from fredholm.data.online.simulations import Simulations


@dataclass(frozen=True)
class Serial(Engine):
    """One process, `live` simulations in turn.

    Args:
        live: simulations that are under way at once; their steps alternate.
        uses: draws for each sample that arrives, ρ >= 1.
        retries: how often a simulation that failed is run again.
    """

    live: int = 1
    uses: float = 1.0
    retries: int = 1

    def __post_init__(self) -> None:
        if self.live < 1 or not self.uses >= 1 or self.retries < 0:
            raise ValueError(f"live >= 1, uses >= 1 and retries >= 0 are needed, got {self}")

    def events(
        self, simulations: Simulations, seed: int, begun: Mapping[int, int], todo: Iterable[int]
    ) -> Generator[Event]:
        """See `Engine.events`. What is begun is in the order of its turns, and goes on where it was."""
        attempts = Attempts(todo, self.retries)
        sent = dict(begun)
        turns = deque((i, self._from(simulations, seed, i, first)) for i, first in begun.items())
        while True:
            following = attempts.next() if len(turns) < self.live else None
            if following is not None:
                turns.append((following, self._from(simulations, seed, following, sent.get(following, 0))))
                turns.rotate(1)  # its first step comes at once
            if not turns:
                return
            index, running = turns.popleft()
            try:
                step = next(running, None)
            except Exception as error:  # whatever a solver raises is that simulation's own affair
                yield attempts.after_failure(index, told(error))
                continue
            if step is None:
                yield Ended(index)
                continue
            turns.append((index, running))
            sent[index] = sent.get(index, 0) + 1
            yield Packet(index, sent[index] - 1, [step])

    def _from(self, simulations: Simulations, seed: int, index: int, first: int) -> Iterator[Step]:
        return islice(steps(simulations, seed, index), first, None)
