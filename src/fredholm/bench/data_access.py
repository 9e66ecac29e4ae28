"""Shuffled batches of whole samples from a data set on disk, beside reading the same bytes from end to end.

The set is generated in the system's temporary directory and opened as one that is larger than memory is: nothing of it
is kept. The same bytes are copied to one file, which is read from end to end. Before each reading the system is told to
forget the files, so that both readings are the disk's; where a disk has a cache of its own, or the machine is a virtual
one, set TMPDIR to a disk whose cache is smaller than the set. The samples read are those of an epoch: every one, once,
in random order, in batches of 32.
"""

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from fredholm.bench.side_by_side import Figure
from fredholm.data import generate, open_dataset
from fredholm.fields import Axis, DomainType, Function, Grid, Parameter, Quantity, Signature
from fredholm.problems import Problem

BATCH, MEGABYTES = 32, 512  # samples, and size of a set
SIDES = {"512 KiB": 512, "32 KiB": 128}  # of a sample's square, in float16


def noise(side: int) -> Problem:
    """A problem whose solution is noise: what a disk cannot compress."""
    square = DomainType.of(Grid(Axis("x", 0.0, 1.0, side), Axis("y", 0.0, 1.0, side)))
    signature = Signature({"seed": Parameter((Quantity("seed"),))}, Function((Quantity("noise"),), square))
    return Problem.from_solver(
        lambda inputs: np.random.default_rng(int(inputs["seed"])).random((side, side), np.float32),
        lambda random: {"seed": random.integers(2**20)},
        signature,
        name="noise",
    )


def forget(path: Path) -> None:
    """Have the system drop all files below a directory from its cache."""
    os.sync()
    for file in path.rglob("*"):
        if file.is_file():
            handle = os.open(file, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def copied(path: Path) -> Path:
    """The outputs of a set in one file beside it."""
    whole = path.with_suffix(".whole")
    chunks = sorted((path / "output").glob("c.*"), key=lambda file: int(file.name.split(".")[1]))
    with open(whole, "wb") as file:
        for chunk in chunks:
            file.write(chunk.read_bytes())
    return whole


def end_to_end(file: Path) -> None:
    buffer = bytearray(8 * 1024**2)
    with open(file, "rb", buffering=0) as opened:
        while opened.readinto(buffer):
            pass


def shuffled(path: Path, seed: int) -> None:
    data = open_dataset(path, memory=0)
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
    for batch in order.split(BATCH):
        data.outputs(batch)


def measured(name: str, side: int, directory: Path, rounds: int) -> Figure:
    path = directory / str(side)
    size = 2 * side**2
    samples = MEGABYTES * 1024**2 // size
    generate(noise(side), samples, 0, path, workers=1)
    whole = copied(path)
    seconds: dict[str, list[float]] = {"end to end": [], "shuffled": []}
    for number in range(rounds):
        for kind, times in seconds.items():
            forget(directory)
            start = time.perf_counter()
            end_to_end(whole) if kind == "end to end" else shuffled(path, number)
            times.append(time.perf_counter() - start)
    rates = {kind: samples * size / 1e6 / float(np.median(times)) for kind, times in seconds.items()}
    share = rates["shuffled"] / rates["end to end"]
    return Figure(f"samples of {name}", share, "of the rate from end to end", rates, "MB/s", at_least=0.5)


def random_access(rounds: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        return [measured(name, side, Path(directory), rounds) for name, side in SIDES.items()]


PARTS = {"random-access": random_access}
