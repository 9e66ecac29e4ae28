"""Passes over memory, compiled by numba: what no solver that does the same can be faster than."""

# mypy: disallow-untyped-defs=False
# numba infers the types of what it compiles

import numpy as np
from numba import njit, prange


@njit(cache=True, parallel=True)
def copy(source, target):
    """Target = source, in threads."""
    for i in prange(source.shape[0]):
        target[i] = source[i]


@njit(cache=True, parallel=True)
def update_in_place(source, target):
    """Target = 2 source - target, in threads."""
    for row in prange(source.shape[0]):
        x, y = source[row], target[row]
        for j in range(x.shape[0]):
            y[j] = np.float32(2) * x[j] - y[j]
