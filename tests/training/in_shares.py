"""Run under torchrun: trains from streams of which every process has its share, and writes what each ended with."""

import os
import sys
from pathlib import Path

from fredholm.data.online import Serial
from fredholm.training.checkpoint import save_state

MANY = 10**6

if __name__ == "__main__":
    from online_training import train

    directory = Path(sys.argv[1])
    for name, stops in {"whole": [MANY], "resumed": [4, MANY]}.items():
        for iterations in stops:
            operator, history, numbers = train(directory / name, Serial(live=3, uses=2.5), iterations)
        end = {"weight": operator.weight.detach(), "iterations": history.iterations, "received": numbers["received"]}
        save_state(directory / name / f"end-{os.environ['RANK']}", end)
