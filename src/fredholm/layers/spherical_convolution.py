"""Convolution with zonal kernels on the sphere, and normalisation by integrals over it.

    (K u)_lm = W_l û_lm,   l < L

One matrix of weights a degree, shared by all orders: then K commutes with every rotation of the sphere, and there is no
other linear map that does (Driscoll and Healy, "Computing Fourier transforms and convolutions on the 2-sphere",
Advances in Applied Mathematics 15, 1994; in a network: Bonev, Kurth, Hundt, Pathak, Baust, Kashinath, Anandkumar,
"Spherical Fourier neural operators", ICML 2023).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.latitudes import Latitudes
from fredholm.layers.spherical_harmonics import SphericalHarmonics


class SphericalConvolution(nn.Module, Described):
    """K and a bias, on values with longitude first: (longitude, latitude, batch, channels).

    Args:
        inputs, outputs: channels.
        harmonics: the transform, which says how many degrees are kept.
        gain: variance of the output over that of the input, degree by degree, at the start.
        phase: whether the weights are complex, as in the published network: to W_l û_lm then comes V_l times û_lm with
            cosine and sine exchanged, (cos, sin) -> (-sin, cos), a quarter turn of every order. It knows east from
            west, and commutes with rotations about the polar axis only.
    """

    def __init__(
        self, inputs: int, outputs: int, harmonics: SphericalHarmonics, gain: float = 1.0, phase: bool = False
    ) -> None:
        super().__init__()
        self.inputs, self.outputs, self.harmonics, self.phase = inputs, outputs, harmonics, phase
        parts = 2 if phase else 1
        deviation = torch.full((harmonics.degrees, 1, 1), (gain / (parts * inputs)) ** 0.5)
        deviation[0] *= 2**0.5
        self.weight = nn.Parameter(deviation * torch.randn(harmonics.degrees, inputs, parts * outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, values: Float[Tensor, "lon lat batch inputs"]) -> Float[Tensor, "lon lat batch outputs"]:
        longitudes, latitudes, batch, _ = values.shape
        coefficients = self.harmonics.analysis(values)
        orders = coefficients.shape[0]
        by_degree = coefficients.transpose(0, 1).reshape(self.harmonics.degrees, -1, self.inputs)
        mixed = torch.bmm(by_degree, self.weight).reshape(self.harmonics.degrees, orders, batch, -1).transpose(0, 1)
        if self.phase:
            mixed, turned = mixed.chunk(2, dim=-1)
            cosines, sines = turned[1 : self.harmonics.degrees], turned[self.harmonics.degrees :]
            mixed = mixed + torch.cat([torch.zeros_like(turned[:1]), -sines, cosines])
        return self.harmonics.synthesis(mixed, latitudes, longitudes) + self.bias


class SphericalNorm(nn.Module, Described):
    """Every channel of every sample minus its mean over the sphere, over its deviation, then scaled and shifted.

    Mean and variance are integrals over the sphere, so that the crowded points near the poles do not count for more
    than their area, and neither changes with the grid.
    """

    def __init__(self, channels: int, latitudes: Latitudes) -> None:
        super().__init__()
        self.latitudes = latitudes
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, values: Float[Tensor, "lon lat batch channels"]) -> Float[Tensor, "lon lat batch channels"]:
        area = self.latitudes.weights(values.shape[1], values)[:, None, None]
        # along longitudes all points weigh the same: one pass for their means, one for the squares, small sums after
        zonal = values.mean(0)
        eddies = values - zonal
        anomaly = zonal - (area * zonal).sum(0)
        variance = (area * (eddies.square().mean(0) + anomaly.square())).sum(0)
        scale = self.weight * torch.rsqrt(variance + 1e-6)
        return torch.addcmul(torch.addcmul(self.bias, anomaly, scale), eddies, scale)
