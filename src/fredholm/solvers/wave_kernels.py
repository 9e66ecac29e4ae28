"""Leap-frog kernels, compiled by numba: the sweep over the whole grid, and the nodes at walls.

The sweep takes the grid as one run of memory, in blocks, in place and without branches, as if no node were at a wall:
each neighbour is at a fixed distance (`strides`), and what comes out at the edges is meaningless. Of every
block, the nodes at walls, known from lists, are put right after the sweep, while it is still in the cache.
Arithmetic is strict IEEE in a fixed order, so results do not depend on how many threads share the work.
"""

# mypy: disallow-untyped-defs=False
# numba infers the types of what it compiles

import numpy as np
from numba import njit, prange


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
def _wall_node(p, old, w, strides, walls, square):
    """New pressure at wall node w: (2p - (1-g) q + λ² Σ (aₙ / v) (pₙ - p)) / (1+g)."""
    nodes, coefficients, damping = walls
    one, two = p.dtype.type(1), p.dtype.type(2)
    # unsigned, so that no index is tested for being negative
    node, last = np.uintp(nodes[w]), np.uintp(p.shape[0] - 1)
    here, laplacian = p[node], p.dtype.type(0)
    for axis in range(strides.shape[0]):
        stride = np.uintp(strides[axis])
        # a neighbour beyond the grid has coefficient zero: any node does in its place
        ahead, behind = min(node + stride, last), node - min(stride, node)
        laplacian += coefficients[w, 2 * axis] * (p[ahead] - here)
        laplacian += coefficients[w, 2 * axis + 1] * (p[behind] - here)
    g = damping[w]
    return (two * here - (one - g) * old + square * laplacian) / (one + g)


@njit(cache=True, inline="always")
def _step_block(p, q, block, strides, walls, silent, blocks, square, old):
    """One time step of one block: of q nothing else is touched, of p nothing is changed."""
    nodes = walls[0]
    bounds, walls_before, silent_before = blocks
    for w in range(walls_before[block], walls_before[block + 1]):
        old[w] = q[nodes[w]]
    start, stop = max(bounds[block], strides[0]), min(bounds[block + 1], p.shape[0] - strides[0])
    if start < stop:
        _sweep(p, q, start, stop, strides, square)
    # after the sweep, which has brought all their neighbours into the cache
    for w in range(walls_before[block], walls_before[block + 1]):
        q[nodes[w]] = _wall_node(p, old[w], w, strides, walls, square)
    for i in range(silent_before[block], silent_before[block + 1]):
        q[silent[i]] = 0


@njit(cache=True)
def _step(p, q, strides, walls, silent, blocks, square, old):
    """One time step of one grid by one thread: the field after `p` replaces the one before it, `q`."""
    for block in range(blocks[0].shape[0] - 1):
        _step_block(p, q, block, strides, walls, silent, blocks, square, old)


@njit(cache=True, parallel=True)
def step_shared(p, q, strides, walls, silent, blocks, square, old):
    """One time step of one large grid, its blocks shared by all threads. `old` is scratch, one value a wall node."""
    for block in prange(blocks[0].shape[0] - 1):
        _step_block(p, q, block, strides, walls, silent, blocks, square, old)


@njit(cache=True, parallel=True)
def simulate_each(p, q, strides, walls, silent, blocks, square, steps, recorded):
    """Time steps of many grids (grid, node), each by one thread, which keeps it in its cache.

    `p` holds the fields at step 1 and `q` at step 0; `recorded[grid, k]` becomes the field at step k * steps.
    """
    for s in prange(p.shape[0]):
        after, before = p[s], q[s]
        old = np.empty(walls[0].shape[0], p.dtype)
        recorded[s, 0] = before
        for step in range(1, (recorded.shape[1] - 1) * steps + 1):
            if step % steps == 0:
                recorded[s, step // steps] = after
            _step(after, before, strides, walls, silent, blocks, square, old)
            after, before = before, after


@njit(cache=True)
def first_step(p, q, strides, walls, silent, blocks, square):
    """Q = p + λ²/2 L p for every grid: the step from rest, in which the walls' damping cancels."""
    nodes, coefficients, damping = walls
    undamped = (nodes, coefficients, np.zeros_like(damping))
    old = np.empty(nodes.shape[0], p.dtype)
    for s in range(p.shape[0]):
        q[s] = p[s]
        _step(p[s], q[s], strides, undamped, silent, blocks, square / p.dtype.type(2), old)
