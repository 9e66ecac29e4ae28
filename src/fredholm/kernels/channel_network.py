"""A network of two layers on the channels at every point: result = V₂ σ(V₁ x + c₁) + c₂.

The hidden channels never exist in memory; the backward kernel computes them again.
"""

# mypy: disallow-untyped-defs=False

import numpy as np
from numba import njit, prange

from fredholm.kernels.gelu import gelu, gelu_and_slope
from fredholm.kernels.pieces import bounds, load, shape_of_piece, store
from fredholm.kernels.tiles import (
    LANES,
    OPTIONS,
    add_lanes,
    add_outer,
    add_product,
    add_row_sums,
    fill,
    multiply,
)


@njit(**OPTIONS)
def _forward_tiles(x, weights, out, b, start, stop):
    v1, c1, v2, c2 = weights
    (hidden, inputs), outputs = v1.shape, v2.shape[0]
    rows, columns = shape_of_piece(x.shape[1], x.shape[4])
    x_points, z_points = (
        np.empty((inputs, rows, columns), np.float32),
        np.empty((outputs, rows, columns), np.float32),
    )
    xs, zs = x_points.reshape((inputs, rows * columns)), z_points.reshape((outputs, rows * columns))
    us = np.empty((hidden, rows * columns), np.float32)
    for first in range(start, stop, rows):
        for m in range(x.shape[2]):
            for at in range(0, x.shape[4], columns):
                load(x_points, x, b, first, m, at)
                fill(us, c1)
                add_product(us, v1, xs)
                gelu(us)
                fill(zs, c2)
                add_product(zs, v2, us)
                store(z_points, out, b, first, m, at)


@njit(**OPTIONS, parallel=True)
def forward(x, weights, parts, out):
    """The result into `out`. The first axis of each sample is worked on in `parts`, side by side."""
    for job in prange(x.shape[0] * parts):
        start, stop = bounds(x, job % parts, parts)
        _forward_tiles(x, weights, out, job // parts, start, stop)


@njit(**OPTIONS)
def _backward_tiles(x, weights, slope, x_slope, sums, job, b, start, stop):
    v1, c1, v2, _ = weights
    (hidden, inputs), outputs = v1.shape, v2.shape[0]
    rows, columns = shape_of_piece(x.shape[1], x.shape[4])
    x_points, z_points = (
        np.empty((inputs, rows, columns), np.float32),
        np.empty((outputs, rows, columns), np.float32),
    )
    xs, zs = x_points.reshape((inputs, rows * columns)), z_points.reshape((outputs, rows * columns))
    us, ts = np.empty((hidden, rows * columns), np.float32), np.empty((hidden, rows * columns), np.float32)
    slopes = np.empty((hidden, rows * columns), np.float32)
    v1_lanes, v2_lanes = (
        np.zeros((hidden, inputs, LANES), np.float32),
        np.zeros((outputs, hidden, LANES), np.float32),
    )
    v1_sum, c1_sum, v2_sum, c2_sum = sums
    for first in range(start, stop, rows):
        for m in range(x.shape[2]):
            for at in range(0, x.shape[4], columns):
                load(x_points, x, b, first, m, at)
                fill(us, c1)
                add_product(us, v1, xs)
                gelu_and_slope(us, ts)  # from here on us holds σ'(u)
                load(z_points, slope, b, first, m, at)
                add_row_sums(c2_sum[job], zs)
                add_outer(v2_lanes, zs, ts)
                slopes[:] = 0
                add_product(slopes, v2.T, zs)
                multiply(slopes, us)
                add_row_sums(c1_sum[job], slopes)
                add_outer(v1_lanes, slopes, xs)
                if x_slope.shape[0] > 0:
                    xs[:] = 0
                    add_product(xs, v1.T, slopes)
                    store(x_points, x_slope, b, first, m, at)
    add_lanes(v1_sum[job].reshape(-1), v1_lanes)
    add_lanes(v2_sum[job].reshape(-1), v2_lanes)


@njit(**OPTIONS, parallel=True)
def backward(x, weights, parts, slope, x_slope, sums):
    """Slopes of a function of the result, given that with respect to the result, `slope`.

    With respect to x into `x_slope`, unless that has no samples; with respect to the weights, (samples * parts, ...)
    and zero on entry, into `sums`: one for every part of every sample, to be added up.
    """
    for job in prange(x.shape[0] * parts):
        start, stop = bounds(x, job % parts, parts)
        _backward_tiles(x, weights, slope, x_slope, sums, job, job // parts, start, stop)
