"""Latitude-longitude grids on the unit sphere.

Coordinates are (latitude, longitude) in radians; weights include the area element, so that they sum to 4π. With
Gauss-Legendre latitudes the quadrature is exact for spherical polynomials up to degree 2 nlat - 1 (and below nlon);
equiangular latitudes at cell centres have Fejér's weights, exact up to degree nlat - 1.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fredholm.fields.domain import Coordinate, Domain, Stencil
from fredholm.fields.encoding import decode_array, encode_array


class SphereGrid(Domain):
    """Latitudes, ascending and without the poles, with weights that sum to 2, times equidistant longitudes.

    Made by `gauss_legendre` or `equiangular`.

    >>> grid = SphereGrid.gauss_legendre(16, 32)
    >>> round(grid.weights().sum().item() / math.pi, 6)
    4.0
    """

    kind = "sphere"

    def __init__(self, latitudes: Float[Tensor, " a"], latitude_weights: Float[Tensor, " a"], longitudes: int) -> None:
        if longitudes < 2 or len(latitudes) < 2:
            raise ValueError(f"a sphere needs two latitudes and longitudes, got {len(latitudes)} and {longitudes}")
        self.latitudes = latitudes.to(torch.float64)
        self.latitude_weights = latitude_weights.to(torch.float64)
        self.longitudes = longitudes

    @classmethod
    def gauss_legendre(cls, latitudes: int, longitudes: int) -> "SphereGrid":
        """Latitudes at the roots of the Legendre polynomial in sin(latitude)."""
        from scipy.special import roots_legendre

        sines, weights = roots_legendre(latitudes)
        return cls(torch.from_numpy(sines).asin(), torch.from_numpy(weights), longitudes)

    @classmethod
    def equiangular(cls, latitudes: int, longitudes: int) -> "SphereGrid":
        """Latitudes at the centres of equal steps from pole to pole, as most atmospheric data have them."""
        colatitude = math.pi * (torch.arange(latitudes, dtype=torch.float64) + 0.5) / latitudes
        orders = torch.arange(1, latitudes // 2 + 1, dtype=torch.float64)
        waves = torch.cos(2 * orders * colatitude[:, None]) / (4 * orders**2 - 1)
        weights = 2 / latitudes * (1 - 2 * waves.sum(1))
        return cls((math.pi / 2 - colatitude).flip(0), weights.flip(0), longitudes)

    @property
    def coordinate_axes(self) -> tuple[Coordinate, ...]:
        return (
            Coordinate("latitude", -math.pi / 2, math.pi / 2, "rad"),
            Coordinate("longitude", 0.0, 2 * math.pi, "rad", periodic=True),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.latitudes), self.longitudes)

    def coordinates(self) -> Float[Tensor, "n d"]:
        longitude = 2 * math.pi * torch.arange(self.longitudes, dtype=torch.float64) / self.longitudes
        return torch.cartesian_prod(self.latitudes, longitude)

    def weights(self) -> Float[Tensor, " n"]:
        return (self.latitude_weights * 2 * math.pi / self.longitudes).repeat_interleave(self.longitudes)

    def contains(self, points: Float[Tensor, "m d"]) -> Bool[Tensor, " m"]:
        return (points[:, 0].abs() <= math.pi / 2 + 1e-6) & torch.isfinite(points[:, 1])

    def stencil(self, points: Float[Tensor, "m d"]) -> Stencil:
        """Bilinear; periodic in longitude, and constant in latitude beyond the last latitude towards a pole."""
        self.require_contains(points)
        latitude = points[:, 0].to(torch.float64).clamp(self.latitudes[0], self.latitudes[-1]).contiguous()
        row = (torch.searchsorted(self.latitudes, latitude, right=True) - 1).clamp(0, len(self.latitudes) - 2)
        up = (latitude - self.latitudes[row]) / (self.latitudes[row + 1] - self.latitudes[row])
        position = (points[:, 1].to(torch.float64) * self.longitudes / (2 * math.pi)).remainder(self.longitudes)
        column = position.floor().to(torch.int64) % self.longitudes
        east = position - position.floor()
        along = (column + 1) % self.longitudes
        indices = [row * self.longitudes + column, row * self.longitudes + along]
        indices += [index + self.longitudes for index in indices]
        weights = [(1 - up) * (1 - east), (1 - up) * east, up * (1 - east), up * east]
        return Stencil(torch.stack(indices, -1), torch.stack(weights, -1))

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "latitudes": encode_array(self.latitudes),
            "latitude_weights": encode_array(self.latitude_weights),
            "longitudes": self.longitudes,
        }

    @classmethod
    def _from_json(cls, description: Mapping[str, Any]) -> "SphereGrid":
        return cls(
            decode_array(description["latitudes"]),
            decode_array(description["latitude_weights"]),
            int(description["longitudes"]),
        )
