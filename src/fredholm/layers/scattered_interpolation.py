"""Interpolation of values at scattered points to others, inside the graph, for clouds that come with every sample.

    u(y) = Σⱼ ωⱼ uⱼ / Σⱼ ωⱼ,      ωⱼ = ((R - dⱼ) / (R dⱼ))²,   dⱼ = |y - xⱼ|

over the nearest points, with R the distance to the farthest of them. It takes the given values at the points
themselves, lies between the values around, and is continuous: a point has no share any more where it leaves the sum.

Source: Shepard, "A two-dimensional interpolation function for irregularly-spaced data", 1968, with the local weights of
Franke and Little (Franke, "Scattered data interpolation: tests of some methods", Mathematics of Computation 38, 1982).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def nearest_points(
    points: Float[Tensor, "#batch n d"],
    weights: Float[Tensor, "#batch n"],
    queries: Float[Tensor, "#batch m d"],
    count: int,
) -> tuple[Int[Tensor, "#batch m k"], Float[Tensor, "#batch m k"]]:
    """Indices and squared distances of the `count` points nearest to each query, the nearest first.

    Points of weight zero are padding, and infinitely far, as are the points that are missing where n < count.
    """
    # differences, not |x|² - 2xy + |y|², which would lose near neighbours to cancellation in single precision
    squares = (queries.unsqueeze(2) - points.unsqueeze(1)).square().sum(-1)
    squares = torch.where(weights.unsqueeze(1) > 0, squares, torch.inf)
    beyond = squares.new_full((1, 1, 1), torch.inf).expand(squares.shape[0], squares.shape[1], count)
    distances, indices = torch.cat([squares, beyond], dim=-1).topk(count, dim=-1, largest=False)
    return indices.clamp(max=points.shape[1] - 1), distances


def interpolated(
    values: Float[Tensor, "batch channels n"],
    points: Float[Tensor, "#batch n d"],
    weights: Float[Tensor, "#batch n"],
    queries: Float[Tensor, "*batch m d"],
    neighbours: int = 6,
) -> Float[Tensor, "batch channels m"]:
    """Values at queries (m, d) common to all samples, or (batch, m, d) of each, from so many neighbours.

    >>> line, u = torch.tensor([[[0.0], [1.0], [3.0]]]), torch.tensor([[[5.0, 7.0, 9.0]]])
    >>> interpolated(u, line, torch.ones(1, 3), torch.tensor([[0.0], [0.5], [3.0]])).round(decimals=3).tolist()
    [[[5.0, 6.0, 9.0]]]
    """
    batch, channels, n = values.shape
    indices, squares = nearest_points(points, weights, queries if queries.ndim == 3 else queries[None], neighbours)
    there = torch.isfinite(squares)
    distance = torch.where(there, squares, 0.0).clamp(min=1e-24).sqrt()
    farthest = 1.001 * distance.amax(-1, keepdim=True)  # so that something is left where all are equally far
    share = torch.where(there, (1 / distance - 1 / farthest).square(), 0.0)
    share = share / share.sum(-1, keepdim=True)
    rows = indices + n * torch.arange(batch, device=values.device)[:, None, None]
    near = values.mT.reshape(-1, channels).index_select(0, rows.flatten()).unflatten(0, rows.shape)
    return (near * share.unsqueeze(-1).to(near.dtype)).sum(2).mT
