"""Spherical harmonic transform by real matrix products.

    û_lm = ∫ u Y_lm dΩ          u = Σ_{l < L} Σ_{|m| ≤ l} û_lm Y_lm

with the real orthonormal harmonics √2 P_lm(sin φ) cos mλ and √2 P_lm(sin φ) sin mλ (P_l0 for m = 0), so that
∫ u² = Σ û². A transform is two products: along longitudes with sines and cosines, of which only the L kept orders are
computed, then along latitudes with Legendre functions, one product an order.

Source: Driscoll and Healy, "Computing Fourier transforms and convolutions on the 2-sphere", Advances in Applied
Mathematics 15 (1994); the separation into Fourier and Legendre transform is the classical one.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.layers.architecture import Described
from fredholm.layers.constants import constant
from fredholm.layers.latitudes import EquiangularLatitudes, Latitudes


class SphericalHarmonics(Described):
    """The transform between grid values and coefficients of degree below `degrees`.

    Args:
        degrees: their number L.
        latitudes: kind of latitudes; equiangular if not given.

    Values have longitude first, then latitude, then whatever else: no product has to move an axis then. Coefficients
    have 2 L - 1 rows, cosines of order 0 to L - 1 and sines of order 1 to L - 1, with L degrees each; those with an
    order above the degree are zero.

    >>> from fredholm.layers.latitudes import GaussLatitudes
    >>> transform = SphericalHarmonics(4, GaussLatitudes())
    >>> u = transform.synthesis(torch.eye(28).reshape(7, 4, 28), latitudes=4, longitudes=8)
    >>> round(float(transform.analysis(u)[2, 3].norm()), 4)
    1.0
    """

    def __init__(self, degrees: int, latitudes: Latitudes | None = None) -> None:
        if degrees < 1:
            raise ValueError(f"degrees={degrees}: expected at least 1, which keeps the mean")
        self.degrees, self.latitudes = degrees, latitudes or EquiangularLatitudes()

    def analysis(self, values: Float[Tensor, "longitude latitude *rest"]) -> Float[Tensor, "orders degrees *rest"]:
        """û from u: exact for u of degree below L, on any grid that `require` accepts."""
        longitudes, latitudes = values.shape[:2]
        cosines = _fourier(self.degrees, longitudes, like=values)
        along = cosines @ values.reshape(longitudes, -1)
        table = self.latitudes.analysis(self.degrees, latitudes, values)
        coefficients = torch.bmm(table, along.reshape(len(table), latitudes, -1))
        return coefficients.reshape(len(table), self.degrees, *values.shape[2:])

    def synthesis(
        self, coefficients: Float[Tensor, "orders degrees *rest"], latitudes: int, longitudes: int
    ) -> Float[Tensor, "longitude latitude *rest"]:
        """The function u on a grid, from û."""
        table = self.latitudes.synthesis(self.degrees, latitudes, coefficients)
        along = torch.bmm(table, coefficients.reshape(len(table), self.degrees, -1))
        cosines = _waves(self.degrees, longitudes, like=coefficients)
        values = cosines @ along.reshape(len(table), -1)
        return values.reshape(longitudes, latitudes, *coefficients.shape[2:])

    def require(self, domain: Domain, owner: str) -> None:
        """Raise SignatureError that names `owner` if a grid does not resolve L degrees, or has other latitudes."""
        grid = self.latitudes.require(domain, owner)
        latitudes, longitudes = grid.shape
        if latitudes < self.degrees or longitudes < 2 * self.degrees - 1:
            raise SignatureError(
                f"{owner} keeps {self.degrees} degrees of spherical harmonics, for which {domain!r} is too coarse: "
                f"expected at least {self.degrees} latitudes and {2 * self.degrees - 1} longitudes, or fewer degrees"
            )


@constant
def _waves(degrees: int, longitudes: int) -> np.ndarray:
    """1, √2 cos mλ, √2 sin mλ at the longitudes, (longitudes, 2 L - 1)."""
    angles = 2 * np.pi * np.arange(longitudes)[:, None] / longitudes * np.arange(degrees)
    return np.concatenate([np.cos(angles[:, :1]), 2**0.5 * np.cos(angles[:, 1:]), 2**0.5 * np.sin(angles[:, 1:])], 1)


@constant
def _fourier(degrees: int, longitudes: int) -> np.ndarray:
    """Mean against 1, √2 cos mλ, √2 sin mλ over the longitudes, (2 L - 1, longitudes)."""
    angles = 2 * np.pi * np.arange(degrees)[:, None] / longitudes * np.arange(longitudes)
    return np.concatenate([np.cos(angles[:1]), 2**0.5 * np.cos(angles[1:]), 2**0.5 * np.sin(angles[1:])]) / longitudes
