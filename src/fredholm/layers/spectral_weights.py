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


def multiply(
    coefficients: Float[Tensor, "batch inputs 2 kept"], weight: Float[Tensor, "kept inputs 2 outputs"]
) -> Float[Tensor, "batch outputs 2 kept"]:
    """Σᵢ W(k)ᵢₒ û(k)ᵢ: one batched product of the real and of the imaginary parts with both parts of W."""
    batch = coefficients.shape[0]
    by_mode = coefficients.permute(3, 2, 0, 1).flatten(1, 2)  # (kept, 2 batch, inputs)
    products = (by_mode @ weight.flatten(2)).unflatten(2, weight.shape[2:]).unflatten(1, (2, batch))
    real = products[:, 0, :, 0] - products[:, 1, :, 1]
    imaginary = products[:, 0, :, 1] + products[:, 1, :, 0]
    return torch.stack([real, imaginary]).permute(2, 3, 0, 1)
