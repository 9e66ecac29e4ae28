"""Residual convolutional networks on sensor grids in one, two or three dimensions: images of u to a vector.

    block:    x ↦ relu(P x + B(C(relu(B(C(x))))))     C: convolution 3ᵈ,  B: batch norm
    network:  convolution, groups of blocks, flatten, linear

where P is the identity, or a strided 1ᵈ convolution where channels or grid change; every group but the first halves the
grid.

Sources: He, Zhang, Ren, Sun 2016, "Deep residual learning for image recognition"; as a branch of a DeepONet in
Borrel-Jensen et al. 2024 (groups of 3 blocks with 16, 32, 64 and 128 channels).
"""

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described

_CONVOLUTIONS: tuple[type[nn.Module], ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORMS: tuple[type[nn.Module], ...] = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class ResidualCNN(nn.Module, Described):
    """Features of a sensor grid, flat as sensors give them, to a vector.

    Args:
        shape: of the sensor grid.
        outputs: width of the result.
        channels: of the input.
        widths: channels of the groups.
        blocks: number of blocks in a group.

    >>> import torch
    >>> ResidualCNN((12, 12), outputs=5, widths=[4, 8], blocks=1).eval()(torch.zeros(2, 144)).shape
    torch.Size([2, 5])
    """

    def __init__(
        self,
        shape: Sequence[int],
        outputs: int,
        channels: int = 1,
        widths: Sequence[int] = (16, 32, 64, 128),
        blocks: int = 3,
    ) -> None:
        super().__init__()
        if not 1 <= len(shape) <= 3:
            raise ValueError(f"a sensor grid has one to three dimensions, got the shape {tuple(shape)}")
        self.grid = (channels, *shape)
        dimension = len(shape)
        groups: list[nn.Module] = [_convolution(dimension, channels, widths[0], 3, 1)]
        before, lengths = widths[0], list(shape)
        for i, width in enumerate(widths):
            stride = 1 if i == 0 else 2
            groups.append(_Block(dimension, before, width, stride))
            groups += [_Block(dimension, width, width, 1) for _ in range(blocks - 1)]
            before, lengths = width, [math.ceil(length / stride) for length in lengths]
        self.groups = nn.Sequential(*groups)
        self.head = nn.Linear(before * math.prod(lengths), outputs)

    def forward(self, features: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch outputs"]:
        values: Tensor = self.head(self.groups(features.unflatten(1, self.grid)).flatten(1))
        return values


class _Block(nn.Module):
    def __init__(self, dimension: int, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        norm = _NORMS[dimension - 1]
        self.inner = nn.Sequential(
            _convolution(dimension, inputs, outputs, 3, stride),
            norm(outputs),
            nn.ReLU(),
            _convolution(dimension, outputs, outputs, 3, 1),
            norm(outputs),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else _convolution(dimension, inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.shortcut(x) + self.inner(x))


def _convolution(dimension: int, inputs: int, outputs: int, size: int, stride: int) -> nn.Module:
    """A convolution that keeps the grid, or halves it (rounded up) at stride 2; normal weights as He et al. 2015."""
    layer = _CONVOLUTIONS[dimension - 1](inputs, outputs, size, stride=stride, padding=size // 2, bias=False)
    assert isinstance(layer.weight, Tensor)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer
