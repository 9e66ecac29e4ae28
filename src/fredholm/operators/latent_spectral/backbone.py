"""The multiscale backbone of latent spectral models: a U-Net with a block on every scale before it is merged.

    x₁ = D(x),  xₛ₊₁ = D(max-pool xₛ)                     the scales, each half as fine as the one before
    y ← block(x_S),   y ← D([block(xₛ), 2 x finer y])     from the coarsest to the finest
    D = [convolution 3ᵈ, normalisation, ReLU] twice

Maps become twice as fine by multilinear interpolation that keeps the corners. Channels are w, 2w, 4w, ..., twice as
many a scale, but the coarsest has as many as the one before it.

Source: Wu, Hu, Luo, Wang, Long, "Solving high-dimensional PDEs with latent spectral models", ICML 2023, section 3.3.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.convolution import CONVOLUTIONS

_POOLINGS: dict[int, type[nn.Module]] = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
_INTERPOLATIONS = {1: "linear", 2: "bilinear", 3: "trilinear"}


class MapNorm(Described, ABC):
    """How the maps of a convolutional network are normalised."""

    @abstractmethod
    def layer(self, dimension: int, channels: int) -> nn.Module:
        """A new layer for maps of this dimension."""


class BatchNorm(MapNorm):
    """Over batch and map, with running statistics in evaluation."""

    def layer(self, dimension: int, channels: int) -> nn.Module:
        kinds = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
        return kinds[dimension](channels)


class InstanceNorm(MapNorm):
    """Over each map by itself: no running statistics, which differ from step to step where a model feeds itself."""

    def layer(self, dimension: int, channels: int) -> nn.Module:
        kinds = {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
        return kinds[dimension](channels)


def widths_of(width: int, scales: int) -> list[int]:
    """Channels of the scales, the finest first.

    >>> widths_of(32, 5)
    [32, 64, 128, 256, 256]
    """
    return [width * 2**scale for scale in range(scales - 1)] + [width * 2 ** max(0, scales - 2)]


class MultiscaleBackbone(nn.Module):
    """The backbone on maps of `dimension` axes, each a multiple of 2 ** (len(blocks) - 1) long.

    Args:
        dimension: of the maps, 1 to 3.
        width: channels of the finest scale.
        blocks: on each scale, the finest first, a module that keeps its map's shape.
        norm: of the convolutions.
    """

    def __init__(self, dimension: int, width: int, blocks: Sequence[nn.Module], norm: MapNorm) -> None:
        super().__init__()
        widths = widths_of(width, len(blocks))
        self.mode = _INTERPOLATIONS[dimension]

        def double(inputs: int, middle: int, outputs: int) -> nn.Sequential:
            return nn.Sequential(
                CONVOLUTIONS[dimension](inputs, middle, 3, padding=1, bias=False),
                norm.layer(dimension, middle),
                nn.ReLU(inplace=True),
                CONVOLUTIONS[dimension](middle, outputs, 3, padding=1, bias=False),
                norm.layer(dimension, outputs),
                nn.ReLU(inplace=True),
            )

        self.down = nn.ModuleList(double(a, b, b) for a, b in zip([width, *widths], widths, strict=False))
        self.up = nn.ModuleList(  # to what the next finer scale has, so that both halves of a merger are alike
            double(2 * c, c, widths[max(0, scale - 1)]) for scale, c in enumerate(widths[:-1])
        )
        self.pool = _POOLINGS[dimension](2)
        self.blocks = nn.ModuleList(blocks)

    def forward(self, values: Float[Tensor, "batch width *shape"]) -> Float[Tensor, "batch width *shape"]:
        maps = [self.down[0](values)]
        for convolutions in list(self.down)[1:]:
            maps.append(convolutions(self.pool(maps[-1])))
        values = self.blocks[-1](maps[-1])
        for scale in reversed(range(len(self.up))):
            finer = nn.functional.interpolate(values, scale_factor=2, mode=self.mode, align_corners=True)
            values = self.up[scale](torch.cat([self.blocks[scale](maps[scale]), finer], dim=1))
        return values
