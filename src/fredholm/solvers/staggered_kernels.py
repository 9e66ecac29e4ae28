"""Compiled loops over a staggered grid: how fast velocities change by transport and viscosity.

Velocities come with one ring of ghost values: u[j + 1, i + 1] is the velocity through the i-th upright face of row j,
v[j + 1, i + 1] that through the j-th level face of column i.
"""

# mypy: disallow-untyped-defs=False
# numba infers the types of what it compiles

from numba import njit


@njit(cache=True)
def slopes(u, v, viscosity, spacing, du, dv):
    """Set du = -∂(uu)/∂x - ∂(uv)/∂y + ν Δu, and dv alike, on all faces that have neighbours; fluxes of averages."""
    hy, hx = spacing
    ax, ay = viscosity / (hx * hx), viscosity / (hy * hy)
    for j in range(1, u.shape[0] - 1):
        for i in range(1, u.shape[1] - 1):
            here = u[j, i]
            east, west = 0.25 * (here + u[j, i + 1]) ** 2, 0.25 * (here + u[j, i - 1]) ** 2
            north = 0.25 * (here + u[j + 1, i]) * (v[j + 1, i - 1] + v[j + 1, i])
            south = 0.25 * (here + u[j - 1, i]) * (v[j, i - 1] + v[j, i])
            du[j, i] = (
                (west - east) / hx
                + (south - north) / hy
                + ax * (u[j, i + 1] - 2 * here + u[j, i - 1])
                + ay * (u[j + 1, i] - 2 * here + u[j - 1, i])
            )
    for j in range(1, v.shape[0] - 1):
        for i in range(1, v.shape[1] - 1):
            here = v[j, i]
            north, south = 0.25 * (here + v[j + 1, i]) ** 2, 0.25 * (here + v[j - 1, i]) ** 2
            east = 0.25 * (here + v[j, i + 1]) * (u[j - 1, i + 1] + u[j, i + 1])
            west = 0.25 * (here + v[j, i - 1]) * (u[j - 1, i] + u[j, i])
            dv[j, i] = (
                (west - east) / hx
                + (south - north) / hy
                + ax * (v[j, i + 1] - 2 * here + v[j, i - 1])
                + ay * (v[j + 1, i] - 2 * here + v[j - 1, i])
            )
