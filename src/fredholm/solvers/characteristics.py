"""Transport along a line by its characteristics, for velocities that differ in space and from sample to sample.

    ∂s/∂t + a(x) ∂s/∂x = 0,   a > 0

s is constant along dx/dt = a(x). With the time of travel τ(x) = ∫₀ˣ dy / a(y), the characteristic through (x, t) was at
τ⁻¹(τ(x) - t) at time 0, or entered at x = 0 at time t - τ(x). 1 / a is a cubic spline through its values, integrated
exactly and inverted by Newton's method: fourth order in the spacing, at any time, without a step.

Source: Evans, "Partial differential equations" (2010), section 3.2.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.interpolate import CubicSpline

from fredholm.errors import SolverError
from fredholm.solvers.row_splines import RowSplines

_NEWTON_STEPS = 4  # from linear interpolation: 1e-3, 1e-6, 1e-12, rounding


class Characteristics:
    """Characteristics of n velocities, known at m equidistant points x₀ = 0, ..., L, both ends included.

    Args:
        velocity: a; SolverError names the first sample in which it is not positive, or its spline is not.
        extent: L.

    >>> paths = Characteristics(np.full((1, 5), 2.0), extent=1.0)
    >>> feet, entered = paths.traced(np.array([0.125]))
    >>> feet[0, :, 0], entered[0, :, 0]
    (array([-0.25,  0.  ,  0.25,  0.5 ,  0.75]), array([ 0.125, -0.   , -0.125, -0.25 , -0.375]))
    """

    def __init__(self, velocity: Float[ndarray, "n m"], extent: float) -> None:
        self.extent = extent
        self.points = np.linspace(0.0, extent, velocity.shape[1])
        with np.errstate(divide="ignore"):
            slowness = 1 / velocity.astype(np.float64)
        bad = ~(np.isfinite(slowness) & (slowness > 0)).all(1)
        if not bad.any():
            spline = CubicSpline(self.points, slowness, axis=1)
            self._slowness, self._time = RowSplines(spline), RowSplines(spline.antiderivative())
            self._arrival = self._time(np.broadcast_to(self.points, velocity.shape))
            bad = ~(np.diff(self._arrival) > 0).all(1)
        if bad.any():
            raise SolverError(int(bad.argmax()), "its velocity is not positive everywhere")

    @property
    def crossing_time(self) -> Float[ndarray, " n"]:
        """τ(L)."""
        return self._arrival[:, -1]

    def traced(self, times: Float[ndarray, " k"]) -> tuple[Float[ndarray, "n m k"], Float[ndarray, "n m k"]]:
        """Where the characteristics through all points and times were at time 0, and when they entered at x = 0.

        Where a characteristic has entered since time 0 the second is positive, and the first negative: its place if a
        were continued periodically with period L.
        """
        since = self._arrival[:, :, None] - times
        turns = np.floor(since / self.crossing_time[:, None, None])
        within = since - turns * self.crossing_time[:, None, None]
        return self._place(within.reshape(len(within), -1)).reshape(since.shape) + turns * self.extent, -since

    def _place(self, time: Float[ndarray, "n k"]) -> Float[ndarray, "n k"]:
        """τ⁻¹."""
        rows = zip(time, self._arrival, strict=True)
        x = np.stack([np.interp(row, arrival, self.points) for row, arrival in rows])
        for _ in range(_NEWTON_STEPS):
            x = np.clip(x - (self._time(x) - time) / self._slowness(x), 0.0, self.extent)
        return x
