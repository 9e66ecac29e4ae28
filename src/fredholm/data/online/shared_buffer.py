"""A buffer between two threads: one puts samples in and is held up where there is no room, one takes them out.

An error of the thread that puts is raised in the one that takes, which would otherwise wait for ever.
"""

import time
from threading import Condition
from typing import Generic, TypeVar

from fredholm.data.online.buffer import Buffer
from fredholm.data.online.statistics import Statistics

T = TypeVar("T")


class SharedBuffer(Generic[T]):
    """`buffer` behind a lock, with the times that either side waits.

    >>> from fredholm.data.online.reservoir import Reservoir
    >>> shared = SharedBuffer(Reservoir(capacity=4), Statistics())
    >>> shared.put("a"), shared.take(2, seconds=1.0)
    (True, ['a', 'a'])
    """

    def __init__(self, buffer: Buffer[T], statistics: Statistics) -> None:
        self.buffer, self.statistics = buffer, statistics
        self.changed = Condition()
        self._error: BaseException | None = None
        self.stopped = False

    def put(self, sample: T) -> bool:
        """Put a sample in, waiting for room; False if the buffer was stopped meanwhile."""
        with self.changed:
            if not self.stopped and not self.buffer.offer(sample):
                begun = time.perf_counter()
                self.changed.wait_for(lambda: self.stopped or self.buffer.offer(sample))
                self.statistics.blocked += time.perf_counter() - begun
            if self.stopped:
                return False
            self.statistics.received += 1
            self.statistics.held = max(self.statistics.held, len(self.buffer))
            self.changed.notify_all()
            return True

    def take(self, count: int, seconds: float) -> list[T]:
        """Up to `count` samples: fewer, if no more can be drawn within `seconds`. Raises what `fail` was given."""
        samples: list[T] = []
        with self.changed:
            deadline = time.perf_counter() + seconds
            while len(samples) < count:
                if not self.buffer.ready:
                    begun = time.perf_counter()
                    self.changed.wait_for(self._settled, deadline - begun)
                    self.statistics.starved += time.perf_counter() - begun
                if self._error is not None:
                    raise self._error
                if not self.buffer.ready:
                    break
                samples.append(self.buffer.draw())
                self.changed.notify_all()
        self.statistics.drawn += len(samples)
        return samples

    def close(self) -> None:
        """Nothing more will be put in."""
        with self.changed:
            self.buffer.close()
            self.changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Nothing more will be put in, because of an error."""
        with self.changed:
            self._error = error
            self.changed.notify_all()

    def stop(self) -> None:
        """Nothing more will be taken: let go of whoever waits for room."""
        with self.changed:
            self.stopped = True
            self.changed.notify_all()

    def _settled(self) -> bool:
        return self.buffer.ready or self.buffer.exhausted or self._error is not None
