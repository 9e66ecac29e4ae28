"""Run under torchrun: trains with adaptive weights and writes what each process ended with."""

import os
import sys
from pathlib import Path

import torch
from least_squares import LINE, POINTS, SIGNATURE, Matrix, data

from fredholm.data import CartesianPoints
from fredholm.training import Checkpoints, SelfAdaptiveWeights, Settings, Validation, fit
from fredholm.training.checkpoint import save_state

DROPOUT, RATE = 0.1, 1e-3


def run(directory: Path, stops: list[int]) -> None:
    """Train up to every stop in turn, each time with a new operator."""
    settings = Settings(
        checkpoints=Checkpoints(directory, every=6),
        clip=1.0,
        validation=Validation(data(1, 10), every=8),
        log_every=5,
        quiet=True,
    )
    for iterations in stops:
        operator = Matrix(SIGNATURE, LINE, DROPOUT)
        loss = SelfAdaptiveWeights(data(), "x", bins=3, rate=RATE)
        history = fit(
            operator,
            data(),
            sampler=CartesianPoints(4, POINTS),
            iterations=iterations,
            optimizer=torch.optim.SGD(operator.parameters(), 0.05),
            loss=loss,
            settings=settings,
        )
    end = {"operator": operator.state_dict(), "weights": loss.weights, "losses": history.losses}
    save_state(directory / f"end-{os.environ['RANK']}", end)


if __name__ == "__main__":
    run(Path(sys.argv[1]) / "whole", [20])
    run(Path(sys.argv[1]) / "resumed", [7, 20])
