"""Acoustic rooms solved in memory, and what an operator answers to them."""

import torch
from torch import Tensor

from fredholm.data.dataset import Dataset, Description
from fredholm.data.source import ArraySource
from fredholm.operators.operator import Operator
from fredholm.problems import Room, SoundScene


def solved(room: Room | SoundScene, n: int, seed: int) -> Dataset:
    """The first n samples of the sequence `seed`, rounded to float16 as a stored set is."""
    inputs = room.sample(n, seed)
    outputs = room.solve(inputs).half().float()
    about = Description(
        room.signature, room.output_domain, room.input_domains, {"name": room.name, "parameters": room.parameters()}
    )
    return Dataset(about, ArraySource(inputs, outputs, None, room.labels(n, seed)))


def predicted(operator: Operator, data: Dataset, samples: Tensor) -> Tensor:
    """Answers on the output domain."""
    with torch.inference_mode():
        values: Tensor = operator(data.inputs(samples))
    return values
