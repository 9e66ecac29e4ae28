"""Vitter's reservoir: at any time a uniform sample of everything that ever came.

The n-th arrival takes the place of a uniformly random one with probability capacity / n, else it is dropped. Solvers
are never held up, and samples are lost that no one has used: it is here to compare the Reservoir with.

Source: Vitter, "Random sampling with a reservoir", ACM Trans. Math. Softw. 11 (1985), algorithm R.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from fredholm.data.online.buffer import Buffer, taken

T = TypeVar("T")


class VitterReservoir(Buffer[T]):
    """A uniform sample of the past, drawn from with replacement until it is closed.

    >>> buffer = VitterReservoir(capacity=2)
    >>> all(buffer.offer(number) for number in range(100)), len(buffer)
    (True, 2)
    """

    def __init__(self, capacity: int, threshold: int = 0, seed: int = 0) -> None:
        super().__init__(capacity, threshold, seed)
        self.offered = 0

    def offer(self, sample: T) -> bool:
        self.offered += 1
        if len(self) < self.capacity:
            self.unseen.append(sample)
        elif (place := self._below(self.offered)) < self.capacity:
            held, place = self._at(place)
            taken(held, place)
            self.unseen.append(sample)
        return True

    def draw(self) -> T:
        held, place = self._at(self._below(len(self)))
        if held is self.seen and not self.closed:
            return held[place]
        sample = taken(held, place)
        if not self.closed:
            self.seen.append(sample)
        return sample

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "offered": self.offered}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.offered = int(state["offered"])

    def _at(self, place: int) -> tuple[list[T], int]:
        """The list that holds the `place`-th sample of all, and its place there."""
        fresh = len(self.unseen)
        return (self.unseen, place) if place < fresh else (self.seen, place - fresh)
