"""The box of a grid: how long its axes are and which of them close on themselves.

Layers that work in physical units are made for a box, not for a grid. On which grid the values lie, they see by their
shape:

    h = L / n on a periodic axis,    h = L / (n - 1) on one that holds both its ends
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.layers.architecture import Described
from fredholm.layers.constants import constant


class Extent(Described):
    """Lengths of the axes of a box, and for each whether it is periodic.

    >>> Extent([1.0, 2.0], [True, False]).spacing((4, 5))
    (0.25, 0.5)
    """

    def __init__(self, lengths: Sequence[float], periodic: Sequence[bool]) -> None:
        self.lengths, self.periodic = tuple(lengths), tuple(periodic)
        if len(self.lengths) != len(self.periodic) or not self.lengths or not min(self.lengths) > 0:
            raise ValueError(
                f"a box has as many positive lengths as axes, got lengths {self.lengths} for periodic={self.periodic}"
            )

    @classmethod
    def of(cls, domain: Domain) -> "Extent":
        """The box of a grid or a product of grids; raises SignatureError for a domain without axes."""
        axes = grid_axes(domain)
        return cls([axis.upper - axis.lower for axis in axes], [axis.periodic for axis in axes])

    @property
    def dimension(self) -> int:
        """Number of axes."""
        return len(self.lengths)

    def spacing(self, shape: Sequence[int]) -> tuple[float, ...]:
        """Distance of neighbouring points along each axis of a grid of this shape over the box."""
        axes = zip(self.lengths, self.periodic, shape, strict=True)
        return tuple(length / (size if periodic else size - 1) for length, periodic, size in axes)

    def shares(self, shape: Sequence[int], like: Tensor) -> Float[Tensor, "*shape"]:
        """How much of a cell each point stands for: 1 inside, ½ at a wall, ¼ where two meet (the trapezoidal rule)."""
        return _shares(*self.periodic, *(int(size) for size in shape), like=like)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Extent) and (self.lengths, self.periodic) == (other.lengths, other.periodic)

    def __hash__(self) -> int:
        return hash((self.lengths, self.periodic))


@constant
def _shares(*axes: int) -> np.ndarray:
    shares, dimension = np.ones(()), len(axes) // 2
    for periodic, size in zip(axes[:dimension], axes[dimension:], strict=True):
        along = np.ones(size)
        if not periodic:
            along[[0, -1]] = 0.5
        shares = shares[..., None] * along
    return shares
