"""Splines through equidistant points, one a row, each evaluated at points of its own.

SciPy evaluates all splines of an array at the same points.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.interpolate import PPoly


class RowSplines:
    """Piecewise polynomials of the rows of an array, such as `CubicSpline(x, values, axis=1)`, x equidistant.

    >>> from scipy.interpolate import CubicSpline
    >>> x = np.linspace(0, 1, 5)
    >>> RowSplines(CubicSpline(x, np.stack([x, x**2]), axis=1))(np.array([[0.25, 0.75], [0.5, 1.0]]))
    array([[0.25, 0.75],
           [0.25, 1.  ]])
    """

    def __init__(self, splines: PPoly) -> None:
        self._knots = splines.x
        self._pieces = len(splines.x) - 1
        coefficients = np.moveaxis(splines.c, 2, 1)  # (degree + 1, rows, pieces)
        self._coefficients = np.ascontiguousarray(coefficients).reshape(len(coefficients), -1)
        self._start = self._pieces * np.arange(coefficients.shape[1])[:, None]

    def __call__(self, points: Float[ndarray, "n k"]) -> Float[ndarray, "n k"]:
        """Values of the i-th spline at the i-th row of points."""
        spacing = (self._knots[-1] - self._knots[0]) / self._pieces
        piece = np.clip(((points - self._knots[0]) / spacing).astype(np.int64), 0, self._pieces - 1)
        offset = points - self._knots[piece]
        piece += self._start
        values = self._coefficients[0][piece]
        for coefficient in self._coefficients[1:]:
            values *= offset
            values += coefficient[piece]
        return values
