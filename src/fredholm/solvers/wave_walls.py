"""Walls on a node grid: which fractions of dual cells, of their faces and of walls belong to a room.

A grid cell belongs to the room if all its corners do. A node's dual cell is cut by the grid into 2ᵈ parts, one in each
adjacent cell; volume, faces and walls are counted in such parts.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

_BLOCK = 2**15  # nodes that a thread advances at a time: few enough for its cache, enough to be worth handing over


@dataclass(frozen=True, eq=False)
class WallTables:
    """Wall nodes (flat indices), coefficients a / v ahead and behind along each axis, and wall area w / v."""

    nodes: Int[ndarray, " walls"]
    coefficients: Float[ndarray, "walls sides"]
    exposure: Float[ndarray, " walls"]


@dataclass(frozen=True, eq=False)
class WallGeometry:
    """Fractions v of dual cells, a of faces towards the next node along each axis, and areas w of walls, at nodes."""

    volume: Float[ndarray, "*shape"]
    faces: tuple[Float[ndarray, "*shape"], ...]
    walls: Float[ndarray, "*shape"]

    @classmethod
    def of(cls, inside: Bool[ndarray, "*shape"]) -> "WallGeometry":
        """Geometry of a room given by its nodes."""
        dimension = inside.ndim
        parts = _parts(inside)
        volume = sum(parts.values()) / 2**dimension
        faces = []
        walls = np.zeros(inside.shape)
        for axis in range(dimension):
            ahead = [part for side, part in parts.items() if side[axis] == 1]
            faces.append(sum(ahead) / 2 ** (dimension - 1))
            for side, part in parts.items():
                if side[axis] == 1:
                    behind = parts[(*side[:axis], 0, *side[axis + 1 :])]
                    walls += (part != behind) / 2 ** (dimension - 1)
        return cls(np.asarray(volume), tuple(np.asarray(face) for face in faces), walls)

    def wall_tables(self, inside: Bool[ndarray, "*shape"]) -> WallTables:
        """The nodes whose dual cell is cut by a wall, with everything a time step needs there."""
        nodes = np.flatnonzero(inside & (self.volume < 1))
        volume = self.volume.reshape(-1)[nodes]
        where = np.unravel_index(nodes, inside.shape)
        coefficients = []
        for axis, stride in enumerate(strides_of(inside)):
            area = self.faces[axis].reshape(-1)
            coefficients += [area[nodes] / volume, np.where(where[axis] > 0, area[nodes - stride], 0.0) / volume]
        exposure = self.walls.reshape(-1)[nodes] / volume
        return WallTables(nodes, np.stack(coefficients, 1), exposure)


def nodes_to_silence(inside: Bool[ndarray, "*shape"]) -> Int[ndarray, " silent"]:
    """Nodes outside the room that a sweep over the whole memory would give a value."""
    flat = inside.reshape(-1)
    reached = np.zeros_like(flat)
    for stride in strides_of(inside):
        reached[stride:] |= flat[:-stride]
        reached[:-stride] |= flat[stride:]
    return np.flatnonzero(reached & ~flat)


def blocks_of(size: int, *lists: Int[ndarray, "..."]) -> tuple[Int[ndarray, " bounds"], ...]:
    """Bounds of the blocks of a grid of `size` nodes, and for each list of ascending nodes how many lie before each.

    >>> [counts.tolist() for counts in blocks_of(70_000, np.array([0, 5, 40_000]))]
    [[0, 32768, 65536, 70000], [0, 2, 3, 3]]
    """
    bounds = np.append(np.arange(0, size, _BLOCK), size)
    return bounds, *(np.searchsorted(nodes, bounds) for nodes in lists)


def strides_of(inside: Bool[ndarray, "*shape"]) -> Int[ndarray, " d"]:
    """Distance in memory, in nodes, of neighbours along every axis."""
    return np.array([int(np.prod(inside.shape[axis + 1 :])) for axis in range(inside.ndim)])


def _parts(inside: Bool[ndarray, "*shape"]) -> dict[tuple[int, ...], Any]:
    """For each of the 2ᵈ sides of a node (0 behind, 1 ahead along each axis), whether that adjacent cell is inside."""
    cells = inside.copy()
    for axis in range(inside.ndim):
        cells &= np.roll(cells, -1, axis)
        last: list[Any] = [slice(None)] * inside.ndim
        last[axis] = -1
        cells[tuple(last)] = False
    axes = tuple(range(inside.ndim))
    # the cell behind a node is the one ahead of the node before; nothing wraps, as no cell begins at the last node
    return {
        side: np.roll(cells, [1 - s for s in side], axes).astype(np.float64)
        for side in product((0, 1), repeat=inside.ndim)
    }
