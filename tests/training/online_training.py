"""Training from a stream, in a module that other processes run: python online_training.py DIRECTORY ENGINE STEPS."""

import sys
from pathlib import Path

import torch
from least_squares import LINE, POINTS, SIGNATURE, Matrix

from fredholm.data import WholeFields
from fredholm.data.online import Engine, Process, Reservoir, Serial, Stepwise, stream
from fredholm.training import Checkpoints, History, Settings, fit

STEPS, COUNT = 5, 30
ENGINES: dict[str, Engine] = {"serial": Serial(live=3, uses=2.5), "process": Process(2)}


def draw(random):
    return {"scale": random.uniform(1, 2)}


def simulate(parameters, random):
    matrix = torch.randn(POINTS, POINTS, generator=torch.Generator().manual_seed(99)).numpy()
    for _ in range(STEPS):
        u = parameters["scale"] * random.standard_normal(POINTS)
        yield {"u": u}, matrix @ u


def train(directory: Path, engine: Engine, iterations: int) -> tuple[Matrix, History, dict[str, float]]:
    """A new operator, fitted to a stream; goes on from the checkpoint in `directory`."""
    source = Stepwise(simulate, draw, SIGNATURE, name="products")
    operator = Matrix(SIGNATURE, LINE)
    settings = Settings(checkpoints=Checkpoints(directory, every=7), log_every=5, quiet=True)
    with stream(source, COUNT, seed=2, buffer=Reservoir(40, 10, seed=1), engine=engine) as samples:
        history = fit(
            operator,
            samples,
            sampler=WholeFields(4),
            iterations=iterations,
            optimizer=torch.optim.SGD(operator.parameters(), 0.05),
            settings=settings,
        )
        return operator, history, samples.statistics.numbers()


if __name__ == "__main__":
    from online_training import train as train_there  # so that worker processes can import what it streams

    print("training", flush=True)
    train_there(Path(sys.argv[1]), ENGINES[sys.argv[2]], int(sys.argv[3]))
