"""The baseline without structure: one network of sensors and coordinates."""

import torch
from families import OUTPUT, SIGNATURE, both, inputs, points
from torch import nn

from fredholm.layers.coordinates import CoordinateScaling
from fredholm.layers.perceptron import MLP
from fredholm.operators import FeedForward


def test_it_is_the_network_of_sensors_and_coordinates() -> None:
    network, scaling = MLP([8 + 3, 10, 2], nn.Tanh()), CoordinateScaling.box(OUTPUT)
    operator, u, y = FeedForward(SIGNATURE, OUTPUT, both(), network, scaling), inputs(3), points(5)
    for i in range(3):
        for j in range(5):
            seen = torch.cat([u["u"][i, 0], u["k"][i], scaling(y)[j]])
            torch.testing.assert_close(operator(u, y)[i, :, j], network(seen))


def test_the_published_baseline_by_its_count() -> None:
    """Widths [m + d, 100, 100, 1] with m = 100 sensors and d = 1 coordinate."""
    network = MLP([101, 100, 100, 1], nn.ReLU())
    assert sum(parameter.numel() for parameter in network.parameters()) == 102 * 100 + 101 * 100 + 101
