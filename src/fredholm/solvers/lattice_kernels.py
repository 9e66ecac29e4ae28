"""Compiled loops of the lattice Boltzmann method: collide where populations are, stream to where they go.

Velocities of the lattice: 0 rests; 1-4 go east, north, west, south; 5-8 north-east, north-west, south-west, south-east.
"""

# mypy: disallow-untyped-defs=False
# numba infers the types of what it compiles

import numpy as np
from numba import njit

WEIGHTS = np.array([4 / 9] + [1 / 9] * 4 + [1 / 36] * 4)
_X = np.array([0, 1, 0, -1, 0, 1, -1, -1, 1])
_Y = np.array([0, 0, 1, 0, -1, 1, 1, -1, -1])
_OPPOSITE = np.array([0, 3, 4, 1, 2, 7, 8, 5, 6])
_MIRRORED = np.array([0, 1, 4, 3, 2, 8, 7, 6, 5])  # in a line along x


@njit(cache=True)
def advance(old, new, solid, inflow, symmetric, plus, minus, force):
    """One step from `old` to `new`; adds the momentum that solids are given to `force`."""
    rows, columns = solid.shape
    after = np.empty(9)
    for j in range(rows):
        for i in range(columns):
            if solid[j, i]:
                continue
            density, u, v = 0.0, 0.0, 0.0
            for k in range(9):
                density += old[k, j, i]
                u += _X[k] * old[k, j, i]
                v += _Y[k] * old[k, j, i]
            energy = 1.5 * (u * u + v * v)
            after[0] = old[0, j, i] + plus * (WEIGHTS[0] * (density - energy) - old[0, j, i])
            for k in (1, 2, 5, 6):
                opposite = _OPPOSITE[k]
                along = _X[k] * u + _Y[k] * v
                even = 0.5 * (old[k, j, i] + old[opposite, j, i])
                odd = 0.5 * (old[k, j, i] - old[opposite, j, i])
                even_change = plus * (WEIGHTS[k] * (density + 4.5 * along * along - energy) - even)
                odd_change = minus * (3 * WEIGHTS[k] * along - odd)
                after[k] = old[k, j, i] + even_change + odd_change
                after[opposite] = old[opposite, j, i] + even_change - odd_change
            for k in range(9):
                y, x = j + _Y[k], i + _X[k]
                if y < 0 or y >= rows:
                    if not symmetric:
                        new[_OPPOSITE[k], j, i] = after[k]
                        continue
                    y, into = j, _MIRRORED[k]
                else:
                    into = k
                if x < 0:  # bounced back off an inlet that moves; its speed where the link crosses it
                    entering = 0.5 * (inflow[j] + inflow[min(max(j + _Y[k], 0), rows - 1)])
                    new[_OPPOSITE[k], j, i] = after[k] - 6 * WEIGHTS[k] * _X[k] * entering
                elif x >= columns:  # given back such that the density is one halfway beyond
                    along = _X[k] * u + _Y[k] * v
                    new[_OPPOSITE[k], j, i] = 2 * WEIGHTS[k] * (1 + 4.5 * along * along - energy) - after[k]
                elif solid[y, x]:
                    new[_OPPOSITE[k], j, i] = after[k]
                    force[0] += 2 * _X[k] * after[k]
                    force[1] += 2 * _Y[k] * after[k]
                else:
                    new[into, y, x] = after[k]


@njit(cache=True)
def uniform(inflow, solid):
    """Populations (9, rows, columns) at equilibrium with density one and, outside solids, the inflow's velocity."""
    rows, columns = solid.shape
    populations = np.empty((9, rows, columns))
    for k in range(9):
        for j in range(rows):
            for i in range(columns):
                u = 0.0 if solid[j, i] else inflow[j]
                along = _X[k] * u
                populations[k, j, i] = WEIGHTS[k] * (1 + 3 * along + 4.5 * along * along - 1.5 * u * u)
    return populations


@njit(cache=True)
def moments(populations, solid):
    """(u, v) in lattice units, (2, rows, columns); zero in solids."""
    rows, columns = solid.shape
    velocity = np.zeros((2, rows, columns))
    for j in range(rows):
        for i in range(columns):
            if not solid[j, i]:
                for k in range(9):
                    velocity[0, j, i] += _X[k] * populations[k, j, i]
                    velocity[1, j, i] += _Y[k] * populations[k, j, i]
    return velocity
