"""Kinds of linear maps between functions on a box, as objects that make the layer.

    LocalIntegral   ∫_{|y| < r} κ(y) v(x + y) dy          a kernel of fixed size
    Differential    b·∇v  or  ½ a : ∇∇v                   its limit as it shrinks to a point
    Spectral        Σ_k exp(2πi k·x / L) W(k) v̂(k)        a kernel on the whole box, smooth and periodic

A network that is a sum of such maps at every layer is a neural operator, whatever grid samples its functions.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

from torch import nn

from fredholm.layers.architecture import Described
from fredholm.layers.extent import Extent
from fredholm.layers.finite_difference import FiniteDifferenceConvolution
from fredholm.layers.local_integral import LocalIntegralConvolution
from fredholm.layers.spectral_convolution import SpectralConvolution
from fredholm.layers.spectral_weights import WeightFormat


class KernelOperator(Described, ABC):
    """A kind of linear map between functions with several channels."""

    @abstractmethod
    def layer(self, inputs: int, outputs: int, extent: Extent) -> nn.Module:
        """A new map of this kind from `inputs` to `outputs` channels on a box."""

    def scaled(self, factors: Sequence[float]) -> "KernelOperator":
        """The same for a grid that is coarser by a factor along each axis; another one only if it has a size."""
        return self


class LocalIntegral(KernelOperator):
    """Integral against a kernel on a ball; see `LocalIntegralConvolution`.

    Args:
        radius: for each axis, or one for all, in the units of the box.
        rings: number of radii at which the kernel is free.
    """

    def __init__(self, radius: float | Sequence[float], rings: int = 2) -> None:
        self.radius, self.rings = radius, rings

    def scaled(self, factors: Sequence[float]) -> "LocalIntegral":
        radii = self.radius if isinstance(self.radius, Sequence) else [self.radius] * len(factors)
        return LocalIntegral([radius * factor for radius, factor in zip(radii, factors, strict=True)], self.rings)

    def layer(self, inputs: int, outputs: int, extent: Extent) -> LocalIntegralConvolution:
        return LocalIntegralConvolution(inputs, outputs, extent, self.radius, self.rings)


class Differential(KernelOperator):
    """A first or second derivative in learned directions; see `FiniteDifferenceConvolution`."""

    def __init__(self, order: Literal[1, 2] = 1) -> None:
        self.order: Literal[1, 2] = order

    def layer(self, inputs: int, outputs: int, extent: Extent) -> FiniteDifferenceConvolution:
        return FiniteDifferenceConvolution(inputs, outputs, extent, self.order)


class Spectral(KernelOperator):
    """Multiplication of the low Fourier coefficients; see `SpectralConvolution`.

    Args:
        modes: frequencies kept along every axis, positive and negative together.
        weights: format of the matrices.
    """

    def __init__(self, modes: Sequence[int], weights: WeightFormat | None = None) -> None:
        self.modes, self.weights = tuple(modes), weights

    def layer(self, inputs: int, outputs: int, extent: Extent) -> SpectralConvolution:
        return SpectralConvolution(inputs, outputs, self.modes, self.weights)
