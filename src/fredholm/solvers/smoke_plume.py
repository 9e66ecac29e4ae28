"""Smoke that rises past obstacles: buoyancy, transport by semi-Lagrangian steps, and a pressure that undoes divergence.

    v* = v(X) + dt β s e_y,   s ← s(X),   X = x - dt v(x)          (a source feeds s)
    A p = -∇·v*,   v = v* - ∇p   on faces between fluid cells

Velocities are known at the faces of unit cells (marker-and-cell grid), smoke and pressure at the centres; faces of
solid cells let nothing through. The pressure solver is handed in, so that any is tried on the same flow.

Sources: Stam, "Stable fluids", SIGGRAPH 1999; Harlow, Welch, Phys. Fluids 8 (1965); Kaneda et al., "A deep conjugate
direction method", ICML 2023, section 6, for plumes as right-hand sides.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.ndimage import map_coordinates

from fredholm.errors import OperatorShapeError

PressureSolver = Callable[[Float[ndarray, "ny nx"]], Float[ndarray, "ny nx"]]


@dataclass(frozen=True, eq=False)
class SmokePlume:
    """A box of ny × nx unit cells, rows upward; open walls all around, which hold p = 0 one cell outside.

    Args:
        solid: cells that are solid.
        source: cells in which smoke is kept at 1.
        buoyancy: β, acceleration of smoke of density 1, in cells a step squared for a step of 1.
        step: dt.

    Raises OperatorShapeError for masks of different shapes.
    """

    solid: Bool[ndarray, "ny nx"]
    source: Bool[ndarray, "rows columns"]
    buoyancy: float = 0.1
    step: float = 1.0

    def __post_init__(self) -> None:
        if self.solid.shape != self.source.shape or self.solid.ndim != 2:
            raise OperatorShapeError(f"solid cells {self.solid.shape} and source {self.source.shape} must be one box")

    def run(self, steps: int, solve: PressureSolver) -> tuple["Smoke", list[Float[ndarray, "ny nx"]]]:
        """From rest; the last state, and the right-hand side -∇·v* of every step, zero in solid cells.

        >>> box = np.zeros((8, 8), bool)
        >>> source = box.copy()
        >>> source[1:3, 3:5] = True
        >>> smoke, sides = SmokePlume(box, source).run(2, lambda b: 0.25 * b)
        >>> len(sides), bool(smoke.upward[2, 3] > 0)
        (2, True)
        """
        ny, nx = self.solid.shape
        state = Smoke(self.source.astype(np.float64), np.zeros((ny, nx + 1)), np.zeros((ny + 1, nx)))
        sides = []
        for _ in range(steps):
            moved = self._transported(state)
            sides.append(np.where(self.solid, 0.0, -divergence(moved)))
            state = self._projected(moved, np.where(self.solid, 0.0, solve(sides[-1])))
        return state, sides

    def _transported(self, state: "Smoke") -> "Smoke":
        across, upward = state.across, state.upward
        smoke = np.where(self.source, 1.0, self._carried(state.density, state, 0.5, 0.5))
        across = self._carried(across, state, 0.5, 0.0)
        upward = self._carried(upward, state, 0.0, 0.5)
        upward[1:-1] += self.step * self.buoyancy * (smoke[1:] + smoke[:-1]) / 2
        return self._bounded(Smoke(np.where(self.solid, 0.0, smoke), across, upward))

    def _carried(self, values: ndarray, state: "Smoke", row: float, column: float) -> ndarray:
        """Values whose first entry lies at (row, column), looked up where they came from."""
        y, x = np.mgrid[: values.shape[0], : values.shape[1]].astype(np.float64)
        speed_x = map_coordinates(state.across, [y + row - 0.5, x + column], order=1, mode="nearest")
        speed_y = map_coordinates(state.upward, [y + row, x + column - 0.5], order=1, mode="nearest")
        came_from = [y - self.step * speed_y, x - self.step * speed_x]
        carried: ndarray = map_coordinates(values, came_from, order=1, mode="nearest")
        return carried

    def _projected(self, state: "Smoke", pressure: ndarray) -> "Smoke":
        padded = np.pad(pressure, 1)
        across = state.across - np.diff(padded, axis=1)[1:-1]
        upward = state.upward - np.diff(padded, axis=0)[:, 1:-1]
        return self._bounded(Smoke(state.density, across, upward))

    def _bounded(self, state: "Smoke") -> "Smoke":
        across, upward, solid = state.across.copy(), state.upward.copy(), self.solid
        across[:, :-1][solid] = across[:, 1:][solid] = 0.0
        upward[:-1][solid] = upward[1:][solid] = 0.0
        return Smoke(state.density, across, upward)


@dataclass(frozen=True, eq=False)
class Smoke:
    """Density at the centres, velocities through upright faces `across` and level faces `upward`."""

    density: Float[ndarray, "ny nx"]
    across: Float[ndarray, "ny nx1"]
    upward: Float[ndarray, "ny1 nx"]


def divergence(state: Smoke) -> Float[ndarray, "ny nx"]:
    """What flows out of every cell."""
    outward: ndarray = np.diff(state.across, axis=1) + np.diff(state.upward, axis=0)
    return outward
