"""Between functions transformed along the first axes, and their coefficients: the last axis, and sums with signs.

    gathered(i, b, c) = Σₜ s(t, i) p(t, i),      p = products (b, q, c, ·) M, a row for every q and column of M
    scattered(b, q, c, ·) = p' M',               p' = Σₜ s(t, ·) rows(t, ·) for every q and row of M'

With M the cosines and sines of the last axis these are the ends of the two transforms, and each is the adjoint of the
other with M transposed. Numbers of the products p that are added, and their signs: see `fredholm.layers.wave_sums`.
"""

# mypy: disallow-untyped-defs=False

import numpy as np
from numba import njit, prange

from fredholm.kernels.tiles import OPTIONS, add_product_at


@njit(**OPTIONS)
def _add_rows(result, places, signs, rows):
    """result[i, :] = Σₜ signs[t, i] rows[places[t, i], :]."""
    for i in range(places.shape[1]):
        target, source, sign = result[i], rows[places[0, i]], signs[0, i]
        for c in range(target.shape[0]):
            target[c] = sign * source[c]
        for t in range(1, places.shape[0]):
            source, sign = rows[places[t, i]], signs[t, i]
            for c in range(target.shape[0]):
                target[c] += sign * source[c]


@njit(**OPTIONS)
def _gather(values, matrix, columns, places, signs, result, b):
    _, waves, channels, points = values.shape
    depth, width = matrix.shape
    products, block = np.empty((waves * columns, channels), np.float32), np.empty((channels, width), np.float32)
    for q in range(waves):
        block[:] = 0
        place = (b * waves + q) * channels * points
        add_product_at(block, 0, width, values, place, points, 1, matrix, 0, width, channels, depth, width)
        for j in range(columns):
            target = products[q * columns + j]
            for c in range(channels):
                target[c] = block[c, j]
    _add_rows(result[:, b], places, signs, products)


@njit(**OPTIONS, parallel=True)
def gather(values, matrix, columns, places, signs, result):
    """Values (batch, q, channels, points) to rows (i, batch, channels).

    M has a row for every point that counts, and `columns` columns, then zeros up to a multiple of 16.
    """
    for b in prange(values.shape[0]):
        _gather(values, matrix, columns, places, signs, result, b)


@njit(**OPTIONS)
def _scatter(rows, places, signs, matrix, result, b):
    _, waves, channels, points = result.shape
    columns = matrix.shape[0]
    products = np.empty((waves * columns, channels), np.float32)
    _add_rows(products, places, signs, rows[:, b])
    for q in range(waves):
        result[b, q] = 0
        place = (b * waves + q) * channels * points
        add_product_at(
            result, place, points, products, q * columns * channels, 1, channels, matrix, 0, points,
            channels, columns, points,
        )  # fmt: skip


@njit(**OPTIONS, parallel=True)
def scatter(rows, places, signs, matrix, result):
    """Rows (i, batch, channels) to values (batch, q, channels, points), the points a multiple of 16."""
    for b in prange(result.shape[0]):
        _scatter(rows, places, signs, matrix, result, b)
