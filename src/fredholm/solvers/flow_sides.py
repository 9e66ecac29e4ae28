"""The sides of a box of fluid, on a staggered grid: what they make of the velocity there and beyond.

Seen from a side, `normal` holds the velocity across it (row 0 beyond, row 1 on the side, row 2 inside) and
`tangential` the velocity along it (row 0 half a cell beyond, row 1 half a cell inside). A side sets rows 0 and 1 of the
former and row 0 of the latter. Velocities are components along the axes of the box.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from numpy import ndarray

Profile = float | Float[ndarray, " n"]


class Side(ABC):
    """One side of a box of fluid."""

    open: ClassVar[bool] = False  # fluid leaves as it likes, at pressure zero

    @property
    def speed(self) -> float:
        """The highest speed that it prescribes."""
        return 0.0

    @property
    def through(self) -> Profile:
        """Velocity across the side, where it is prescribed."""
        return 0.0

    @abstractmethod
    def bound(self, normal: Float[ndarray, "rows n"], tangential: Float[ndarray, "rows_along m"]) -> None:
        """Set the velocity on the side and beyond, in place."""


@dataclass(frozen=True, eq=False)
class Wall(Side):
    """A wall to which fluid sticks, at rest or sliding along itself with `velocity`, one number or one an edge."""

    velocity: Profile = 0.0

    @property
    def speed(self) -> float:
        return float(np.max(np.abs(self.velocity)))

    def bound(self, normal: Float[ndarray, "rows n"], tangential: Float[ndarray, "rows_along m"]) -> None:
        normal[:2] = 0.0
        tangential[0] = 2 * self.velocity - tangential[1]


@dataclass(frozen=True)
class Slip(Side):
    """A wall without friction, which is a line of symmetry too."""

    def bound(self, normal: Float[ndarray, "rows n"], tangential: Float[ndarray, "rows_along m"]) -> None:
        normal[:2] = 0.0
        tangential[0] = tangential[1]


@dataclass(frozen=True, eq=False)
class Inflow(Side):
    """Fluid crosses at a given velocity, one number or one a cell, and does not move along the side."""

    velocity: Profile

    @property
    def speed(self) -> float:
        return float(np.max(np.abs(self.velocity)))

    @property
    def through(self) -> Profile:
        return self.velocity

    def bound(self, normal: Float[ndarray, "rows n"], tangential: Float[ndarray, "rows_along m"]) -> None:
        normal[:2] = self.velocity
        tangential[0] = -tangential[1]


@dataclass(frozen=True)
class Outflow(Side):
    """Pressure zero, and no change of velocity across: fluid leaves."""

    open: ClassVar[bool] = True

    def bound(self, normal: Float[ndarray, "rows n"], tangential: Float[ndarray, "rows_along m"]) -> None:
        normal[0] = normal[1]
        tangential[0] = tangential[1]
