"""Padding of latitude-longitude grids: what a convolution sees beyond the last latitudes and longitudes.

Longitudes close on themselves. Who walks on over a pole comes down on the other side of the earth,

    u(π/2 + δ, λ) = u(π/2 - δ, λ + π)

so that the row beyond the last is the last one, turned by half of the longitudes. Filling up with zeros instead, as is
often done, makes walls of the poles.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.layers.architecture import Described
from fredholm.layers.constants import constant


class SphericalPadding(Described, ABC):
    """Padding of (..., latitude, longitude) on all four sides: periodic in longitude; subclasses say what poles are."""

    def __call__(self, values: Float[Tensor, "*batch lat lon"], width: int) -> Float[Tensor, "*batch lat2 lon2"]:
        """Values with `width` more latitudes and longitudes at each end."""
        if width == 0:
            return values
        south, north = self.beyond_poles(values, width)
        tall = torch.cat([south, values, north], dim=-2)
        return torch.cat([tall[..., -width:], tall, tall[..., :width]], dim=-1)

    @abstractmethod
    def beyond_poles(self, values: Tensor, width: int) -> tuple[Tensor, Tensor]:
        """The `width` rows south of the first latitude and those north of the last."""

    def require(self, domain: Domain, owner: str, width: int) -> None:
        """Raise SignatureError that names `owner` if a grid is too small to be padded so far."""
        latitudes, longitudes = domain.shape
        if min(latitudes, longitudes) < width:
            raise SignatureError(f"{owner} pads its grid by {width} points, and {domain!r} has fewer in one direction")


class HalfTurn(SphericalPadding):
    """Over the poles and down on the other side; needs an even number of longitudes.

    >>> HalfTurn()(torch.arange(8.0).reshape(2, 4), 1).tolist()[0]
    [1.0, 2.0, 3.0, 0.0, 1.0, 2.0]
    """

    def beyond_poles(self, values: Tensor, width: int) -> tuple[Tensor, Tensor]:
        west, east = values.chunk(2, dim=-1)
        south = torch.cat([east[..., :width, :], west[..., :width, :]], dim=-1)
        north = torch.cat([east[..., -width:, :], west[..., -width:, :]], dim=-1)
        return south.flip(-2), north.flip(-2)

    def require(self, domain: Domain, owner: str, width: int) -> None:
        super().require(domain, owner, width)
        if domain.shape[1] % 2:
            raise SignatureError(
                f"{owner} goes over the poles to the opposite longitude, which on {domain!r} is between two: "
                "expected an even number of longitudes"
            )


class ZeroBeyondPoles(SphericalPadding):
    """Zeros beyond the poles."""

    def beyond_poles(self, values: Tensor, width: int) -> tuple[Tensor, Tensor]:
        zeros = torch.zeros_like(values[..., :width, :])
        return zeros, zeros


def resampled(
    values: Float[Tensor, "*batch lat lon"], latitudes: int, longitudes: int
) -> Float[Tensor, "*batch lat2 lon2"]:
    """Linear interpolation between latitudes at centres of equal steps, over the poles, and between longitudes.

    >>> resampled(torch.ones(1, 4, 8), 6, 12).unique().tolist()
    [1.0]
    """
    if values.shape[-2:] == (latitudes, longitudes):
        return values
    near = HalfTurn()(values, 1)
    rows = _between(values.shape[-2], latitudes, True, like=values)
    columns = _between(values.shape[-1], longitudes, False, like=values)
    return rows @ (near @ columns.T)


@constant
def _between(size: int, target: int, centred: bool) -> np.ndarray:
    """Linear interpolation from `size` points, padded by one at each end, to `target`, on centres or from the edge."""
    shift = 0.5 if centred else 0.0
    position = (np.arange(target) + shift) * size / target - shift + 1
    left = np.floor(position).astype(int)
    matrix = np.zeros((target, size + 2))
    matrix[np.arange(target), left] += left + 1 - position
    matrix[np.arange(target), left + 1] += position - left
    return matrix
