"""Matrices along the first axis of functions: A x, and added + Aᵀ y, its adjoint beside another function.

    opened(b, k, ·) = Σ_r A(k, r) x(b, r, ·)           few k, many r
    closed(b, r, ·) = added(b, r, ·) + Σ_k A(k, r) y(b, k, ·)

The many rows are read and written once, in order, a few at a time; the few stay in the cache.
"""

# mypy: disallow-untyped-defs=False

import numpy as np
from numba import njit, prange

from fredholm.kernels.tiles import LANES, OPTIONS, add_product_at, copy

WIDTH = 1024  # columns worked on by one thread at a time
ROWS = 8  # of x
STRIDE = WIDTH + LANES  # between rows in the cache; a power of two would let them push out each other


@njit(**OPTIONS)
def _open(matrix, x, result, b, at):
    waves, points = matrix.shape
    columns = min(WIDTH, x.shape[2] - at)
    whole = columns // LANES * LANES
    few = np.zeros((waves, STRIDE), np.float32)
    for r in range(0, points, ROWS):
        rows = min(ROWS, points - r)
        place = (b * points + r) * x.shape[2] + at
        add_product_at(few, 0, STRIDE, matrix, r, points, 1, x, place, x.shape[2], waves, rows, whole)
    for k in range(waves):
        for p in range(whole, columns):
            for r in range(points):
                few[k, p] += matrix[k, r] * x[b, r, at + p]
        copy(result[b, k, at : at + columns], few[k, :columns])


@njit(**OPTIONS, parallel=True)
def open_first(matrix, x, result):
    """A x into `result`."""
    blocks = (x.shape[2] + WIDTH - 1) // WIDTH
    for job in prange(x.shape[0] * blocks):
        _open(matrix, x, result, job // blocks, job % blocks * WIDTH)


@njit(**OPTIONS)
def _close(matrix, y, added, result, b, at):
    waves, points = matrix.shape
    columns = min(WIDTH, y.shape[2] - at)
    whole = columns // LANES * LANES
    few = np.zeros((waves, STRIDE), np.float32)
    for k in range(waves):
        copy(few[k, :columns], y[b, k, at : at + columns])
    for first in range(0, points, 4):
        rows = min(4, points - first)
        for r in range(first, first + rows):
            target = result[b, r, at : at + columns]
            copy(target, added[b, r, at : at + columns])
            for p in range(whole, columns):
                for k in range(waves):
                    target[p] += matrix[k, r] * few[k, p]
        place = (b * points + first) * y.shape[2] + at
        add_product_at(result, place, y.shape[2], matrix, first, 1, points, few, 0, STRIDE, rows, waves, whole)


@njit(**OPTIONS, parallel=True)
def close_first(matrix, y, added, result):
    """Added + Aᵀ y into `result`."""
    blocks = (y.shape[2] + WIDTH - 1) // WIDTH
    for job in prange(y.shape[0] * blocks):
        _close(matrix, y, added, result, job // blocks, job % blocks * WIDTH)
