"""Convolutions of pixels with a stated boundary: periodic axes close on themselves, others see zeros outside.

    y[i] = b + Σ_j K[j] x[stride i + j - k/2]

The kernel is k pixels wide on every grid. On finer and finer grids it therefore shrinks to a point, and the layer to a
product with Σ_j K[j]: it is a layer of networks on one grid. Its counterparts between functions are
`KernelInterpolatedConvolution`, `LocalIntegralConvolution` and `FiniteDifferenceConvolution`.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described

CONVOLVE = {1: nn.functional.conv1d, 2: nn.functional.conv2d, 3: nn.functional.conv3d}
CONVOLUTIONS: dict[int, type[nn.Conv1d] | type[nn.Conv2d] | type[nn.Conv3d]] = {
    1: nn.Conv1d,
    2: nn.Conv2d,
    3: nn.Conv3d,
}
EXPANSIONS: dict[int, Callable[..., nn.Module]] = {
    1: nn.ConvTranspose1d,
    2: nn.ConvTranspose2d,
    3: nn.ConvTranspose3d,
}


class Convolution(nn.Module, Described):
    """A convolution of k pixels an axis that keeps the grid, or thins it to every stride-th point.

    Args:
        inputs, outputs: channels.
        size: k, odd.
        periodic: for each axis, whether it closes on itself.
        stride: of the output points.
        bias: whether a constant is added to every channel.

    >>> Convolution(1, 4, size=5, periodic=(True, False), stride=2)(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 4, 4, 4])
    """

    def __init__(
        self, inputs: int, outputs: int, size: int, periodic: Sequence[bool], stride: int = 1, bias: bool = True
    ) -> None:
        super().__init__()
        if size % 2 == 0:
            raise ValueError(f"a kernel of {size} pixels has no pixel in its middle: take an odd size")
        self.size, self.periodic, self.stride = size, tuple(periodic), stride
        self.kernel = CONVOLUTIONS[len(self.periodic)](inputs, outputs, size, stride=stride, bias=bias)

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *coarse"]:
        reach = [self.size // 2] * len(self.periodic)
        return convolved(values, self.kernel.weight, self.kernel.bias, self.periodic, reach, self.stride)


class Expansion(nn.Module, Described):
    """The transposed convolution of 4 pixels an axis at stride 2: twice the grid.

    >>> Expansion(2, 1, periodic=(True, False))(torch.zeros(3, 2, 4, 4)).shape
    torch.Size([3, 1, 8, 8])
    """

    def __init__(self, inputs: int, outputs: int, periodic: Sequence[bool]) -> None:
        super().__init__()
        self.periodic = tuple(periodic)
        # one more point at each end of a periodic axis makes two that belong to its other end
        padding = [3 if closes else 1 for closes in self.periodic]
        self.kernel = EXPANSIONS[len(self.periodic)](inputs, outputs, 4, stride=2, padding=padding)

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *fine"]:
        for dim, closes in enumerate(self.periodic, start=2):
            values = continued(values, dim, 1) if closes else values
        expanded: Tensor = self.kernel(values)
        return expanded


def convolved(
    values: Float[Tensor, "batch inputs *shape"],
    kernel: Float[Tensor, "outputs inputs_of_group *sizes"],
    bias: Float[Tensor, " outputs"] | None,
    periodic: Sequence[bool],
    reach: Sequence[int],
    stride: int = 1,
    groups: int = 1,
) -> Float[Tensor, "batch outputs *coarse"]:
    """`kernel` over values that continue by `reach` points at both ends of every axis: periodically, or by zeros."""
    for dim, (closes, points) in enumerate(zip(periodic, reach, strict=True), start=2):
        if closes and points:
            values = continued(values, dim, points)
    padding = [0 if closes else points for closes, points in zip(periodic, reach, strict=True)]
    return CONVOLVE[len(padding)](values, kernel, bias, stride, padding, 1, groups)


def continued(values: Tensor, dim: int, points: int) -> Tensor:
    """Values with `points` more at both ends of a periodic axis, which has at least as many.

    >>> continued(torch.tensor([1.0, 2.0, 3.0]), 0, 1).tolist()
    [3.0, 1.0, 2.0, 3.0, 1.0]
    """
    size = values.shape[dim]
    return torch.cat([values.narrow(dim, size - points, points), values, values.narrow(dim, 0, points)], dim)
