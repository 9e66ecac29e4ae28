"""Queues that use every sample exactly once: in the order of arrival, or at random among those held.

A trainer fed by one of them is no faster than the solvers. FIFO keeps the order of the stream, whose neighbours are of
the same simulation: the bias that the other buffers are there to remove. FIRO mixes over what it holds.

Source: Meyer, Ribés, Raffin, "Simulation-based parallel training", 2022.
"""

from typing import TypeVar

from fredholm.data.online.buffer import Buffer, taken

T = TypeVar("T")


class FIFO(Buffer[T]):
    """First in, first out.

    >>> buffer = FIFO(capacity=2)
    >>> [buffer.offer(sample) for sample in "abc"], buffer.draw(), buffer.draw()
    ([True, True, False], 'a', 'b')
    """

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)

    def offer(self, sample: T) -> bool:
        if len(self) == self.capacity:
            return False
        self.unseen.append(sample)
        return True

    def draw(self) -> T:
        return self.unseen.pop(0)


class FIRO(Buffer[T]):
    """First in, random out.

    >>> buffer = FIRO(capacity=3, threshold=2)
    >>> [buffer.offer(sample) for sample in "ab"], buffer.ready
    ([True, True], False)
    >>> buffer.offer("c"), buffer.ready, buffer.draw() in "abc", len(buffer)
    (True, True, True, 2)
    """

    def offer(self, sample: T) -> bool:
        if len(self) == self.capacity:
            return False
        self.unseen.append(sample)
        return True

    def draw(self) -> T:
        return taken(self.unseen, self._below(len(self.unseen)))
