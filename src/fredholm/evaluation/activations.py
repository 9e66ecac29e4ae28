"""What a training step must remember: the bytes that the backward pass keeps of the forward pass."""

import torch
from torch import Tensor, nn


def activation_bytes(network: nn.Module, *inputs: Tensor) -> int:
    """Bytes of all tensors that autograd keeps after `network(*inputs)`, each storage once, weights not counted.

    >>> activation_bytes(nn.Sequential(nn.Linear(4, 8), nn.Tanh()), torch.zeros(16, 4))  # the input, and tanh's output
    768
    """
    weights = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        answer = network(*inputs)  # held, so that no storage is used twice
    del answer
    return sum(kept.values())
