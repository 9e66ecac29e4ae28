"""Convolutional networks with pooling, on sensor grids in one, two or three dimensions: images of u to a vector.

    x ↦ head(flatten(pool(σ(K_L * ... pool(σ(K₁ * x))...))))

Every pooling halves the grid, rounding down.

Sources: Kumar, Goswami, Kontolati, Shields, Karniadakis, "Synergistic learning with multi-task DeepONet", Neural
Networks 184 (2025) (branch of log-permeability and shape: kernels of 5; 16, 32, 64, 64 channels, average pooling, dense
layers of 128 with dropout); Luo et al. 2023, CFDBench (branch of a flow: four levels of 32 channels, max pooling).
"""

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.convolution import Convolution

_AVERAGE: tuple[type[nn.Module], ...] = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
_LARGEST: tuple[type[nn.Module], ...] = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)


class PoolingCNN(nn.Module, Described):
    """Features of a sensor grid, flat as sensors give them, to a vector.

    Args:
        shape: of the sensor grid.
        channels: of the input.
        widths: channels of the levels.
        size: pixels of a kernel along an axis, odd.
        activation: σ, before each pooling.
        average: whether pooling takes the mean of its pixels, or the largest.
        ends: whether a convolution without activation stands before the levels, and another one after them.
        head: from the last level's values, `features` of them, to the result; none by default.

    Raises ValueError where the grid is too small to be halved so often.

    >>> import torch
    >>> PoolingCNN((12, 12), 2, [4, 8], activation=nn.ReLU())(torch.zeros(5, 288)).shape
    torch.Size([5, 72])
    """

    def __init__(
        self,
        shape: Sequence[int],
        channels: int,
        widths: Sequence[int],
        size: int = 5,
        activation: nn.Module | None = None,
        average: bool = True,
        ends: bool = False,
        head: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if min(shape) < 2 ** len(widths):
            raise ValueError(f"a sensor grid of {tuple(shape)} points cannot be halved {len(widths)} times")
        self.grid = (channels, *shape)
        pooling = (_AVERAGE if average else _LARGEST)[len(shape) - 1]
        open_axes = [False] * len(shape)
        levels: list[nn.Module] = [Convolution(channels, widths[0], size, open_axes)] if ends else []
        before = widths[0] if ends else channels
        for width in widths:
            levels += [Convolution(before, width, size, open_axes), activation or nn.ReLU(), pooling(2)]
            before = width
        levels += [Convolution(before, before, size, open_axes)] if ends else []
        self.levels = nn.Sequential(*levels)
        self.head = head or nn.Identity()

    @staticmethod
    def features(shape: Sequence[int], widths: Sequence[int]) -> int:
        """Number of values that the last level has."""
        return widths[-1] * math.prod(side // 2 ** len(widths) for side in shape)

    def forward(self, features: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch outputs"]:
        values: Tensor = self.head(self.levels(features.unflatten(1, self.grid)).flatten(1))
        return values
