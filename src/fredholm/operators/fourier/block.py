"""One block of a Fourier neural operator.

    h = σ(K v + W v),        v ↦ σ(V₂ σ(V₁ h + c₁) + c₂ + g ∘ v)

K is a spectral convolution, W a matrix on the channels, g a gate a channel; the last block of a network has no outer σ.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.spectral_convolution import SpectralConvolution
from fredholm.layers.spectral_weights import WeightFormat


class ChannelLinear(nn.Module):
    """v ↦ W v + b on the channels at every point, initialised as torch's convolutions."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound)) if bias else None

    def forward(self, values: Float[Tensor, "batch inputs points"]) -> Float[Tensor, "batch outputs points"]:
        mixed = self.weight @ values
        return mixed if self.bias is None else mixed + self.bias.unsqueeze(-1)


class ChannelNetwork(nn.Module):
    """v ↦ V₂ σ(V₁ v + c₁) + c₂ on the channels at every point."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = ChannelLinear(inputs, hidden), ChannelLinear(hidden, outputs)

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        mixed = self.second(nn.functional.gelu(self.first(values.flatten(2))))
        return mixed.unflatten(2, values.shape[2:])


class FourierBlock(nn.Module):
    """Spectral convolution beside a linear map, then a channel network beside a gate."""

    def __init__(
        self, width: int, modes: Sequence[int], weights: WeightFormat | None = None, last: bool = False
    ) -> None:
        super().__init__()
        self.last = last
        self.convolution = SpectralConvolution(width, width, modes, weights)
        self.skip = ChannelLinear(width, width, bias=False)
        self.network = ChannelNetwork(width, round(width * 0.5), width)
        self.gate = nn.Parameter(torch.ones(width))

    def forward(self, values: Float[Tensor, "batch width *shape"]) -> Float[Tensor, "batch width *shape"]:
        shape = values.shape[2:]
        hidden = self.convolution(values) + self.skip(values.flatten(2)).unflatten(2, shape)
        hidden = hidden if self.last else nn.functional.gelu(hidden)
        mixed = self.network(hidden) + self.gate.reshape(-1, *[1] * len(shape)) * values
        return mixed if self.last else nn.functional.gelu(mixed)
