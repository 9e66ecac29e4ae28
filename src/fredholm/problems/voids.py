"""A unit square with a void: the grid of points between the two, for any void that its centre sees all of.

    x(θ, s) = c + (1 - s) r(θ) e(θ) + s R(θ) e(θ),   e = (cos θ, sin θ),   c = (½, ½)

with r the void's radius and R the distance to the square's boundary. Rays start in a corner, so that all four corners
are points of every grid whose number of rays is divisible by four; along each, points are closer near the void.
"""

import math

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.errors import SignatureError

_GRADING = 2.0  # the outermost interval of a ray is about e² times as long as the one at the void


def ring_points(radii: Float[ndarray, "n b"], around: int, outward: int) -> Float[ndarray, "n 2 around points"]:
    """Points x(θ, s) on `around` rays, with `outward` intervals along each.

    `radii` are r at b equidistant angles from 0; between them r is their trigonometric interpolant. Doubling `around`
    and `outward` keeps every point. Raises SignatureError naming the first void that is not inside the square.

    >>> ring_points(np.full((3, 42), 0.3), around=108, outward=8).shape
    (3, 2, 108, 9)
    """
    angle = 2 * math.pi * np.arange(around) / around - math.pi / 4
    direction = np.stack([np.cos(angle), np.sin(angle)])
    radius = radii @ _interpolation(radii.shape[1], angle)
    outer = 0.5 * direction / np.abs(direction).max(0)
    wall = np.hypot(*outer)
    inside = ((radius > 0) & (radius < wall)).all(1)
    if not inside.all():
        first = int(inside.argmin())
        raise SignatureError(
            f"the void of sample {first} has radii from {radius[first].min():.3g} to {radius[first].max():.3g}: "
            "it must keep away from its centre and from the square's boundary, 0.5 to 0.71 from there"
        )
    share = np.expm1(_GRADING * np.arange(outward + 1) / outward) / math.expm1(_GRADING)
    inner = radius[:, None, :] * direction
    return 0.5 + inner[..., None] * (1 - share) + outer[..., None] * share


def vertex_weights(points: Float[ndarray, "n 2 around points"]) -> Float[ndarray, "n around points"]:
    """Quadrature weights of the points: a quarter of the Jacobian at its corners from each quadrilateral.

    They integrate constants exactly, the bilinear map's Jacobian being linear in each direction.
    """
    x = np.concatenate([points, points[:, :, :1]], axis=2)
    along = np.diff(x, axis=3)  # the quadrilaterals' edges, outward and around
    across = np.diff(x, axis=2)
    weights = np.zeros((len(points), x.shape[2], x.shape[3]))
    for j, i in ((0, 0), (0, 1), (1, 0), (1, 1)):
        outward = along[:, :, j : x.shape[2] - 1 + j]
        around = across[..., i : x.shape[3] - 1 + i]
        jacobian = outward[:, 0] * around[:, 1] - outward[:, 1] * around[:, 0]
        weights[:, j : x.shape[2] - 1 + j, i : x.shape[3] - 1 + i] += jacobian / 4
    weights[:, 0] += weights[:, -1]
    return weights[:, :-1]


def _interpolation(count: int, angle: ndarray) -> Float[ndarray, "b m"]:
    """Cardinal functions of trigonometric interpolation at `count` equidistant angles, evaluated at `angle`."""
    distance = angle - 2 * math.pi * np.arange(count)[:, None] / count
    order = np.arange(count // 2 + 1)
    weight = np.where((order == 0) | (2 * order == count), 1.0, 2.0) / count
    return np.tensordot(weight, np.cos(order[:, None, None] * distance), axes=1)
