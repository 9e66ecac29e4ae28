"""What a stream costs and how fast it is, told before it is run.

    p = solvers · samples/s of one        what could be produced
    q                                     what the trainer could use, samples/s
    ρ = q / p

A queue uses each sample once: production and training both go at min(p, q). The Reservoir lets the trainer go at q,
each sample being used max(1, ρ) times on average, and holds production at min(p, q). It mixes well where it holds the
samples of several times the simulations that are under way.
"""

from dataclasses import dataclass

_MIXING = 3  # times the simulations under way that a buffer should hold


@dataclass(frozen=True)
class Load:
    """A stream and its trainer.

    Args:
        solvers: simulations at once.
        rate: samples a second of one of them.
        steps: samples of one simulation.
        sample_bytes: bytes of a sample in memory.
        trainer: samples a second that the trainer can use.
        capacity: samples that the buffer holds.
    """

    solvers: int
    rate: float
    steps: int
    sample_bytes: int
    trainer: float
    capacity: int


@dataclass(frozen=True)
class Expectation:
    """What comes of a `Load`, samples a second and bytes.

    `produced` and `used` are those of the Reservoir, `used_once` of a queue in its place; `traffic` is bytes a second
    into the buffer, `memory` bytes of a full buffer, `wanted` the capacity from which on the buffer mixes well.
    """

    produced: float
    used: float
    used_once: float
    repetition: float
    traffic: float
    memory: int
    wanted: int


def expected(load: Load) -> Expectation:
    """The throughput law.

    >>> some = expected(Load(solvers=10, rate=50.0, steps=100, sample_bytes=4096, trainer=2000.0, capacity=6000))
    >>> some.produced, some.used, some.used_once, some.repetition, some.wanted
    (500.0, 2000.0, 500.0, 4.0, 3000)
    """
    produced = min(load.solvers * load.rate, load.trainer)
    return Expectation(
        produced,
        load.trainer,
        produced,
        load.trainer / produced,
        produced * load.sample_bytes,
        load.capacity * load.sample_bytes,
        _MIXING * load.steps * load.solvers,
    )


def table(loads: list[Load]) -> str:
    """Expectations as rows of Markdown.

    >>> print(table([Load(10, 50.0, 100, 4_000_000, 2000.0, 6000)]).splitlines()[-1])
    | 10 | 500 | 2,000 | 500 | 4.0 | 2.00 | 24.0 | 3,000 |
    """
    rows = [
        "| solvers | produced/s | used/s, Reservoir | used/s, queue | uses of a sample | GB/s into the buffer | "
        "buffer, GB | capacity wanted |",
        "|" + "---|" * 8,
    ]
    for load in loads:
        e = expected(load)
        rows.append(
            f"| {load.solvers:,} | {e.produced:,.0f} | {e.used:,.0f} | {e.used_once:,.0f} | {e.repetition:.1f} | "
            f"{e.traffic / 1e9:.2f} | {e.memory / 1e9:.1f} | {e.wanted:,} |"
        )
    return "\n".join(rows)
