"""Parts of the unit square, for problems in which the shape is an input: each is told by a mask of the cells.

A cell belongs to a part where its centre does.
"""

import math
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class SquarePlate:
    """A square around (½, ½).

    >>> import torch
    >>> SquarePlate(side=0.5).inside(torch.tensor([[0.5, 0.7], [0.5, 0.8]])).tolist()
    [True, False]
    """

    side: float = 0.8
    kind: Literal["square"] = "square"

    def __post_init__(self) -> None:
        _require(self.side)

    def inside(self, points: Float[Tensor, "m 2"]) -> Bool[Tensor, " m"]:
        """Which points lie in it."""
        return _in_square(points, self.side)


@dataclass(frozen=True)
class Disk:
    """The points less than half a diameter from (½, ½)."""

    diameter: float = 0.9
    kind: Literal["disk"] = "disk"

    def __post_init__(self) -> None:
        _require(self.diameter)

    def inside(self, points: Float[Tensor, "m 2"]) -> Bool[Tensor, " m"]:
        """Which points lie in it."""
        return (points - 0.5).norm(dim=-1) < self.diameter / 2


@dataclass(frozen=True)
class Triangle:
    """An equilateral triangle around (½, ½) whose base runs along x."""

    side: float = 0.95
    kind: Literal["triangle"] = "triangle"

    def __post_init__(self) -> None:
        _require(self.side)

    def inside(self, points: Float[Tensor, "m 2"]) -> Bool[Tensor, " m"]:
        """Which points lie in it."""
        height = math.sqrt(3) / 2 * self.side
        above = points[:, 1] - (0.5 - height / 2)  # the base
        half = (self.side / 2) * (1 - above / height)  # of the width at this height
        return (above > 0) & ((points[:, 0] - 0.5).abs() < half)


@dataclass(frozen=True)
class Corner:
    """The square of `SquarePlate` less its quarter where x > ½ and y > ½: an L."""

    side: float = 0.8
    kind: Literal["corner"] = "corner"

    def __post_init__(self) -> None:
        _require(self.side)

    def inside(self, points: Float[Tensor, "m 2"]) -> Bool[Tensor, " m"]:
        """Which points lie in it."""
        return _in_square(points, self.side) & ~(points > 0.5).all(-1)


PlaneShape = SquarePlate | Disk | Triangle | Corner


def _in_square(points: Tensor, side: float) -> Tensor:
    return ((points - 0.5).abs() < side / 2).all(-1)


def _require(size: float) -> None:
    if not 0 < size <= 1:
        raise ValueError(f"a part of the unit square has a size in (0, 1], got {size}")
