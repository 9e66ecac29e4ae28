"""Fields continued beyond the walls of a masked grid, so that they compress and interpolate as on a whole box.

One layer behind the walls is extrapolated by the cubic through the four points before it: interpolating with it is then
the one-sided cubic, as at the ends of an axis. Farther out any values will do, and those are taken for which few
one-dimensional factors suffice: the values of a coarse low-rank approximation, computed again and again with them in
place (hard imputation; Mazumder, Hastie, Tibshirani 2010). In an L-shaped room that halves the number of stored values.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fredholm.fields.grid import Axis

_ROUNDS, _COARSE = 10, 0.1  # of the imputation; more rounds and finer approximations were measured to store more


def continued(
    fields: Float[Tensor, "rank *shape"], inside: Bool[Tensor, "*shape"], axes: Sequence[Axis]
) -> Float[Tensor, "rank *shape"]:
    """The fields, with values outside that continue those inside."""
    if bool(inside.all()):
        return fields
    fields = _nearest(fields, inside)
    layer, values = _layer(fields, inside, axes)
    known, fields = inside | layer, torch.where(layer, values, fields)
    allowed = _COARSE * (fields * inside).norm()
    for _ in range(_ROUNDS):
        fields = torch.where(known, fields, _low_rank(fields, float(allowed)))
    return fields


def _nearest(fields: Tensor, inside: Tensor) -> Tensor:
    """Values outside set to those of the nearest point inside."""
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(~inside.numpy(), return_distances=False, return_indices=True)
    return fields[(slice(None), *torch.from_numpy(nearest).long())]


def _layer(fields: Tensor, inside: Tensor, axes: Sequence[Axis]) -> tuple[Tensor, Tensor]:
    """The points with four inside in a row before them, and the mean of their cubic extrapolations 4a - 6b + 4c - d."""
    total, count = torch.zeros_like(fields), torch.zeros_like(inside, dtype=fields.dtype)
    for dim, axis in enumerate(axes):
        for step in (1, -1):
            row = [inside.roll(step * distance, dim) for distance in (1, 2, 3, 4)]
            reached = row[0] & row[1] & row[2] & row[3] & ~inside
            if not axis.periodic:  # rolling wraps around the ends
                reached.narrow(dim, 0 if step == 1 else max(axis.size - 4, 0), min(4, axis.size)).fill_(False)
            a, b, c, d = (fields.roll(step * distance, dim + 1) for distance in (1, 2, 3, 4))
            total += reached * (4 * a - 6 * b + 4 * c - d)
            count += reached
    return count > 0, total / count.clamp_min(1)


def _low_rank(fields: Tensor, allowed: float) -> Tensor:
    """Projection on the leading directions of every axis, with an error of `allowed` at most."""
    projected = fields
    for dim in range(1, fields.ndim):
        unfolded = fields.movedim(dim, 0).flatten(1)
        squares, directions = torch.linalg.eigh(unfolded @ unfolded.T)
        lost = squares.clamp_min(0).cumsum(0).sqrt()
        kept = directions[:, int((lost <= allowed / (fields.ndim - 1) ** 0.5).sum()) :]
        projected = torch.tensordot(projected, kept @ kept.T, dims=([dim], [0])).movedim(-1, dim)
    return projected
