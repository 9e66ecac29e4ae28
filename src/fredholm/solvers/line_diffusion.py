"""Steady diffusion along a line, in closed form.

    -(a u')' = f  in (0, 1),   u(0) = u(1) = 0,   f constant

Integrated once, a u' = c - f x, and so u(x) = ∫₀ˣ (c - f y) / a(y) dy with c = f ∫₀¹ y / a dy / ∫₀¹ dy / a. log a is a
cubic spline through its values and the integrals are Gauss's: fourth order in the spacing.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.interpolate import CubicSpline

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)  # of each interval: far below the spline's error


def line_diffusion(log_coefficient: Float[ndarray, "n m"], load: float) -> Float[ndarray, "n m"]:
    """Values u at the m equidistant points of [0, 1], both ends included, at which log a is given.

    >>> u = line_diffusion(np.zeros((1, 5)), load=8.0)
    >>> [round(value, 12) for value in u[0].tolist()]  # 4 x (1 - x)
    [0.0, 0.75, 1.0, 0.75, 0.0]
    """
    x = np.linspace(0.0, 1.0, log_coefficient.shape[1])
    spacing = x[1]
    nodes = x[:-1, None] + spacing * (_NODES + 1) / 2
    resistance = np.exp(-CubicSpline(x, log_coefficient, axis=1)(nodes))  # (n, intervals, nodes)
    zeroth, first = (_running(values, spacing) for values in (resistance, nodes * resistance))
    flux = load * first[:, -1:] / zeroth[:, -1:]
    return flux * zeroth - load * first


def _running(values: Float[ndarray, "n k q"], spacing: float) -> Float[ndarray, "n k+1"]:
    """Integrals from 0 to each point."""
    pieces = (values * _WEIGHTS).sum(2) * spacing / 2
    return np.concatenate([np.zeros((len(values), 1)), pieces.cumsum(1)], axis=1)
