"""One block of a Fourier neural operator at every point, from the half-transformed spectral part to the result.

    v(r, ·) = b + Σ_k S(r, k) q(k, ·)              the last product of the inverse transform, along the first axis
    y = v + W x,   h = σ(y)
    u = V₁ h + c₁,   z = V₂ σ(u) + c₂ + g ∘ x,   result = σ(z)

Neither v nor y, h, u, z ever exist in memory: a piece of the grid is computed to the end, and the backward kernel
computes it again, which costs less than to store it and to read it back.

Sources: Li et al. 2021, "Fourier neural operator for parametric partial differential equations"; Kossaifi et al. 2023,
"Multi-grid tensorized Fourier neural operator for high-resolution PDEs".
"""

# mypy: disallow-untyped-defs=False

import numpy as np
from numba import njit, prange

from fredholm.kernels.gelu import gelu, gelu_and_slope, gelu_slope
from fredholm.kernels.pieces import bounds, load, shape_of_piece, store
from fredholm.kernels.tiles import (
    LANES,
    OPTIONS,
    add_lanes,
    add_outer,
    add_product,
    add_product_at,
    add_row_products,
    add_row_sums,
    copy,
    fill,
    fill_scaled,
    multiply,
)


@njit(**OPTIONS)
def _add_synthesis(tile, s, q, b, first, m, at):
    """tile[c, r, p] += Σ_k s[first + r, k] q[b, k, m, c, at + p]."""
    channels, rows, width = tile.shape
    _, modes, middle, _, padded = q.shape
    rows, columns = min(rows, s.shape[0] - first), min(width, padded - at)
    for c in range(channels):
        place = ((b * modes * middle + m) * channels + c) * padded + at
        add_product_at(
            tile, c * tile.shape[1] * width, width, s, first * modes, modes, 1, q, place, middle * channels * padded,
            rows, modes, columns,
        )  # fmt: skip


@njit(**OPTIONS)
def _add_adjoint(q, s, tile, part, first, m, at):
    """q[part, k, m, c, at + p] += Σ_r s[first + r, k] tile[c, r, p]."""
    channels, rows, width = tile.shape
    _, modes, middle, _, padded = q.shape
    rows, columns = min(rows, s.shape[0] - first), min(width, padded - at)
    for c in range(channels):
        place = ((part * modes * middle + m) * channels + c) * padded + at
        add_product_at(
            q, place, middle * channels * padded, s, first * modes, 1, modes, tile, c * tile.shape[1] * width, width,
            modes, rows, columns,
        )  # fmt: skip


@njit(**OPTIONS)
def _forward_tiles(x, q, s, weights, last, out, b, start, stop):
    bias, w, v1, c1, v2, c2, g = weights
    width, hidden = w.shape[0], v1.shape[0]
    rows, columns = shape_of_piece(x.shape[1], x.shape[4])
    shape, flat = (width, rows, columns), (width, rows * columns)
    x_points, y_points = np.empty(shape, np.float32), np.empty(shape, np.float32)
    xs, ys = x_points.reshape(flat), y_points.reshape(flat)
    us = np.empty((hidden, flat[1]), np.float32)
    for first in range(start, stop, rows):
        for m in range(x.shape[2]):
            for at in range(0, x.shape[4], columns):
                load(x_points, x, b, first, m, at)
                fill(ys, bias)
                _add_synthesis(y_points, s, q, b, first, m, at)
                add_product(ys, w, xs)
                if not last:
                    gelu(ys)
                fill(us, c1)
                add_product(us, v1, ys)
                gelu(us)
                fill_scaled(ys, c2, g, xs)
                add_product(ys, v2, us)
                if not last:
                    gelu(ys)
                store(y_points, out, b, first, m, at)


@njit(**OPTIONS, parallel=True)
def forward(x, q, s, weights, last, parts, out):
    """The block's result into `out`. The first axis of each sample is worked on in `parts`, side by side."""
    for job in prange(x.shape[0] * parts):
        b = job // parts
        start, stop = bounds(x, job % parts, parts)
        _forward_tiles(x, q, s, weights, last, out, b, start, stop)


