"""Decoders: what a message-passing solver answers at a point, from its features there."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described


class Decoder(Described, ABC):
    """From `width` features to channels, at every point alike."""

    @abstractmethod
    def layer(self, width: int, channels: int, activation: nn.Module) -> nn.Module:
        """A new network (batch, n, width) -> (batch, n, channels); raises ValueError for sizes that it cannot join."""


class Pointwise(Decoder):
    """Two layers."""

    def layer(self, width: int, channels: int, activation: nn.Module) -> nn.Module:
        return nn.Sequential(nn.Linear(width, width), activation, nn.Linear(width, channels))


class TimeBundle(Decoder):
    """Channels are consecutive time steps: the features are read as a signal in time.

        d = kernel₂ * σ(kernel₁ * f),      channel k = (k / K) d_k,   k = 1 ... K

    Steps of one bundle are smooth in each other, and grow from the state before them (add it by `residual`) in
    proportion to the time since then. kernel₂ is as long as it takes to leave K steps.

    Source: Brandstetter, Worrall, Welling, "Message passing neural PDE solvers", ICLR 2022, section 3.1 and appendix F.

    Args:
        kernel: length of kernel₁, which has 8 channels.
        stride: of kernel₁.
    """

    def __init__(self, kernel: int = 16, stride: int = 3) -> None:
        self.kernel, self.stride = kernel, stride

    def layer(self, width: int, channels: int, activation: nn.Module) -> nn.Module:
        left = (width - self.kernel) // self.stride + 1
        if width < self.kernel or left < channels:
            raise ValueError(
                f"a kernel of {self.kernel} at stride {self.stride} leaves {max(left, 0)} of {width} features, fewer "
                f"than {channels} time steps: take more width, or a smaller kernel or stride"
            )
        first = nn.Conv1d(1, 8, self.kernel, self.stride)
        second = nn.Conv1d(8, 1, left - channels + 1)
        return _Bundle(nn.Sequential(first, activation, second), channels)


class _Bundle(nn.Module):
    times: Tensor

    def __init__(self, convolutions: nn.Module, steps: int) -> None:
        super().__init__()
        self.convolutions = convolutions
        self.register_buffer("times", torch.arange(1, steps + 1) / steps, persistent=False)

    def forward(self, features: Float[Tensor, "batch n width"]) -> Float[Tensor, "batch n steps"]:
        rates = self.convolutions(features.reshape(-1, 1, features.shape[-1]))
        values: Tensor = rates.reshape(*features.shape[:2], -1) * self.times
        return values
