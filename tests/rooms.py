"""A small room, solved: data sets and an artifact that several tests share."""

import torch

from fredholm.data.dataset import Dataset, Description
from fredholm.data.source import ArraySource
from fredholm.problems import Box, Recording, Room, SourceLattice

TRAIN_ROOM = Room(
    shape=Box((2.0, 2.0)),
    sources=SourceLattice(5),
    spacing=0.1,
    highest_frequency=250.0,
    margin=0.5,
    recording=Recording(0.008, 0.001),
)
TEST_ROOM = Room(
    shape=Box((2.0, 2.0)), spacing=0.1, highest_frequency=250.0, margin=0.5, recording=Recording(0.008, 0.001)
)


def solved(room: Room, n: int, seed: int) -> Dataset:
    """n samples of a room in memory."""
    inputs = room.sample(n, seed)
    about = Description(
        room.signature, room.output_domain, room.input_domains, {"name": "room", "parameters": room.parameters()}
    )
    return Dataset(about, ArraySource(inputs, room.solve(inputs), None, room.labels(n, seed)))


def everything(data: Dataset) -> torch.Tensor:
    """All outputs."""
    return data.outputs(torch.arange(len(data)))