@njit(**OPTIONS)
def _backward_tiles(x, q, s, weights, last, slope, x_slope, q_slope, sums, job, b, start, stop):
    bias, w, v1, c1, v2, c2, g = weights
    width, hidden = w.shape[0], v1.shape[0]
    rows, columns = shape_of_piece(x.shape[1], x.shape[4])
    shape, flat = (width, rows, columns), (width, rows * columns)
    x_points, y_points, z_points = (
        np.empty(shape, np.float32),
        np.empty(shape, np.float32),
        np.empty(shape, np.float32),
    )
    xs, ys, zs = x_points.reshape(flat), y_points.reshape(flat), z_points.reshape(flat)
    hs, slopes = np.empty(flat, np.float32), np.empty(flat, np.float32)
    us, ts = np.empty((hidden, flat[1]), np.float32), np.empty((hidden, flat[1]), np.float32)
    u_slopes = np.empty((hidden, flat[1]), np.float32)
    w_lanes, v1_lanes = np.zeros((width, width, LANES), np.float32), np.zeros((hidden, width, LANES), np.float32)
    v2_lanes = np.zeros((width, hidden, LANES), np.float32)
    bias_sum, w_sum, v1_sum, c1_sum, v2_sum, c2_sum, g_sum = sums
    none = np.zeros(width, np.float32)
    for first in range(start, stop, rows):
        for m in range(x.shape[2]):
            for at in range(0, x.shape[4], columns):
                load(x_points, x, b, first, m, at)
                fill(ys, bias)
                _add_synthesis(y_points, s, q, b, first, m, at)
                add_product(ys, w, xs)
                if last:
                    copy(hs.reshape(-1), ys.reshape(-1))
                else:
                    gelu_and_slope(ys, hs)  # from here on ys holds σ'(y), us σ'(u)
                fill(us, c1)
                add_product(us, v1, hs)
                gelu_and_slope(us, ts)
                load(z_points, slope, b, first, m, at)
                if not last:
                    fill_scaled(slopes, c2, g, xs)
                    add_product(slopes, v2, ts)
                    gelu_slope(slopes)
                    multiply(zs, slopes)  # the slope with respect to z
                add_row_sums(c2_sum[job], zs)
                add_row_products(g_sum[job], zs, xs)
                add_outer(v2_lanes, zs, ts)
                u_slopes[:] = 0
                add_product(u_slopes, v2.T, zs)
                multiply(u_slopes, us)
                add_row_sums(c1_sum[job], u_slopes)
                add_outer(v1_lanes, u_slopes, hs)
                slopes[:] = 0
                add_product(slopes, v1.T, u_slopes)
                if not last:
                    multiply(slopes, ys)  # with respect to y
                add_row_sums(bias_sum[job], slopes)
                add_outer(w_lanes, slopes, xs)
                _add_adjoint(q_slope, s, slopes.reshape(shape), job, first, m, at)
                fill_scaled(hs, none, g, zs)
                add_product(hs, w.T, slopes)
                store(hs.reshape(shape), x_slope, b, first, m, at)
    add_lanes(w_sum[job].reshape(-1), w_lanes)
    add_lanes(v1_sum[job].reshape(-1), v1_lanes)
    add_lanes(v2_sum[job].reshape(-1), v2_lanes)


@njit(**OPTIONS, parallel=True)
def backward(x, q, s, weights, last, parts, slope, x_slope, q_slope, sums):
    """Slopes of a function of the result, given that with respect to the result, `slope`.

    With respect to x into `x_slope`; with respect to q and the weights, each (samples * parts, ...) and zero on entry,
    into `q_slope` and `sums`: one for every part of every sample, to be added up.
    """
    for job in prange(x.shape[0] * parts):
        b = job // parts
        start, stop = bounds(x, job % parts, parts)
        _backward_tiles(x, q, s, weights, last, slope, x_slope, q_slope, sums, job, b, start, stop)
