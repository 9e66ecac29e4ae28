"""What a convolution becomes when a network is made an operator.

    Interpolated    the trained kernel keeps its size in the units of the box            same weights
    FixedOffsets    the trained kernel keeps the offsets that it reads                   same weights
    Replaced        a local integral, a derivative, or a spectral convolution            new weights, to be trained

Convolutions of one pixel are matrices at every point and stay what they are.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.layers.architecture import Described
from fredholm.layers.convolution import CONVOLUTIONS, Convolution
from fredholm.layers.extent import Extent
from fredholm.layers.kernel_interpolation import (
    Density,
    KernelInterpolatedConvolution,
    KernelInterpolation,
    Plain,
    keeps_grid,
)
from fredholm.layers.kernel_operators import KernelOperator


class ConvolutionRule(Described, ABC):
    """What becomes of a convolution that keeps its grid."""

    @abstractmethod
    def converted(self, convolution: Convolution | Plain, grid: Domain, shape: Sequence[int]) -> nn.Module:
        """Its counterpart between functions.

        Args:
            convolution: which `serves`.
            grid: of the network.
            shape: of the grid on which it was trained; if it is not `grid`'s, functions come resampled to it.
        """

    @abstractmethod
    def serves(self, convolution: nn.Module) -> bool:
        """Whether this rule has a counterpart for it."""


class Interpolated(ConvolutionRule):
    """The same weights, as a kernel that is a function; see `KernelInterpolatedConvolution`.

    Args:
        interpolation: what the kernel is between its pixels: `Density()`, if not given, or `FixedOffsets()`.
    """

    def __init__(self, interpolation: KernelInterpolation | None = None) -> None:
        self.interpolation = interpolation or Density()

    def serves(self, convolution: nn.Module) -> bool:
        return keeps_grid(convolution)

    def converted(self, convolution: Convolution | Plain, grid: Domain, shape: Sequence[int]) -> nn.Module:
        periodic = [axis.periodic for axis in grid_axes(grid)]
        return KernelInterpolatedConvolution(convolution, shape, periodic, self.interpolation)


class Replaced(ConvolutionRule):
    """A kernel operator beside a matrix on the channels, with weights of their own.

    Args:
        kind: of the kernel operator. Its size is that on the network's grid; on coarser grids it is as much larger.
    """

    def __init__(self, kind: KernelOperator) -> None:
        self.kind = kind

    def serves(self, convolution: nn.Module) -> bool:
        plain = convolution.kernel if isinstance(convolution, Convolution) else convolution
        return keeps_grid(convolution) and isinstance(plain, Plain) and plain.groups == 1

    def converted(self, convolution: Convolution | Plain, grid: Domain, shape: Sequence[int]) -> nn.Module:
        plain = convolution.kernel if isinstance(convolution, Convolution) else convolution
        assert isinstance(plain, Plain)
        extent = Extent.of(grid)
        spacings = zip(extent.spacing(shape), extent.spacing([axis.size for axis in grid_axes(grid)]), strict=True)
        kind = self.kind.scaled([coarse / fine for coarse, fine in spacings])
        return _BesideMatrix(plain, kind.layer(plain.in_channels, plain.out_channels, extent))


class _BesideMatrix(nn.Module):
    """v ↦ W v + b + K v."""

    def __init__(self, convolution: Plain, kernel: nn.Module) -> None:
        super().__init__()
        dimension, bias = len(convolution.kernel_size), convolution.bias is not None
        self.matrix = CONVOLUTIONS[dimension](convolution.in_channels, convolution.out_channels, 1, bias=bias)
        self.kernel = kernel

    def forward(self, values: Tensor) -> Tensor:
        total: Tensor = self.matrix(values) + self.kernel(values)
        return total
