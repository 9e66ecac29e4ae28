"""Buffers: what stands between solvers that deliver samples in order of time and a trainer that wants them mixed.

A buffer holds at most `capacity` samples, some of them used already ("seen"), the others not. `offer` puts one in, or
refuses it where that would lose one that must not be lost, so that whoever offers has to wait; `draw` gives one out.
Drawing begins when more than `threshold` samples are there, lest the first batches be all of the first simulations;
after `close`, when nothing more will come, what is left is drained.

A buffer is a plain structure that never waits and knows no threads: `SharedBuffer` adds those.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import torch

T = TypeVar("T")


class Buffer(ABC, Generic[T]):
    """Samples on their way to the trainer; a subclass says how they enter and leave.

    Args:
        capacity: most samples held at once.
        threshold: more than these must be held before one is drawn, until the buffer is closed.
        seed: of what is drawn and evicted.

    Raises ValueError where the threshold could never be passed.
    """

    def __init__(self, capacity: int, threshold: int = 0, seed: int = 0) -> None:
        if capacity < 1 or not 0 <= threshold < capacity:
            raise ValueError(
                f"a buffer needs capacity >= 1 and 0 <= threshold < capacity, or it waits for ever; got capacity "
                f"{capacity}, threshold {threshold}"
            )
        self.capacity, self.threshold, self.seed = capacity, threshold, seed
        self.unseen: list[T] = []
        self.seen: list[T] = []
        self.closed = False
        self._generator = torch.Generator().manual_seed(seed)

    @abstractmethod
    def offer(self, sample: T) -> bool:
        """Take `sample` in; False, and nothing has changed, if there is no room for it yet."""

    @abstractmethod
    def draw(self) -> T:
        """A sample; only where `ready`."""

    def close(self) -> None:
        """Nothing more is offered: from now on samples leave as they are drawn."""
        self.closed = True

    @property
    def ready(self) -> bool:
        """Whether a sample can be drawn now."""
        return len(self) > (0 if self.closed else self.threshold)

    @property
    def exhausted(self) -> bool:
        """Whether no sample will ever be drawn again."""
        return self.closed and not len(self)

    def __len__(self) -> int:
        return len(self.unseen) + len(self.seen)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(capacity={self.capacity}, threshold={self.threshold}, seed={self.seed})"

    def state_dict(self) -> dict[str, Any]:
        """What is held, and the random state."""
        return {
            "unseen": list(self.unseen),
            "seen": list(self.seen),
            "closed": self.closed,
            "generator": self._generator.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self.unseen, self.seen = list(state["unseen"]), list(state["seen"])
        self.closed = bool(state["closed"])
        self._generator.set_state(state["generator"])

    def _below(self, n: int) -> int:
        """A uniform integer in {0, ..., n - 1}."""
        return int(torch.randint(n, (), generator=self._generator))


def taken(samples: list[T], place: int) -> T:
    """The sample at `place`, taken out in constant time: the last one moves there.

    >>> letters = ["a", "b", "c"]
    >>> taken(letters, 0), letters
    ('a', ['c', 'b'])
    """
    samples[place], samples[-1] = samples[-1], samples[place]
    return samples.pop()
