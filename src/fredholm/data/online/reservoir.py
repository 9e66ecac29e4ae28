"""The Reservoir: every sample is used at least once, and the trainer never waits for a solver.

`offer` appends while there is room; in a full buffer it evicts a uniformly random *seen* sample, and where there is
none it refuses: this is the back-pressure that holds the solvers up. `draw` takes a uniformly random sample, which
stays and counts as seen. Once closed, what is drawn leaves.

With ρ draws per arrival, an arrival adds one unseen sample and a draw makes one of them seen with probability u, their
share: so u settles at min(1, 1/ρ), and a sample is drawn max(1, ρ) times on average.

Source: Meyer, Schouler, Caulk, Ribés, Raffin, "High throughput training of deep surrogates from large ensemble runs",
SC 2023. It is not Vitter's reservoir sampling, which is `VitterReservoir`.
"""

from typing import TypeVar

from fredholm.data.online.buffer import Buffer, taken

T = TypeVar("T")


class Reservoir(Buffer[T]):
    """Loses nothing before it was used, and repeats rather than waits.

    >>> buffer = Reservoir(capacity=2)
    >>> [buffer.offer(sample) for sample in "abc"]
    [True, True, False]
    >>> used = buffer.draw()
    >>> buffer.offer("c"), used in buffer.unseen + buffer.seen
    (True, False)
    """

    def offer(self, sample: T) -> bool:
        if len(self) == self.capacity:
            if not self.seen:
                return False
            taken(self.seen, self._below(len(self.seen)))
        self.unseen.append(sample)
        return True

    def draw(self) -> T:
        place = self._below(len(self))
        fresh = place < len(self.unseen)
        samples, place = (self.unseen, place) if fresh else (self.seen, place - len(self.unseen))
        if not fresh and not self.closed:
            return samples[place]
        sample = taken(samples, place)
        if not self.closed:
            self.seen.append(sample)
        return sample
