"""Leap-frog kernels, compiled by numba: the sweep over the whole grid, and the nodes at walls.

The sweep takes the grid as one run of memory, in blocks, in place and without branches, as if no node were at a wall:
each neighbour is at a fixed distance (`strides`), and what comes out at the edges is meaningless. Nodes at walls are
computed before it, from lists, and put in after it. Arithmetic is strict IEEE in a fixed order, so results do not depend
on how many threads share the work.
"""

import numpy as np
from numba import njit, prange

BLOCK = 2**15  # nodes that a thread sweeps at a time


@njit(cache=True, inline="always")
def _sweep(p, q, start, stop, strides, square):
    """Q = 2 p - q + λ² L p on the nodes start, ..., stop - 1."""
    # shifted views instead of shifted indices: an index that cannot be negative is one the compiler vectorises over
    here, new = p[start:stop], q[start:stop]
    left, right = p[start - 1 : stop - 1], p[start + 1 : stop + 1]
    two = p.dtype.type(2)
    if strides.shape[0] == 3:
        six, s, t = p.dtype.type(6), strides[0], strides[1]
        a, b, c, d = (
            p[start - s : stop - s],
            p[start + s : stop + s],
            p[start - t : stop - t],
            p[start + t : stop + t],
        )
        for j in range(here.shape[0]):
            laplacian = (left[j] + right[j]) + (a[j] + b[j]) + (c[j] + d[j]) - six * here[j]
            new[j] = two * here[j] - new[j] + square * laplacian
    elif strides.shape[0] == 2:
        four, s = p.dtype.type(4), strides[0]
        a, b = p[start - s : stop - s], p[start + s : stop + s]
        for j in range(here.shape[0]):
            laplacian = (left[j] + right[j]) + (a[j] + b[j]) - four * here[j]
            new[j] = two * here[j] - new[j] + square * laplacian
    else:
        for j in range(here.shape[0]):
            laplacian = (left[j] + right[j]) - two * here[j]
            new[j] = two * here[j] - new[j] + square * laplacian


@njit(cache=True, inline="always")
def _wall_node(p, q, w, walls, square, new):
    """New pressure at wall node w: (2p - (1-g) q + λ² Σ (aₙ / v) (pₙ - p)) / (1+g)."""
    nodes, neighbours, coefficients, damping = walls
    one, two = p.dtype.type(1), p.dtype.type(2)
    node = nodes[w]
    laplacian = p.dtype.type(0)
    for k in range(neighbours.shape[1]):
        laplacian += coefficients[w, k] * (p[neighbours[w, k]] - p[node])
    g = damping[w]
    new[w] = (two * p[node] - (one - g) * q[node] + square * laplacian) / (one + g)


@njit(cache=True)
def _step(p, q, strides, walls, silent, square, new):
    """One time step of one grid by one thread: the field after `p` replaces the one before it, `q`."""
    nodes = walls[0]
    for w in range(nodes.shape[0]):
        _wall_node(p, q, w, walls, square, new)
    _sweep(p, q, strides[0], p.shape[0] - strides[0], strides, square)
    for w in range(nodes.shape[0]):
        q[nodes[w]] = new[w]
    for node in silent:
        q[node] = 0


@njit(cache=True, parallel=True)
def step_shared(p, q, strides, walls, silent, square, new):
    """One time step of one large grid, shared by all threads."""
    nodes = walls[0]
    for w in prange(nodes.shape[0]):
        _wall_node(p, q, w, walls, square, new)
    first, last = strides[0], p.shape[0] - strides[0]
    for block in prange((last - first + BLOCK - 1) // BLOCK):
        start = first + block * BLOCK
        _sweep(p, q, start, min(start + BLOCK, last), strides, square)
    for w in prange(nodes.shape[0]):
        q[nodes[w]] = new[w]
    for node in silent:
        q[node] = 0


@njit(cache=True, parallel=True)
def simulate_each(p, q, strides, walls, silent, square, steps, recorded):
    """Time steps of many grids (grid, node), each by one thread, which keeps it in its cache.

    `p` holds the fields at step 1 and `q` at step 0; `recorded[grid, k]` becomes the field at step k * steps.
    """
    for s in prange(p.shape[0]):
        after, before = p[s], q[s]
        new = np.empty(walls[0].shape[0], p.dtype)
        recorded[s, 0] = before
        for step in range(1, (recorded.shape[1] - 1) * steps + 1):
            if step % steps == 0:
                recorded[s, step // steps] = after
            _step(after, before, strides, walls, silent, square, new)
            after, before = before, after


@njit(cache=True)
def first_step(p, q, strides, walls, silent, square):
    """Q = p + λ²/2 L p for every grid: the step from rest, in which the walls' damping cancels."""
    nodes, neighbours, coefficients, damping = walls
    undamped = (nodes, neighbours, coefficients, np.zeros_like(damping))
    new = np.empty(nodes.shape[0], p.dtype)
    for s in range(p.shape[0]):
        q[s] = p[s]
        _step(p[s], q[s], strides, undamped, silent, square / p.dtype.type(2), new)
