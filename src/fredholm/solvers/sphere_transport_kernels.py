"""Sweeps of transport along the circles of latitude and along the meridians, compiled by numba.

A sweep moves air through the faces that lie across its direction, and tracer with it. In the coordinate μ that counts
the air from face to face, what crosses a face in a step is the tracer that the last V of the air before it holds,

    Φ = ∫ q dμ over [μ_face - V, μ_face],    q = qᵢ + sᵢ (μ - μᵢ) / mᵢ in cell i

with van Leer's slopes s: the harmonic mean of the differences to both neighbours, zero at an extremum. As V is all that
is asked about the wind, no error is made in time, and as long as all cells keep some air, each new value is a mean of
the piecewise linear function over an interval of μ: no value lies beyond those of the neighbours.

Sources: van Leer, J. Comput. Phys. 23 (1977), for the slopes; Leonard, Lock, MacVean, Mon. Weather Rev. 124 (1996), for
fluxes that reach over several cells.
"""

# mypy: disallow-untyped-defs=False
# numba infers the types of what it compiles

import numpy as np
from numba import njit


@njit(cache=True, inline="always")
def _slope(behind, ahead):
    """Change over a cell, from the differences to the cells behind and ahead."""
    product = behind * ahead
    return 2 * product / (behind + ahead) if product > 0 else 0.0


@njit(cache=True)
def along_circles(tracer, air, volume):
    """Mean tracer and air of all cells (b, latitude, longitude) after a sweep, in place.

    `volume` of air moves east through the western face of each cell, over any number of cells.
    """
    count = tracer.shape[2]
    slopes, crossing = np.empty(count), np.empty(count)
    for sample in range(tracer.shape[0]):
        for row in range(tracer.shape[1]):
            q, m, v = tracer[sample, row], air[sample, row], volume[sample, row]
            for i in range(count):
                slopes[i] = _slope(q[i] - q[i - 1], q[i + 1 - count] - q[i])
            for i in range(count):
                moved, left = 0.0, abs(v[i])
                towards = -1 if v[i] >= 0 else 1  # the way back along the wind
                donor = i - 1 if v[i] >= 0 else i
                donor += count if donor < 0 else 0
                while left > m[donor]:
                    moved += m[donor] * q[donor]
                    left -= m[donor]
                    donor = (donor + towards) % count
                moved += left * (q[donor] - towards * 0.5 * (1 - left / m[donor]) * slopes[donor])
                crossing[i] = -towards * moved
            for i in range(count):
                content = m[i] * q[i] + crossing[i] - crossing[i + 1 - count]
                m[i] += v[i] - v[i + 1 - count]
                q[i] = content / m[i]


@njit(cache=True)
def along_meridians(tracer, air, volume):
    """Mean tracer and air of all cells (b, latitude, longitude) after a sweep, in place.

    `volume` (b, latitude + 1, longitude) of air moves north through the southern faces, and none through the poles; at
    most what there is in a cell.
    """
    rows, count = tracer.shape[1:]
    slopes, crossing = np.empty((rows, count)), np.zeros((rows + 1, count))
    for sample in range(tracer.shape[0]):
        q, m, v = tracer[sample], air[sample], volume[sample]
        for j in range(rows):
            for i in range(count):
                # who walks on over a pole comes down on the other side of the earth
                other = (i + count // 2) % count
                before = q[j - 1, i] if j > 0 else q[0, other]
                after = q[j + 1, i] if j + 1 < rows else q[j, other]
                slopes[j, i] = _slope(q[j, i] - before, after - q[j, i])
        for j in range(1, rows):
            for i in range(count):
                donor, side = (j - 1, 0.5) if v[j, i] >= 0 else (j, -0.5)
                share = abs(v[j, i]) / m[donor, i]
                crossing[j, i] = v[j, i] * (q[donor, i] + side * (1 - share) * slopes[donor, i])
        for j in range(rows):
            for i in range(count):
                content = m[j, i] * q[j, i] + crossing[j, i] - crossing[j + 1, i]
                m[j, i] += v[j, i] - v[j + 1, i]
                q[j, i] = content / m[j, i]
