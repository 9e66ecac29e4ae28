"""Generates a data set in children that are killed at random moments: `interrupted.py DIRECTORY KILLS SEED`.

The children are forks of this process, which has imported everything and runs a single thread, so that a run
of a fraction of a second is interrupted anywhere in its work rather than in its imports. Prints how many
chunks were there after each kill.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
import zarr  # noqa: F401  imported here for the forks
from pulses import Pulses

from fredholm.data import generate

PROBLEM = Pulses(size=128, times=62, delay=0.004)  # four samples to a chunk
SAMPLES = 61
CHUNKS = 16
SEED = 11


def present(path: Path) -> int:
    return len(list((path / "output").glob("c.*")))


def start(path: Path) -> int:
    child = os.fork()
    if child == 0:
        generate(PROBLEM, SAMPLES, SEED, path, workers=1, batch=3, progress=False)
        os._exit(0)
    return child


if __name__ == "__main__":
    torch.set_num_threads(1)
    path, chance = Path(sys.argv[1]), random.Random(int(sys.argv[3]))
    for kill in range(int(sys.argv[2])):
        child = start(path)
        if kill % 2:  # after some more chunks, or after the last; else while the work is laid out
            enough = min(CHUNKS, present(path) + chance.randrange(1, 5))
            while present(path) < enough:
                time.sleep(0.0005)
        time.sleep(chance.uniform(0.0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print(present(path), flush=True)
