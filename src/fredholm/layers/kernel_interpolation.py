"""Convolutions trained on one grid, used on others: the kernel keeps its size in the units of the box.

On a grid with s times as many points along an axis, a kernel of k pixels becomes K' = M K along that axis, where

    density         K' is the piecewise linear function through K at its pixels, sampled at the new ones, times k / k'
    fixed offsets   y(x) = Σ_j K[j] v(x + j h) with the trained spacing h: v between grid points is linear, M its
    weights

A kernel that is a density is smoothed by its interpolation, so that the layer is another one as soon as s > 1, and
converges to an integral. At fixed offsets it is what was trained on every grid that holds the trained one's points,
and on others to second order. At s = 1 both are the trained layer, bit for bit. Zeros beyond a wall reach as far as
the kernel.

Source: "Principled approaches for extending neural architectures to function spaces for operator learning", Berner,
Liu-Schiaffini, Kossaifi, Duruisseaux, Bonev, Azizzadenesheli, Anandkumar, 2025 (the density).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.constants import constant
from fredholm.layers.convolution import CONVOLVE, Convolution, continued
from fredholm.layers.resampling import along_axis

Plain = nn.Conv1d | nn.Conv2d | nn.Conv3d


class KernelInterpolation(Described, ABC):
    """What a kernel of pixels is between its pixels."""

    @abstractmethod
    def matrix(self, pixels: int, dilation: int, cells: int, trained: int, like: Tensor) -> Float[Tensor, "new pixels"]:
        """M along an axis of `cells` cells, for a kernel whose pixels were `dilation` of its `trained` cells apart."""


class Density(KernelInterpolation):
    """A function of the offset: linear between its pixels, zero beyond the outermost."""

    def matrix(self, pixels: int, dilation: int, cells: int, trained: int, like: Tensor) -> Float[Tensor, "new pixels"]:
        return _density(pixels, dilation, cells, trained, like=like)


class FixedOffsets(KernelInterpolation):
    """A sum of values at fixed offsets from the point."""

    def matrix(self, pixels: int, dilation: int, cells: int, trained: int, like: Tensor) -> Float[Tensor, "new pixels"]:
        return _fixed_offsets(pixels, dilation, cells, trained, like=like)


class KernelInterpolatedConvolution(nn.Module):
    """A trained convolution that keeps the grid, on any grid over the same box.

    Args:
        convolution: with odd sizes, stride 1, and padding by zeros or around a period that keeps the grid; its
        weights are taken
            over, not copied.
        trained_on: shape of the grid on which its kernel counts pixels.
        periodic: for each axis of the box, whether it closes on itself.
        interpolation: what the kernel is between its pixels.

    Raises ValueError for a convolution that changes the grid.

    >>> import torch
    >>> trained = Convolution(1, 2, size=3, periodic=[True])
    >>> layer = KernelInterpolatedConvolution(trained, [16], [True], Density())
    >>> torch.equal(layer(torch.ones(1, 1, 16)), trained(torch.ones(1, 1, 16))), layer(torch.ones(1, 1, 64)).shape
    (True, torch.Size([1, 2, 64]))
    """

    def __init__(
        self,
        convolution: Convolution | Plain,
        trained_on: Sequence[int],
        periodic: Sequence[bool],
        interpolation: KernelInterpolation,
    ) -> None:
        super().__init__()
        if not keeps_grid(convolution):
            raise ValueError(
                f"{convolution} changes its grid: only convolutions that keep it have an interpolated kernel"
            )
        kernel = convolution.kernel if isinstance(convolution, Convolution) else convolution
        assert isinstance(kernel, Plain)
        self.weight, self.bias = kernel.weight, kernel.bias
        self.groups, self.dilation = kernel.groups, tuple(kernel.dilation)
        closes = kernel.padding_mode == "circular"
        self.closes = convolution.periodic if isinstance(convolution, Convolution) else (closes,) * len(self.dilation)
        self.periodic, self.interpolation = tuple(periodic), interpolation
        self.trained = tuple(_cells(n, p) for n, p in zip(trained_on, periodic, strict=True))

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        kernel, dilation, reach = self.weight, list(self.dilation), []
        axes = zip(values.shape[2:], self.periodic, self.trained, self.dilation, strict=True)
        for axis, (size, periodic, trained, step) in enumerate(axes):
            cells = _cells(size, periodic)
            if cells != trained:
                matrix = self.interpolation.matrix(kernel.shape[2 + axis], step, cells, trained, kernel)
                kernel, dilation[axis] = along_axis(matrix, kernel, 2 + axis), 1
            reach.append(dilation[axis] * (kernel.shape[2 + axis] // 2))
        for dim, (closes, points) in enumerate(zip(self.closes, reach, strict=True), start=2):
            values = continued(values, dim, points) if closes and points else values
        padding = [0 if closes else points for closes, points in zip(self.closes, reach, strict=True)]
        return CONVOLVE[len(padding)](values, kernel, self.bias, 1, padding, dilation, self.groups)


def keeps_grid(layer: nn.Module) -> bool:
    """Whether a layer is a convolution of odd size whose padding, by zeros or around a period, keeps every grid."""
    if isinstance(layer, Convolution):
        return layer.stride == 1
    if not isinstance(layer, Plain) or layer.padding_mode not in ("zeros", "circular"):
        return False
    same = [step * (size // 2) for step, size in zip(layer.dilation, layer.kernel_size, strict=True)]
    odd = all(size % 2 for size in layer.kernel_size)
    return odd and set(layer.stride) == {1} and (layer.padding == "same" or list(layer.padding) == same)


def _cells(size: int, periodic: bool) -> int:
    return size if periodic else size - 1


@constant
def _density(pixels: int, dilation: int, cells: int, trained: int) -> np.ndarray:
    span = dilation * cells / trained  # of a pixel, in those of the new grid
    reach = int(span * (pixels // 2) + 1e-9)
    matrix = _hats(np.arange(-reach, reach + 1) / span, pixels)
    return matrix * (pixels / len(matrix))


@constant
def _fixed_offsets(pixels: int, dilation: int, cells: int, trained: int) -> np.ndarray:
    offsets = (np.arange(pixels) - pixels // 2) * (dilation * cells / trained)
    reach = int(np.ceil(offsets[-1] - 1e-9))
    return _hats(offsets, 2 * reach + 1).T


def _hats(positions: np.ndarray, nodes: int) -> np.ndarray:
    """Linear interpolation between nodes at ..., -1, 0, 1, ...: (positions, nodes)."""
    return np.clip(1 - np.abs(positions[:, None] - (np.arange(nodes) - nodes // 2)), 0, None)
