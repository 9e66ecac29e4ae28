"""Surface fluxes of CO₂ on a planet like ours: three industrial regions, and land that breathes with the seasons.

    F(x, t) = e E(x) - b B(x) tanh(φ / 15°) sin(2π (t - 109 d) / 1 yr)

E is positive and the same all the year; land B takes up CO₂ in the summer of its hemisphere, most of it in July in the
north, and gives it back in winter. Both are sums of smooth caps: how the world's emissions and forests lie, roughly.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy import ndarray

YEAR = 365.25 * 86400.0  # s
_START_OF_GROWTH = 109 / 365.25  # of the year, in the north

Cap = tuple[float, float, float]  # latitude and longitude of the centre, and the width, all in degrees
_INDUSTRY: tuple[Cap, ...] = ((40, 275, 12), (50, 10, 10), (33, 115, 12))
_LAND: tuple[Cap, ...] = (
    *((50, 260, 18), (55, 40, 16), (58, 100, 18), (20, 100, 12)),
    *((5, 20, 16), (-10, 300, 14), (-25, 135, 12)),
)


@dataclass(frozen=True)
class CarbonFluxes:
    """Patterns at the crossings of some circles with some meridians, in rad.

    >>> import numpy as np
    >>> fluxes = CarbonFluxes(tuple(np.linspace(-1.5, 1.5, 16)), tuple(np.arange(32) * np.pi / 16))
    >>> summer = fluxes.at(np.array([200 * 86400.0]), emission=np.zeros(1), biosphere=np.ones(1))
    >>> summer.shape, bool(summer[0, 12, 23] < 0)  # North America in July
    ((1, 16, 32), True)
    """

    latitudes: tuple[float, ...]
    longitudes: tuple[float, ...]

    def at(
        self, seconds: Float[ndarray, " b"], emission: Float[ndarray, " b"], biosphere: Float[ndarray, " b"]
    ) -> Float[ndarray, "b latitude longitude"]:
        """F at times of the year, from the mean e of emissions and the largest flux b of land, in the same units."""
        season = np.sin(2 * math.pi * (seconds / YEAR - _START_OF_GROWTH))
        flux: ndarray = emission[:, None, None] * self._industry - (biosphere * season)[:, None, None] * self._land
        return flux

    @cached_property
    def _industry(self) -> Float[ndarray, "latitude longitude"]:
        """E, with a mean of one over the sphere."""
        pattern = self._caps(_INDUSTRY)
        weights = np.cos(self.latitudes)[:, None]
        industry: ndarray = pattern * weights.sum() / (weights * pattern.mean(1, keepdims=True)).sum()
        return industry

    @cached_property
    def _land(self) -> Float[ndarray, "latitude longitude"]:
        """B, at most one, with the sign of the hemisphere's seasons."""
        pattern = self._caps(_LAND)
        land: ndarray = pattern / pattern.max() * np.tanh(np.array(self.latitudes)[:, None] / math.radians(15))
        return land

    def _caps(self, caps: tuple[Cap, ...]) -> Float[ndarray, "latitude longitude"]:
        """Sum of exp((cos d - 1) / w²), d the distance from a cap's centre."""
        phi, lam = np.meshgrid(self.latitudes, self.longitudes, indexing="ij")
        total = np.zeros(phi.shape)
        for cap in caps:
            latitude, longitude, width = map(math.radians, cap)
            near = np.cos(phi) * math.cos(latitude) * np.cos(lam - longitude) + np.sin(phi) * math.sin(latitude)
            total += np.exp((near - 1) / width**2)
        return total
