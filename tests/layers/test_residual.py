"""Residual networks keep the identity, halve their grid, and work in every dimension."""

import pytest
import torch
from torch import nn

from fredholm.fields.grid import Axis, Grid
from fredholm.layers.architecture import build, describe
from fredholm.layers.perceptron import initialised
from fredholm.layers.residual import ResidualCNN
from fredholm.layers.sensors import FunctionSensors
from fredholm.operators.deeponet import NetworkBranch


@pytest.mark.parametrize("shape", [(13,), (12, 9), (5, 6, 7)], ids=str)
def test_any_dimension(shape: tuple[int, ...]) -> None:
    network = ResidualCNN(shape, outputs=4, channels=2, widths=[3, 5], blocks=2).eval()
    x = torch.randn(6, 2 * torch.Size(shape).numel())
    values = network(x)
    assert values.shape == (6, 4)
    torch.testing.assert_close(network(x[2:3]), values[2:3])  # evaluated, a sample does not see its batch
    again = build(describe(network)).eval()
    again.load_state_dict(network.state_dict())
    assert torch.equal(again(x), values)


def test_blocks_that_do_nothing_leave_positive_features_as_they_are() -> None:
    network = ResidualCNN((8, 8), outputs=4, widths=[3], blocks=3).eval()
    for block in network.groups[1:]:
        nn.init.zeros_(block.inner[-1].weight)  # the last batch norm: the residual vanishes
    x = torch.randn(2, 64)
    expected = network.head(torch.relu(network.groups[0](x.reshape(2, 1, 8, 8))).flatten(1))
    torch.testing.assert_close(network(x), expected)


def test_the_published_branch_halves_its_grid_three_times() -> None:
    with torch.device("meta"):
        network = ResidualCNN((13, 13, 13), outputs=100)
    assert network.head.in_features == 128 * 2**3
    blocks = [module for module in network.groups[1:] if isinstance(module, nn.Module)]
    assert len(blocks) == 12


def test_shifted_inputs_give_shifted_features() -> None:
    """Convolutions commute with shifts, away from the border."""
    with initialised(0):
        network = ResidualCNN((40,), outputs=1, widths=[3], blocks=1).eval()
    x = torch.zeros(1, 1, 40)
    x[..., 18:22] = torch.randn(4)
    features = network.groups(x)
    torch.testing.assert_close(network.groups(x.roll(3, -1))[..., 10:30], features.roll(3, -1)[..., 10:30])


def test_a_branch_with_an_image_of_its_input() -> None:
    grid = Grid(Axis("x", 0.0, 1.0, 21), Axis("y", 0.0, 1.0, 21))
    sensors = FunctionSensors("u", grid, Grid(Axis("x", 0.0, 1.0, 8), Axis("y", 0.0, 1.0, 8)))
    branch = NetworkBranch(sensors, ResidualCNN((8, 8), 10, widths=[4, 8], blocks=1), 10)
    u = {"u": torch.randn(5, 1, 21, 21)}
    branch(u).square().sum().backward()
    assert all(bool(parameter.grad.any()) for parameter in branch.parameters())
