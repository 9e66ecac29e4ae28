"""Pieces of functions on grids, as tiles.

Hidden functions have the layout (batch, first axis, middle, channels, last axis): all channels at a point of the first
axis are next to each other in memory. A piece is some points of the first axis, one of the middle ones, all channels
and the last axis or some of it, as a tile (channels, points of the first axis, points of the last).
"""

# mypy: disallow-untyped-defs=False

from numba import njit

from fredholm.kernels.tiles import LANES, OPTIONS, copy

TILE = 256  # points in a piece, at most


@njit(**OPTIONS)
def shape_of_piece(points, last):
    """Points of the first axis in a piece, and points of the last, a multiple of 16."""
    padded = (last + LANES - 1) // LANES * LANES
    width = min(padded, TILE)
    return max(1, min(points, TILE // width)), width


@njit(**OPTIONS)
def load(tile, x, b, first, m, at):
    """Points first, first + 1, ... of the first axis and at, at + 1, ... of the last; zeros beyond their ends."""
    count = min(tile.shape[2], x.shape[4] - at)
    for r in range(tile.shape[1]):
        inside = first + r < x.shape[1]
        for c in range(tile.shape[0]):
            target = tile[c, r]
            if inside:
                copy(target[:count], x[b, first + r, m, c, at : at + count])
            for p in range(count if inside else 0, target.shape[0]):
                target[p] = 0


@njit(**OPTIONS)
def store(tile, x, b, first, m, at):
    """Where `load` takes it from."""
    count = min(tile.shape[2], x.shape[4] - at)
    for r in range(min(tile.shape[1], x.shape[1] - first)):
        for c in range(tile.shape[0]):
            copy(x[b, first + r, m, c, at : at + count], tile[c, r, :count])


@njit(**OPTIONS)
def bounds(x, part, parts):
    """Where part 0, 1, ... of the first axis starts and stops, cut between pieces."""
    rows, _ = shape_of_piece(x.shape[1], x.shape[4])
    pieces = (x.shape[1] + rows - 1) // rows
    return part * pieces // parts * rows, (part + 1) * pieces // parts * rows
