"""Kernel integrals on graphs: what a function is in the neighbourhood of a point, by quadrature over its neighbours.

    (K v)(x) = 1/|B| ∫_B κ(x, y - x) ∘ v(y) τ(|y - x|) dy  ≈  Σ_{j: |y_j - x| < 1} w_j / |B| τ(|y_j - x|) κ(x, y_j -
    x) ∘ v_j

Places are scaled so that the neighbourhood B is the unit ball; κ is a network. τ(s) = 1 - s² takes neighbours in
without a jump. The radius is in physical units and every neighbour counts by its quadrature weight: a graph of
nearest neighbours, or a sum that counts points, has no limit under refinement.

Source: Li, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar, "Neural operator: graph kernel network
for partial differential equations", 2020.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.radius_graph import padded, radius_graph


@dataclass(frozen=True)
class Neighbourhoods:
    """For m points, up to k of n others within the unit ball around each.

    Args:
        indices: (m, k) of the neighbours, (batch, m, k) where they differ by sample, None where all n are candidates.
        offsets: y_j - x, (m, k, d) or (batch, m, k, d).
        measure: w_j τ / |B|, (m, k) or (batch, m, k); zero for what is no neighbour.
    """

    indices: Tensor | None
    offsets: Tensor
    measure: Tensor

    def gathered(self, values: Float[Tensor, "batch n width"]) -> Tensor:
        """Values at the neighbours, (batch, m, k, width), or (batch, 1, n, width) where all are candidates."""
        if self.indices is None:
            return values.unsqueeze(1)
        if self.indices.ndim == 2:
            return values[:, self.indices.flatten()].unflatten(1, self.indices.shape)
        flat = self.indices.flatten(1).unsqueeze(-1).expand(-1, -1, values.shape[-1])
        return values.gather(1, flat).unflatten(1, self.indices.shape[1:])


def neighbourhoods(
    places: Float[Tensor, "*#batch n d"],
    weights: Float[Tensor, "*#batch n"],
    around: Float[Tensor, "*#batch m d"],
    periods: Float[Tensor, " d"],
    most: int | None = None,
) -> Neighbourhoods:
    """Neighbours of points that come with the question, among all pairs; with `most`, that many nearest are kept.

    Points and questions without a batch are those of all samples; `periods` are the lengths of the coordinates that
    close on themselves, 0 for others.
    """
    offsets = _shortest(places.unsqueeze(-3) - around.unsqueeze(-2), periods)
    squared = offsets.square().sum(-1)
    weights = weights.unsqueeze(-2).expand_as(squared)
    indices = None
    if most is not None:
        nearest = torch.where(weights > 0, squared, torch.inf).topk(most, largest=False).indices
        squared, weights = squared.gather(-1, nearest), weights.gather(-1, nearest)
        offsets = offsets.gather(-2, nearest.unsqueeze(-1).expand(*nearest.shape, offsets.shape[-1]))
        indices = nearest
    return Neighbourhoods(indices, offsets, weights * (1 - squared).clamp_min(0) / ball_volume(places.shape[-1]))


def fixed_neighbourhoods(
    places: Float[Tensor, "n d"], weights: Float[Tensor, " n"], periods: Float[Tensor, " d"]
) -> Neighbourhoods:
    """Neighbours among a fixed set of points, found once."""
    indices, present = padded(radius_graph(places, 1.0, periods=periods.tolist()), len(places))
    offsets = _shortest(places[indices] - places[:, None], periods)
    measure = weights[indices] * present * (1 - offsets.square().sum(-1)).clamp_min(0) / ball_volume(places.shape[1])
    return Neighbourhoods(indices, offsets, measure)


def most_neighbours(places: Float[Tensor, "n d"], periods: Float[Tensor, " d"]) -> int:
    """No unit ball, wherever its centre, has more points: those in it are within 2 of each of them."""
    return int(torch.bincount(radius_graph(places, 2.0, periods=periods.tolist())[1]).max())


def _shortest(offsets: Float[Tensor, "*pairs d"], periods: Float[Tensor, " d"]) -> Float[Tensor, "*pairs d"]:
    """Offsets to the nearest image along coordinates that close on themselves."""
    length = torch.where(periods > 0, periods, torch.ones_like(periods))
    return offsets - periods * torch.round(offsets / length)


def ball_volume(dimension: int) -> float:
    """Volume of the unit ball.

    >>> round(ball_volume(1), 6), round(ball_volume(2), 6)
    (2.0, 3.141593)
    """
    return math.pi ** (dimension / 2) / math.gamma(dimension / 2 + 1)


class GraphKernelIntegral(nn.Module, Described):
    """Integral of the neighbouring values, channel by channel, against a network of place and offset.

    Args:
        width: channels.
        inputs: width of the encoded places x, which κ sees beside the offset.
        dimension: of the offsets.
        hidden: width of κ's hidden layer.
    """

    def __init__(self, width: int, inputs: int, dimension: int, hidden: int = 32) -> None:
        super().__init__()
        self.kernel = nn.Sequential(nn.Linear(inputs + dimension, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(
        self, values: Float[Tensor, "batch n width"], where: Float[Tensor, "#batch m inputs"], near: Neighbourhoods
    ) -> Float[Tensor, "batch m width"]:
        offsets = near.offsets if near.offsets.ndim == 4 else near.offsets.unsqueeze(0)
        place = where.unsqueeze(2).expand(*offsets.shape[:3], -1)
        kernel = self.kernel(torch.cat([place, offsets], dim=-1)) * near.measure.unsqueeze(-1)
        return (kernel * near.gathered(values)).sum(2)
