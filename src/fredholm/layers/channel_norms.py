"""Norms between the layers of a network on grids, as objects that a network is built with.

    y = γ (v - m) / (s² + ε)^½ + β

m and s² are mean and variance over all points and a group of channels: of all of them in one (group norm with one
group), or of each by itself (instance norm). On periodic grids both are integrals, so that the grid does not matter.
Functions have their channels beside the last axis, (batch, *all axes but the last, channels, last axis).

Sources: Wu and He, "Group normalization", 2018; Ulyanov, Vedaldi, Lempitsky, "Instance normalization", 2016.
"""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described


class Norm(Described, ABC):
    """Which norm."""

    @abstractmethod
    def module(self, channels: int) -> nn.Module:
        """A norm of this many channels, with weights of its own."""


class ChannelGroupNorm(Norm):
    """Group norm.

    Args:
        groups: of channels that are normalised together, a divisor of the channels.

    >>> import torch
    >>> ChannelGroupNorm(2).module(4)(torch.randn(3, 8, 4, 8)).shape
    torch.Size([3, 8, 4, 8])
    """

    def __init__(self, groups: int = 1) -> None:
        if groups < 1:
            raise ValueError(f"groups={groups}: expected at least one group of channels")
        self.groups = groups

    def module(self, channels: int) -> nn.Module:
        if channels % self.groups:
            raise ValueError(f"{channels} channels do not make {self.groups} groups of equal size")
        return ChannelNorm(self.groups, channels)


class ChannelInstanceNorm(Norm):
    """Every channel by itself."""

    def module(self, channels: int) -> nn.Module:
        return ChannelNorm(channels, channels)


class ChannelNorm(nn.GroupNorm):
    """Group norm for channels beside the last axis."""

    def forward(self, values: Float[Tensor, "batch *rows channels last"]) -> Float[Tensor, "batch *rows channels last"]:
        return super().forward(values.movedim(-2, 1)).movedim(1, -2)
