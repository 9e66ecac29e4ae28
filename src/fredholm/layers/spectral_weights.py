"""Weights of spectral convolutions, v̂(k) = W(k) û(k): one complex matrix a frequency, in several formats.

A format is a small object that says how W is stored, `Dense()`; its weights are a module that multiplies. Complex
numbers are pairs of real ones throughout, and the frequencies come first, so that a product is one batched real one.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.one_pass import LANES, suits
from fredholm.layers.one_pass_mixing import mixed_in_one_pass

Windows = tuple[tuple[int, int], ...]


class SpectralWeights(nn.Module, ABC):
    """W of one spectral convolution, (*modes, inputs, outputs) complex numbers in some format.

    Attributes:
        inputs, outputs: channels.
        modes: frequencies of every axis.
    """

    def __init__(self, inputs: int, outputs: int, modes: Sequence[int]) -> None:
        super().__init__()
        self.inputs, self.outputs, self.modes = inputs, outputs, tuple(modes)

    @abstractmethod
    def forward(
        self, coefficients: Float[Tensor, "batch inputs 2 kept"], windows: Windows
    ) -> Float[Tensor, "batch outputs 2 kept"]:
        """W(k) û(k) for the frequencies in the windows of the axes, flattened to one."""

    @abstractmethod
    def dense(self, windows: Windows | None = None) -> Float[Tensor, "*modes inputs 2 outputs"]:
        """W itself: for every frequency and input channel, real and imaginary parts of what goes to the outputs."""

    @abstractmethod
    def silence(self, windows: Windows) -> None:
        """Make W zero, by its weights, for all frequencies outside the windows."""


class WeightFormat(Described, ABC):
    """How the weights of a spectral convolution are stored."""

    @abstractmethod
    def weights(self, inputs: int, outputs: int, modes: Sequence[int], deviation: float) -> SpectralWeights:
        """New random weights; entries of W have this standard deviation (of real and imaginary part together)."""


class Dense(WeightFormat):
    """Every entry of W is a weight."""

    def weights(self, inputs: int, outputs: int, modes: Sequence[int], deviation: float) -> SpectralWeights:
        return DenseWeights(inputs, outputs, modes, deviation)


class DenseWeights(SpectralWeights):
    """W, entry by entry."""

    def __init__(self, inputs: int, outputs: int, modes: Sequence[int], deviation: float) -> None:
        super().__init__(inputs, outputs, modes)
        self.weight = nn.Parameter(torch.randn(*modes, inputs, 2, outputs) * (deviation / math.sqrt(2)))

    def forward(
        self, coefficients: Float[Tensor, "batch inputs 2 kept"], windows: Windows
    ) -> Float[Tensor, "batch outputs 2 kept"]:
        return multiply(coefficients, self.dense(windows).flatten(0, -4))

    def dense(self, windows: Windows | None = None) -> Float[Tensor, "*modes inputs 2 outputs"]:
        weight: Tensor = self.weight
        for axis, (start, stop) in enumerate(windows or ()):
            if (start, stop) != (0, self.modes[axis]):
                weight = weight.narrow(axis, start, stop - start)
        return weight

    def silence(self, windows: Windows) -> None:
        silence(self.weight, windows)


@torch.no_grad()
def silence(weight: Tensor, windows: Windows, first: int = 0) -> None:
    """Zeros outside the windows of the axes first, first + 1, ..."""
    for axis, (start, stop) in enumerate(windows, first):
        weight.narrow(axis, 0, start).zero_()
        weight.narrow(axis, stop, weight.shape[axis] - stop).zero_()


def multiply(
    coefficients: Float[Tensor, "batch inputs 2 kept"], weight: Float[Tensor, "kept inputs 2 outputs"]
) -> Float[Tensor, "batch outputs 2 kept"]:
    """Σᵢ W(k)ᵢₒ û(k)ᵢ: one batched product of the real and of the imaginary parts with both parts of W."""
    rows = coefficients.permute(3, 2, 0, 1)  # (kept, 2, batch, inputs), which costs nothing after a transform
    if rows.shape[3] % LANES == weight.shape[3] % LANES == 0 and suits(rows, weight):
        return mixed_in_one_pass(rows, weight).permute(2, 3, 1, 0)
    products = (rows.flatten(1, 2) @ weight.flatten(2)).unflatten(2, weight.shape[2:])
    from_real, from_imaginary = products.unflatten(1, (2, rows.shape[2])).unbind(1)  # (kept, batch, 2, outputs)
    real = from_real[:, :, 0] - from_imaginary[:, :, 1]
    imaginary = from_real[:, :, 1] + from_imaginary[:, :, 0]
    return torch.stack([real, imaginary]).permute(2, 3, 0, 1)
