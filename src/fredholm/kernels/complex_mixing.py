"""Complex matrices, one a frequency, times complex rows: y(k) = x(k) W(k), and its slopes.

Rows are (frequency, real or imaginary part, sample, channel), matrices (frequency, input, part, output). Channels come
in multiples of 16.
"""

# mypy: disallow-untyped-defs=False

import numpy as np
from numba import njit, prange

from fredholm.kernels.tiles import OPTIONS, add_product


@njit(**OPTIONS)
def _negative(x):
    result = np.empty(x.shape, np.float32)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            result[i, j] = -x[i, j]
    return result


@njit(**OPTIONS)
def _transpose(x):
    result = np.empty((x.shape[1], x.shape[0]), np.float32)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            result[j, i] = x[i, j]
    return result


@njit(**OPTIONS, parallel=True)
def forward(x, w, y):
    """The rows y."""
    for k in prange(x.shape[0]):
        real, imaginary = w[k, :, 0], w[k, :, 1]
        y[k] = 0
        add_product(y[k, 0], x[k, 0], real)
        add_product(y[k, 0], _negative(x[k, 1]), imaginary)
        add_product(y[k, 1], x[k, 1], real)
        add_product(y[k, 1], x[k, 0], imaginary)


@njit(**OPTIONS, parallel=True)
def backward(x, w, slope, x_slope, w_slope):
    """Slopes with respect to x and W, given that with respect to y, `slope`."""
    for k in prange(x.shape[0]):
        real, imaginary = _transpose(w[k, :, 0]), _transpose(w[k, :, 1])
        minus = _negative(slope[k, 0])
        x_slope[k] = 0
        add_product(x_slope[k, 0], slope[k, 0], real)
        add_product(x_slope[k, 0], slope[k, 1], imaginary)
        add_product(x_slope[k, 1], slope[k, 1], real)
        add_product(x_slope[k, 1], minus, imaginary)
        w_slope[k] = 0
        add_product(w_slope[k, :, 0], x[k, 0].T, slope[k, 0])
        add_product(w_slope[k, :, 0], x[k, 1].T, slope[k, 1])
        add_product(w_slope[k, :, 1], x[k, 0].T, slope[k, 1])
        add_product(w_slope[k, :, 1], x[k, 1].T, minus)
