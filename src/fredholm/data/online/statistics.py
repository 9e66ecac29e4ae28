"""Statistics of a stream: who waits for whom, and how often a sample is used.

The two waiting times say what to add: solvers, where the trainer starves; trainers, where solvers are blocked.
"""

from dataclasses import asdict, dataclass


@dataclass
class Statistics:
    """Counters since the stream began.

    Args:
        received: samples taken into the buffer.
        drawn: samples given to the trainer, repetitions counted.
        dropped: steps that came again after a solver was restarted.
        bytes: of the samples received.
        blocked: seconds in which a sample waited for room.
        starved: seconds in which the trainer waited for a sample.
        held: most samples in the buffer at once.
        finished: simulations.
        retried: attempts that failed and were made again.
        failed: simulations given up.

    >>> Statistics(received=10, drawn=40).repetition
    4.0
    """

    received: int = 0
    drawn: int = 0
    dropped: int = 0
    bytes: int = 0
    blocked: float = 0.0
    starved: float = 0.0
    held: int = 0
    finished: int = 0
    retried: int = 0
    failed: int = 0

    @property
    def repetition(self) -> float:
        """Mean number of uses of a sample."""
        return self.drawn / self.received if self.received else 0.0

    def numbers(self) -> dict[str, float]:
        """Every counter and the repetition, as a log takes them."""
        return {**{name: float(value) for name, value in asdict(self).items()}, "repetition": self.repetition}
