"""Tiles: small matrices (channels, points) in the cache, and the products between them.

A kernel copies a tile of each of its arrays, does with it all that is to be done, and stores the result. Tiles have a
multiple of 16 columns; those that have no point hold zeros or what an earlier tile left, and are never stored.
"""

# mypy: disallow-untyped-defs=False

from typing import Any

import numpy as np
from numba import njit

from fredholm.kernels.lanes import LANES, outer_of, product_of

# error_model: a division that could raise would keep loops from becoming vectors
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "cache": True, "fastmath": {"contract", "nsz"}}
ANY_ORDER: dict[str, Any] = OPTIONS | {"fastmath": {"contract", "nsz", "reassoc"}}
ITEM = 4  # bytes of a float32

_product_4_4, _product_4_2, _product_4_1 = (product_of(4, v) for v in (4, 2, 1))
_product_1_4, _product_1_2, _product_1_1 = (product_of(1, v) for v in (4, 2, 1))
_outer_4_4, _outer_4_1, _outer_1_1 = outer_of(4, 4), outer_of(4, 1), outer_of(1, 1)


@njit(**OPTIONS)
def add_product_at(c, c_at, c_row, a, a_at, a_row, a_column, b, b_at, b_row, rows, depth, columns):
    """c[r, p] += Σ_k a[r, k] b[k, p] for matrices within arrays; a multiple of 16 columns."""
    p = 0
    while p < columns:
        width = 4 if columns - p >= 64 else 2 if columns - p >= 32 else 1
        for r in range(0, rows - 3, 4):
            place, row = c_at + r * c_row + p, a_at + r * a_row
            if width == 4:
                _product_4_4(c, place, c_row, a, row, a_row, a_column, b, b_at + p, b_row, depth)
            elif width == 2:
                _product_4_2(c, place, c_row, a, row, a_row, a_column, b, b_at + p, b_row, depth)
            else:
                _product_4_1(c, place, c_row, a, row, a_row, a_column, b, b_at + p, b_row, depth)
        for r in range(rows - rows % 4, rows):
            place, row = c_at + r * c_row + p, a_at + r * a_row
            if width == 4:
                _product_1_4(c, place, c_row, a, row, a_row, a_column, b, b_at + p, b_row, depth)
            elif width == 2:
                _product_1_2(c, place, c_row, a, row, a_row, a_column, b, b_at + p, b_row, depth)
            else:
                _product_1_1(c, place, c_row, a, row, a_row, a_column, b, b_at + p, b_row, depth)
        p += width * LANES


@njit(**OPTIONS)
def add_product(c, a, b):
    """C += a b; rows of b and c are runs of memory, `a` may be a transpose."""
    add_product_at(
        c, 0, c.strides[0] // ITEM, a, 0, a.strides[0] // ITEM, a.strides[1] // ITEM, b, 0, b.strides[0] // ITEM,
        a.shape[0], a.shape[1], c.shape[1],
    )  # fmt: skip


@njit(**OPTIONS)
def add_outer(d, y, x):
    """d[r, s, :] += Σ y[r] x[s] over the columns that are congruent modulo 16."""
    rows, columns, width, blocks = y.shape[0], x.shape[0], x.shape[1], x.shape[1] // LANES
    d_row = columns * LANES
    for r in range(0, rows - 3, 4):
        for s in range(0, columns - 3, 4):
            _outer_4_4(d, r * d_row + s * LANES, d_row, y, r * width, width, x, s * width, width, blocks)
        for s in range(columns - columns % 4, columns):
            _outer_4_1(d, r * d_row + s * LANES, d_row, y, r * width, width, x, s * width, width, blocks)
    for r in range(rows - rows % 4, rows):
        for s in range(columns):
            _outer_1_1(d, r * d_row + s * LANES, d_row, y, r * width, width, x, s * width, width, blocks)


@njit(**ANY_ORDER)
def add_lanes(total, d):
    """total[i] += Σ d[i, :] for matrices of lanes."""
    lanes = d.reshape(-1, LANES)
    for i in range(lanes.shape[0]):
        partial = lanes[i, 0]
        for p in range(1, LANES):
            partial += lanes[i, p]
        total[i] += partial


@njit(**ANY_ORDER)
def add_row_sums(total, tile):
    """total[c] += Σ_p tile[c, p]."""
    for c in range(tile.shape[0]):
        row, partial = tile[c], tile[c, 0]
        for p in range(1, row.shape[0]):
            partial += row[p]
        total[c] += partial


@njit(**ANY_ORDER)
def add_row_products(total, tile, other):
    """total[c] += Σ_p tile[c, p] other[c, p]."""
    for c in range(tile.shape[0]):
        x, y, partial = tile[c], other[c], np.float32(0)
        for p in range(x.shape[0]):
            partial += x[p] * y[p]
        total[c] += partial


@njit(**OPTIONS)
def copy(row, other):
    """The numbers of another row. Rows are shifted, not indices: a compiler must know that none is negative."""
    for i in range(row.shape[0]):
        row[i] = other[i]


@njit(**OPTIONS)
def fill(tile, values):
    """tile[c, :] = values[c]."""
    for c in range(tile.shape[0]):
        row, value = tile[c], values[c]
        for p in range(row.shape[0]):
            row[p] = value


@njit(**OPTIONS)
def fill_scaled(tile, offsets, factors, other):
    """tile[c, :] = offsets[c] + factors[c] other[c, :]."""
    for c in range(tile.shape[0]):
        row, offset, factor, x = tile[c], offsets[c], factors[c], other[c]
        for p in range(row.shape[0]):
            row[p] = offset + factor * x[p]


@njit(**OPTIONS)
def multiply(tile, other):
    """Tile *= other, entry by entry."""
    a, b = tile.reshape(-1), other.reshape(-1)
    for i in range(a.shape[0]):
        a[i] *= b[i]
