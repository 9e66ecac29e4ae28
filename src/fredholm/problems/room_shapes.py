"""Rooms to solve the wave equation in: boxes and L-shapes, in one to three dimensions.

A shape tells which points lie inside and which keep a margin to every wall; walls run along the coordinate axes, so a
uniform grid whose spacing divides the lengths represents it exactly.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_ROUNDING = 1e-9  # m


@dataclass(frozen=True)
class Box:
    """The box [0, Lx] x [0, Ly] (x [0, Lz]), lengths in m.

    >>> Box((2.0, 3.0)).outline()
    ((0.0, 0.0), (2.0, 0.0), (2.0, 3.0), (0.0, 3.0))
    """

    lengths: tuple[float, ...] = (2.0, 2.0)
    kind: Literal["box"] = "box"

    def __post_init__(self) -> None:
        _require_lengths(self.lengths)

    def inside(self, points: Float[Tensor, "m d"], margin: float = 0.0) -> Bool[Tensor, " m"]:
        """Which points lie in the room, at least `margin` from every wall."""
        return _in_box(points, self.lengths, margin)

    def outline(self) -> tuple[tuple[float, float], ...]:
        """Floor plan as a polygon, counter-clockwise, m."""
        x, y = self.lengths[0], self.lengths[1]
        return ((0.0, 0.0), (x, 0.0), (x, y), (0.0, y))


@dataclass(frozen=True)
class LShape:
    """The box less the quarter of its floor plan where x > Lx / 2 and y > Ly / 2, lengths in m.

    >>> bool(LShape((2.0, 2.0)).inside(torch.tensor([[1.5, 1.5]])))
    False
    """

    lengths: tuple[float, ...] = (3.0, 3.0)
    kind: Literal["l_shape"] = "l_shape"

    def __post_init__(self) -> None:
        _require_lengths(self.lengths)
        if len(self.lengths) < 2:
            raise ValueError(f"an L-shape needs two or three lengths, got {self.lengths}")

    def inside(self, points: Float[Tensor, "m d"], margin: float = 0.0) -> Bool[Tensor, " m"]:
        """Which points lie in the room, at least `margin` from every wall."""
        # distance to the missing quarter, which is convex: outside it, walls are as near as the quarter is
        beyond = torch.stack([points[:, axis] - self.lengths[axis] / 2 for axis in (0, 1)], dim=-1)
        distance = beyond.clamp_max(0.0).norm(dim=-1)
        in_quarter = (beyond > _ROUNDING).all(-1)
        return _in_box(points, self.lengths, margin) & ~in_quarter & (distance >= margin - _ROUNDING)

    def outline(self) -> tuple[tuple[float, float], ...]:
        """Floor plan as a polygon, counter-clockwise, m."""
        x, y = self.lengths[0], self.lengths[1]
        return ((0.0, 0.0), (x, 0.0), (x, y / 2), (x / 2, y / 2), (x / 2, y), (0.0, y))


RoomShape = Box | LShape


def _require_lengths(lengths: tuple[float, ...]) -> None:
    if not 1 <= len(lengths) <= 3 or not all(0 < length < float("inf") for length in lengths):
        raise ValueError(f"a room has one to three positive lengths in m, got {lengths}")


def _in_box(points: Tensor, lengths: tuple[float, ...], margin: float) -> Tensor:
    upper = torch.tensor(lengths, dtype=points.dtype)
    inside: Tensor = (points >= margin - _ROUNDING) & (points <= upper - margin + _ROUNDING)
    return inside.all(-1)
