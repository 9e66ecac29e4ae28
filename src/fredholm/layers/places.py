"""Places in the unit box as networks use them: coordinates on a line or a circle, and as rotations of channels.

    encoding    yᵢ ↦ (cos 2πyᵢ, sin 2πyᵢ) on a periodic axis, yᵢ on others
    rotary      (a, b) ↦ (a cos θ - b sin θ, a sin θ + b cos θ),    θ = 2π f yᵢ

Rotated so, the product of a query at x and a key at y depends on places by x - y alone. Frequencies are whole on
periodic axes, where both are therefore continuous across the seam, and start at half a cycle on others. No index of a
point enters.

Sources: Su, Lu, Pan, Murtadha, Wen, Liu, "RoFormer", 2021 (rotary embedding); Li, Meidani, Farimani, "Transformer for
partial differential equations' operator learning", TMLR 2023 (of coordinates).
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.constants import constant

_HIGHEST = 8.0  # cycles over the box of the fastest rotation: grids from 32 points on resolve its products


class PlaceEncoding(nn.Module):
    """Places (..., d) to features (..., width) that are continuous on a torus.

    >>> PlaceEncoding([True, False])(torch.tensor([[0.5, 0.25]])).round(decimals=3).tolist()
    [[-1.0, -0.0, 0.25]]
    """

    def __init__(self, periodic: Sequence[bool]) -> None:
        super().__init__()
        self.periodic = tuple(periodic)
        self.width = len(self.periodic) + sum(self.periodic)

    def forward(self, places: Float[Tensor, "*points d"]) -> Float[Tensor, "*points width"]:
        columns = []
        for axis, closes in enumerate(self.periodic):
            place = places[..., axis : axis + 1]
            angle = 2 * torch.pi * place
            columns += [torch.cos(angle), torch.sin(angle)] if closes else [place]
        return torch.cat(columns, dim=-1)


class Rotary(nn.Module):
    """Rotate pairs of channels (..., n, width) by angles that are linear in places; the axes take turns.

    Raises ValueError for fewer pairs than axes.
    """

    def __init__(self, width: int, periodic: Sequence[bool]) -> None:
        super().__init__()
        self.pairs, self.periodic = width // 2, tuple(periodic)
        if width % 2 or self.pairs < len(self.periodic):
            raise ValueError(
                f"{width} channels cannot be rotated by {len(self.periodic)} coordinates: take an even number, at "
                f"least {2 * len(self.periodic)}"
            )

    def forward(
        self, channels: Float[Tensor, "batch heads n width"], places: Float[Tensor, "#batch n d"]
    ) -> Float[Tensor, "batch heads n width"]:
        angles = (places @ _frequencies(self.pairs, *self.periodic, like=places)).unsqueeze(1)
        cosine, sine = torch.cos(angles).to(channels.dtype), torch.sin(angles).to(channels.dtype)
        first, second = channels[..., : self.pairs], channels[..., self.pairs :]
        return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


@constant
def _frequencies(pairs: int, *periodic: bool) -> np.ndarray:
    """2π f of every axis and pair, (d, pairs): zero but for the axis whose turn it is."""
    axes = len(periodic)
    angular = np.zeros((axes, pairs))
    for axis, closes in enumerate(periodic):
        own = np.arange(axis, pairs, axes)
        cycles = np.geomspace(1.0, _HIGHEST, len(own)) if len(own) > 1 else np.ones(1)
        angular[axis, own] = 2 * np.pi * (cycles.round() if closes else cycles / 2)
    return angular
