"""Convolutions with pooling halve their grid, see neighbours alone, and have the published sizes."""

import pytest
import torch
from torch import nn

from fredholm.layers.architecture import build, describe
from fredholm.layers.perceptron import MLP, initialised
from fredholm.layers.pooling_cnn import PoolingCNN


@pytest.mark.parametrize("shape", [(17,), (12, 9), (8, 9, 10)], ids=str)
@pytest.mark.parametrize("average", [True, False], ids=["average", "largest"])
def test_any_dimension(shape: tuple[int, ...], average: bool) -> None:
    widths = [3, 5]
    network = PoolingCNN(shape, 2, widths, size=3, average=average, ends=True)
    x = torch.randn(6, 2 * torch.Size(shape).numel())
    values = network(x)
    assert values.shape == (6, PoolingCNN.features(shape, widths))
    torch.testing.assert_close(network(x[2:3]), values[2:3])
    again = build(describe(network))
    again.load_state_dict(network.state_dict())
    assert torch.equal(again(x), values)


def test_one_level_is_its_formula() -> None:
    with initialised(0):
        network = PoolingCNN((4, 4), 1, [2], size=3, activation=nn.Tanh(), head=nn.Identity())
    x = torch.randn(3, 1, 4, 4)
    kernel = network.levels[0].kernel
    fields = torch.tanh(nn.functional.conv2d(x, kernel.weight, kernel.bias, padding=1))
    means = fields.reshape(3, 2, 2, 2, 2, 2).mean((3, 5))
    torch.testing.assert_close(network(x.flatten(1)), means.flatten(1))


def test_the_largest_value_survives_wherever_it_stands() -> None:
    """With a kernel of one pixel and max pooling, moving a value inside its cell changes nothing."""
    network = PoolingCNN((4,), 1, [1], size=1, average=False)
    here, there = torch.tensor([[0.0, 5.0, 1.0, 0.0]]), torch.tensor([[5.0, 0.0, 0.0, 1.0]])
    torch.testing.assert_close(network(here), network(there))


def test_a_grid_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(8, 3\) points cannot be halved 2 times"):
        PoolingCNN((8, 3), 1, [4, 4])


def test_the_published_branches() -> None:
    """Shapes on 100 x 100 points: 6 x 6 x 64 values are left; flows on 64 x 64: 4 x 4 x 32 = 512."""
    with torch.device("meta"):
        widths = [16, 32, 64, 64]
        head = MLP([PoolingCNN.features((100, 100), widths), 128, 128, 150], nn.Tanh(), dropout=0.1)
        shapes = PoolingCNN((100, 100), 2, widths, head=head)
        flows = PoolingCNN((64, 64), 3, [32] * 4, average=False, ends=True)
    assert PoolingCNN.features((100, 100), widths) == 6 * 6 * 64
    assert PoolingCNN.features((64, 64), [32] * 4) == 512
    convolutions = [(2, 16), (16, 32), (32, 64), (64, 64)]
    dense = [(6 * 6 * 64, 128), (128, 128), (128, 150)]
    expected = sum(25 * a * b + b for a, b in convolutions) + sum(a * b + b for a, b in dense)
    assert sum(parameter.numel() for parameter in shapes.parameters()) == expected
    expected = 25 * 3 * 32 + 32 + 5 * (25 * 32 * 32 + 32)
    assert sum(parameter.numel() for parameter in flows.parameters()) == expected
