"""Neighbourhoods of a fixed radius in physical units: which points exchange what.

    N_r(y) = {j : |xⱼ - y| ≤ r}

A radius in the units of the coordinates, unlike a number of nearest neighbours or the edges of a mesh, means the same
ball however many points sample it; so sums over it, weighted by quadrature or averaged, have a limit under refinement.

`radius_graph` lists the pairs of a fixed set of points, in float64 by a k-d tree, once. `padded` turns a list of pairs
into a rectangle of neighbours, so that aggregation is a gather and a weighted sum, the same in every run and back-end.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


def radius_graph(
    points: Float[Tensor, "n d"],
    radius: float,
    queries: Float[Tensor, "m d"] | None = None,
    periods: Sequence[float | None] | None = None,
) -> Int[Tensor, "2 e"]:
    """Pairs (j, i) with |xⱼ - yᵢ| ≤ radius, ordered by the receiver i and then by the sender j.

    Args:
        points: the senders xⱼ.
        radius: in the units of the coordinates.
        queries: the receivers yᵢ; the points themselves by default, each of which then is its own neighbour too.
        periods: length of every coordinate that closes on itself, None for the others.

    >>> radius_graph(torch.tensor([[0.0], [0.4], [0.9]]), 0.45).tolist()
    [[0, 1, 0, 1, 2], [0, 0, 1, 1, 2]]
    >>> radius_graph(torch.tensor([[0.0], [0.4], [0.9]]), 0.45, periods=[1.0]).tolist()
    [[0, 1, 2, 0, 1, 0, 2], [0, 0, 0, 1, 1, 2, 2]]
    """
    from scipy.spatial import cKDTree

    senders = points.double().numpy()
    receivers = senders if queries is None else queries.double().numpy()
    box = None
    if periods is not None and any(periods):
        box = np.array([period or 0.0 for period in periods])  # the tree's word for an open coordinate is 0
        wrapped = box > 0
        senders, receivers = senders.copy(), receivers.copy()
        for array in (senders, receivers):
            array[:, wrapped] = np.mod(array[:, wrapped], box[wrapped])
            array[:, wrapped] = np.where(array[:, wrapped] >= box[wrapped], 0.0, array[:, wrapped])
    reach = radius * (1 + 1e-9)  # neighbours at exactly this distance, as on a regular grid, are in for all receivers
    found = cKDTree(senders, boxsize=box).query_ball_point(receivers, reach, return_sorted=True)
    counts = torch.tensor([len(near) for near in found], dtype=torch.int64)
    into = torch.arange(len(found)).repeat_interleave(counts)
    return torch.stack([torch.from_numpy(np.concatenate([*found, []]).astype(np.int64)), into])


def padded(edges: Int[Tensor, "2 e"], receivers: int) -> tuple[Int[Tensor, "m k"], Float[Tensor, "m k"]]:
    """Senders of every receiver as the rows of a rectangle, and 1 where there is one, 0 where the row is filled up.

    Edges must be ordered by receiver, as `radius_graph` has them. Filling repeats the sender 0.

    >>> [part.tolist() for part in padded(torch.tensor([[4, 5, 7], [0, 0, 2]]), receivers=3)]
    [[[4, 5], [0, 0], [7, 0]], [[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]]
    """
    senders, into = edges
    counts = torch.bincount(into, minlength=receivers)
    place = torch.arange(len(into)) - (counts.cumsum(0) - counts)[into]
    neighbours = torch.zeros(receivers, max(1, int(counts.max())), dtype=torch.int64)
    present = torch.zeros(neighbours.shape)
    neighbours[into, place] = senders
    present[into, place] = 1.0
    return neighbours, present
