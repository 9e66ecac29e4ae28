"""The memory of a training step, counted."""

import torch

from fredholm.evaluation.activations import activation_bytes


def test_the_memory_of_a_step_is_that_of_what_it_keeps() -> None:
    first, second = torch.nn.Linear(4, 8), torch.nn.Linear(8, 2)
    network = torch.nn.Sequential(first, torch.nn.Tanh(), second)
    values = torch.zeros(16, 4)
    # the input for the first weight, tanh's answer for its own slope and for the second weight, once
    assert activation_bytes(network, values) == 4 * (16 * 4 + 16 * 8)
