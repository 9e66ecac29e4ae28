"""Normalisation of functions on a box: mean and variance are integrals, so they do not depend on the grid.

    y = γ (v - m) / (s² + ε)^½ + β,    m = ∫ v / |D|,    s² = ∫ (v - m)² / |D|

over the box and all channels of a group. On periodic axes all points weigh the same; points at the ends of others
stand for half a cell. With one group it is the group norm of convolutional networks, with as many as channels the
instance norm.

Sources: Wu and He, "Group normalization", 2018; Ulyanov, Vedaldi, Lempitsky, "Instance normalization", 2016.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.extent import Extent


class GridNorm(nn.Module, Described):
    """Group norm by quadrature.

    Args:
        channels: of the values.
        extent: the box.
        groups: of channels that are normalised together.

    >>> GridNorm(4, Extent([1.0], [False]))(torch.ones(2, 4, 9)).abs().max().item()
    0.0
    """

    def __init__(self, channels: int, extent: Extent, groups: int = 1) -> None:
        super().__init__()
        self.extent, self.groups = extent, groups
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, values: Float[Tensor, "batch channels *shape"]) -> Float[Tensor, "batch channels *shape"]:
        if all(self.extent.periodic):
            return nn.functional.group_norm(values, self.groups, self.weight, self.bias)
        share = self.extent.shares(values.shape[2:], values).flatten()
        share = share / share.sum()
        grouped = values.flatten(2).unflatten(1, (self.groups, -1))
        centred = grouped - (grouped * share).sum(-1, keepdim=True).mean(-2, keepdim=True)
        variance = (centred.square() * share).sum(-1, keepdim=True).mean(-2, keepdim=True)
        normal = (centred * torch.rsqrt(variance + 1e-5)).flatten(1, 2)
        answer = normal * self.weight.unsqueeze(-1) + self.bias.unsqueeze(-1)
        return answer.unflatten(2, values.shape[2:])
