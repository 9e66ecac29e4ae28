"""Transport of a tracer over the sphere by winds free of divergence, in layers that exchange air.

    ∂q/∂t + v·∇q = κ D q + s,    v = r̂ x ∇ψ:   u = -(1/R) ∂ψ/∂φ,   v = 1/(R cos φ) ∂ψ/∂λ

q is the mixing ratio of each layer, all of the same mass; D the differences to the layers above and below. Cells lie
between circles and meridians; the stream function ψ is known at their corners, so that the air that crosses a face is a
difference of two of its values, and no cell gains any. A step is Strang's splitting,

    half a step of source and exchange, half a sweep along circles, a sweep along meridians, and the first two again

in which air is carried along with the tracer. So q is constant for ever once it is, the total of tracer changes by the
source alone, and no sweep makes new extrema: what is positive stays so. The length of cells along the circles, which
vanishes towards the poles, sets no limit to the step: sweeps along circles reach over as many cells as they have to.
Second order in space, where the limiter allows, and time.

Sources: Easter, "Two modified versions of Bott's positive-definite numerical advection scheme", Mon. Weather Rev. 121
(1993), for carrying the air along; Lin and Rood, "Multidimensional flux-form semi-Lagrangian transport schemes", Mon.
Weather Rev. 124 (1996), for the poles.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.errors import SolverError

_MOST_STEPS = 1000  # into which a duration is divided before winds are taken for nonsense


@dataclass(frozen=True)
class SphereTransport:
    """Transport between equal steps of latitude, south to north, and of longitude. Arrays are NumPy's, in float64.

    Centres of cells lie at latitudes (j + ½) π / latitudes - π/2 and longitudes 2π i / longitudes; corner (j, i) is the
    south-western one of cell (j, i).

    Args:
        latitudes, longitudes: numbers of cells; of longitudes an even one.
        radius: R, m.
        exchange: κ, air of a layer that each neighbouring layer renews in a unit of time, 1/s.

    >>> solver = SphereTransport(16, 32)
    >>> psi = solver.radius * 20.0 * -np.sin(solver.corner_latitudes)  # 20 m/s eastward at the equator
    >>> psi = np.broadcast_to(psi[:, None], (1, 1, 17, 32))
    >>> even = solver.advance(np.full((1, 1, 16, 32), 400.0), psi, duration=86400.0)
    >>> float(abs(even - 400).max())
    0.0
    """

    latitudes: int
    longitudes: int
    radius: float = 6.371e6
    exchange: float = 0.0

    def __post_init__(self) -> None:
        if self.latitudes < 4 or self.longitudes < 4 or self.longitudes % 2:
            raise ValueError(
                f"{self.latitudes} latitudes and {self.longitudes} longitudes do not make a grid: expected at least 4 "
                "of each, and an even number of longitudes, so that each meridian goes on over the poles"
            )
        if not (0 < self.radius < math.inf and 0 <= self.exchange < math.inf):
            raise ValueError(f"radius {self.radius} must be positive and exchange {self.exchange} not negative")

    @cached_property
    def corner_latitudes(self) -> Float[ndarray, " corners"]:
        """φ of the circles between the cells and of both poles."""
        return np.linspace(-math.pi / 2, math.pi / 2, self.latitudes + 1)

    @cached_property
    def corner_longitudes(self) -> Float[ndarray, " longitude"]:
        """λ of the meridians west of each cell."""
        return 2 * math.pi * (np.arange(self.longitudes) - 0.5) / self.longitudes

    @cached_property
    def areas(self) -> Float[ndarray, "latitude longitude"]:
        """Areas of the cells, m²."""
        circles = self.radius**2 * 2 * math.pi / self.longitudes * np.diff(np.sin(self.corner_latitudes))
        return np.repeat(circles[:, None], self.longitudes, axis=1)

    def advance(
        self,
        tracer: Float[ndarray, "b layer latitude longitude"],
        stream: Float[ndarray, "b layer corner longitude"],
        duration: float,
        source: Float[ndarray, "b layer latitude longitude"] | None = None,
    ) -> Float[ndarray, "b layer latitude longitude"]:
        """Mixing ratios after `duration` s, from q, ψ in m²/s at the corners and s in units of q a second.

        Each sample is given steps of its own, as its winds demand. Raises ValueError where ψ varies along a pole, and
        SolverError for a sample whose winds are not finite or beyond all measure.
        """
        poles = stream[:, :, [0, -1]]
        if not np.all(poles == poles[..., :1]):
            raise ValueError("the stream function varies along a pole, through which no air can flow")
        end = np.empty(tracer.shape)
        for sample in range(len(tracer)):
            steps = self._steps(stream[sample], duration)
            if not steps <= _MOST_STEPS:
                raise SolverError(sample, f"its winds ask for {steps:.3g} steps in {duration:g} s: are they in m/s?")
            gain = None if source is None else source[sample].astype(np.float64)
            end[sample] = self._march(tracer[sample], stream[sample], duration, int(steps), gain)
        return end

    def winds(
        self, stream: Float[ndarray, "*b corner longitude"]
    ) -> tuple[Float[ndarray, "*b latitude longitude"], Float[ndarray, "*b latitude longitude"]]:
        """Mean wind, m/s, eastward over the western face of each cell and northward over its southern face."""
        east, north = _flows(stream)
        widths = np.cos(self.corner_latitudes[:-1, None]) * 2 * math.pi / self.longitudes
        widths[0] = np.inf  # nothing flows through the pole
        return east * self.latitudes / (math.pi * self.radius), north[..., :-1, :] / (self.radius * widths)

    def stream(self, eastward: Float[ndarray, "*b latitude longitude"]) -> Float[ndarray, "*b corner longitude"]:
        """ψ, zero at the south pole, of eastward winds: all there is to know of winds without divergence."""
        height = math.pi * self.radius / self.latitudes
        psi = np.zeros((*eastward.shape[:-2], self.latitudes + 1, self.longitudes))
        np.cumsum(-height * eastward.astype(np.float64), axis=-2, out=psi[..., 1:, :])
        psi[..., -1, :] = psi[..., -1, :].mean(-1, keepdims=True)  # what roundings have left along the north pole
        return psi

    def _steps(self, stream: Float[ndarray, "layer corner longitude"], duration: float) -> float:
        """Steps in which no meridional flow empties half a cell, and half a zonal sweep squeezes out a quarter."""
        east, north = _flows(stream)
        outflow = np.maximum(north[:, 1:], 0) + np.maximum(-north[:, :-1], 0)
        squeeze = np.abs(np.roll(east, -1, axis=-1) - east)
        fastest = float((np.maximum(outflow, squeeze) / self.areas).max())
        return max(1.0, float(np.ceil(2 * duration * fastest))) if math.isfinite(fastest) else math.inf

    def _march(
        self,
        tracer: Float[ndarray, "layer latitude longitude"],
        stream: Float[ndarray, "layer corner longitude"],
        duration: float,
        steps: int,
        source: Float[ndarray, "layer latitude longitude"] | None,
    ) -> Float[ndarray, "layer latitude longitude"]:
        from fredholm.solvers.sphere_transport_kernels import along_circles, along_meridians

        dt = duration / steps
        east, north = _flows(stream)
        east, north = np.ascontiguousarray(0.5 * dt * east), np.ascontiguousarray(dt * north)
        exchange = self._exchange(len(tracer), 0.5 * dt)
        level = tracer.mean(dtype=np.float64)  # which does nothing but take digits
        q = tracer.astype(np.float64) - level
        for _ in range(steps):
            q = q if source is None else q + 0.5 * dt * source
            q = np.tensordot(exchange, q, 1)
            air = np.repeat(self.areas[None], len(q), axis=0)
            along_circles(q, air, east)
            along_meridians(q, air, north)
            along_circles(q, air, east)
            q = np.tensordot(exchange, q, 1)
            q = q if source is None else q + 0.5 * dt * source
        return q + level

    def _exchange(self, layers: int, duration: float) -> Float[ndarray, "layer layer"]:
        """exp(κ t D): symmetric, not negative, with rows that sum to one."""
        from scipy.linalg import expm

        neighbours = np.eye(layers, k=1) + np.eye(layers, k=-1)
        matrix: ndarray = expm(self.exchange * duration * (neighbours - np.diag(neighbours.sum(1))))
        return matrix


def _flows(
    stream: Float[ndarray, "*b corner longitude"],
) -> tuple[Float[ndarray, "*b latitude longitude"], Float[ndarray, "*b corner longitude"]]:
    """Air that flows east through western faces and north through southern ones, m²/s (a depth of 1 m is m³/s)."""
    return -np.diff(stream, axis=-2), np.roll(stream, -1, axis=-1) - stream
