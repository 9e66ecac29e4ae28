"""Boundaries of a grid as a stencil sees them: what stands beyond the ends of an axis, and what a coarser grid keeps.

    Dirichlet       0  | u₀ u₁ ... uₙ₋₁ |  0        u vanishes one spacing beyond the outermost points
    Neumann         u₁ | u₀ u₁ ... uₙ₋₁ | uₙ₋₂      even continuation about the outermost points
    Periodic      uₙ₋₁ | u₀ u₁ ... uₙ₋₁ | u₀        the first point comes again after the last

Source: Briggs, Henson, McCormick, "A multigrid tutorial", 2nd edition, 2000, chapters 3 and 7.
"""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from fredholm.errors import SignatureError
from fredholm.layers.architecture import Described

_FEWEST = 3  # points that can still be halved


class Boundary(Described, ABC):
    """Both ends of an axis.

    Where the axis goes on by zeros, convolutions supply them: `zeros` at each end, `coarse_zeros` where they lead to
    the coarser grid. Where it goes on by values, `continued` supplies those. `surplus` is the number of points at each
    end that a transposed convolution of the continued coarse values makes beyond the finer grid.
    """

    zeros: int = 0
    coarse_zeros: int = 0
    surplus: int = 3

    @abstractmethod
    def continued(self, values: Float[Tensor, "..."], axis: int) -> Float[Tensor, "..."]:
        """Values (batch, channels, *shape) with one more point at each end of `axis`, unless those are zeros."""

    def coarse(self, size: int) -> int:
        """Points that the coarser grid keeps of `size`; raises SignatureError if there is no such grid."""
        if size < _FEWEST:
            raise SignatureError(f"side {size} cannot be halved")
        return (size + 1) // 2


class Dirichlet(Boundary):
    """u = 0 one spacing beyond the outermost points.

    The coarser grid keeps the points 0, 2, 4, ..., whatever the size; the boundary moves outwards with its spacing. If
    `nested` it keeps the points 1, 3, 5, ...: then a grid of 2ᵏ - 1 points and all coarser ones share one boundary, as
    in classical multigrid.

    >>> Dirichlet().coarse(64), Dirichlet(nested=True).coarse(63)
    (32, 31)
    """

    def __init__(self, nested: bool = False) -> None:
        self.nested = nested
        self.zeros = 1
        self.coarse_zeros = self.surplus = 0 if nested else 1

    def continued(self, values: Float[Tensor, "..."], axis: int) -> Float[Tensor, "..."]:
        return values

    def coarse(self, size: int) -> int:
        kept = super().coarse(size)
        return kept - 1 if self.nested else kept


class Neumann(Boundary):
    """∂u/∂n = 0 at the outermost points.

    The coarser grid keeps the points 0, 2, 4, ...: of 2ᵏ m + 1 points both ends, so that all grids share one boundary.
    """

    def continued(self, values: Float[Tensor, "..."], axis: int) -> Float[Tensor, "..."]:
        trailing = values.ndim - 1 - axis
        return functional.pad(values, [0, 0] * trailing + [1, 1] + [0, 0] * (axis - 2), mode="reflect")


class Periodic(Boundary):
    """u(x + period) = u(x), the period being one spacing longer than the axis. Only even sizes have a coarser grid."""

    def continued(self, values: Float[Tensor, "..."], axis: int) -> Float[Tensor, "..."]:
        # of pieces, whose gradients join in one pass, where those of overlapping views are full fields of zeros
        first, inner, last = values.split([1, values.shape[axis] - 2, 1], axis)
        return torch.cat([last, first, inner, last, first], axis)

    def coarse(self, size: int) -> int:
        if size % 2:
            raise SignatureError(f"side {size} of a period cannot be halved")
        return super().coarse(size)
