"""Who waits for whom: batches a second of a trainer fed by slow solvers, through a queue and through the Reservoir.

    PYTHONPATH=benchmarks python benchmarks/streaming.py          # and `ray`, for tasks of a local Ray too

A solver takes 20 ms a step. What the queue does stands beside what `cost_model.expected` says of it from the two rates
that the Reservoir showed.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))

from fredholm.data import WholeFields
from fredholm.data.online import FIRO, Buffer, Engine, Process, Ray, Reservoir, Stepwise, stream
from fredholm.data.online.cost_model import Load, expected
from fredholm.fields import Axis, DomainType, Function, Grid, Parameter, Quantity, Signature

PAUSE, STEPS, POINTS, BATCH, SECONDS = 0.02, 25, 576, 10, 8.0
LINE = DomainType.of(Grid(Axis("x", 0.0, 1.0, POINTS)))
SIGNATURE = Signature({"t": Parameter((Quantity("t"),))}, Function((Quantity("u"),), LINE))


def draw(random: np.random.Generator) -> dict[str, Any]:
    return {"start": random.random()}


def simulate(parameters: Mapping[str, Any], random: np.random.Generator) -> Iterator[tuple[dict[str, Any], Any]]:
    for step in range(STEPS):
        time.sleep(PAUSE)
        yield {"t": float(step)}, np.full(POINTS, parameters["start"] + step)


def measured(buffer: Buffer, engine: Engine, work: float = 0.002) -> tuple[float, float, float]:
    """Samples received and used a second, and uses of a sample, once the threshold is passed."""
    network = torch.nn.Linear(1, POINTS)
    source = Stepwise(simulate, draw, SIGNATURE, name="slow")
    with stream(source, 10_000, 0, buffer=buffer, engine=engine) as samples:
        begun: float | None = None
        while begun is None or time.perf_counter() - begun < SECONDS:
            if not samples.gather(BATCH, 0.1):
                continue
            batch = samples.draw(WholeFields(BATCH), torch.Generator())
            (network(batch.inputs["t"]) - batch.target[:, 0]).square().mean().backward()
            time.sleep(work)
            if begun is None:
                begun, received, drawn = time.perf_counter(), samples.statistics.received, samples.statistics.drawn
        took = time.perf_counter() - begun
        arrived, used = samples.statistics.received - received, samples.statistics.drawn - drawn
    return arrived / took, used / took, used / max(arrived, 1)


def main() -> None:
    engines: dict[str, Engine] = {"1 process": Process(1), "2 processes": Process(2)}
    if "ray" in sys.argv:
        engines |= {"1 Ray task": Ray(live=1, cpus=0.5), "2 Ray tasks": Ray(live=2, cpus=0.5)}
    print("| solvers | buffer | received/s | used/s | uses of a sample | used/s expected |\n" + "|---|" + "---|" * 5)
    for name, engine in engines.items():
        queue = measured(FIRO(200, 20), engine)
        kept = measured(Reservoir(200, 20), engine)
        foreseen = expected(Load(1, kept[0], STEPS, 4 * POINTS, kept[1], 200)).used_once
        print(f"| {name} | FIRO | {queue[0]:.1f} | {queue[1]:.1f} | {queue[2]:.1f} | {foreseen:.1f} |", flush=True)
        print(
            f"| {name} | Reservoir | {kept[0]:.1f} | {kept[1]:.1f} | {kept[2]:.1f} | its rates are given |", flush=True
        )


if __name__ == "__main__":
    from streaming import main as run  # by its name, for the worker processes

    run()
