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
        steered: simulations chosen by loss.

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
    steered: int = 0

    @property
    def repetition(self) -> float:
        """Mean number of uses of a sample."""
        return self.drawn / self.received if self.received else 0.0

    def __str__(self) -> str:
        """What a person who waits wants to know.

        >>> str(Statistics(received=10, drawn=40, finished=2, starved=1.2))
        '10 samples of 2 simulations and those under way, used 4.0 times; waited 1 s for them, they 0 s'
        """
        failed = f", {self.failed} failed" if self.failed else ""
        return (
            f"{self.received} samples of {self.finished} simulations and those under way{failed}, used "
            f"{self.repetition:.1f} times; waited {self.starved:.0f} s for them, they {self.blocked:.0f} s"
        )

    def numbers(self) -> dict[str, float]:
        """Every counter and the repetition, as a log takes them."""
        return {**{name: float(value) for name, value in asdict(self).items()}, "repetition": self.repetition}
