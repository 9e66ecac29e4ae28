"""A learned deformation of a domain: where to look a point up on the latent grid.

    φ(x, λ) = x + x ∘ f(x, direction, radius, λ)

f is a tanh network of the point, its direction and distance from the middle of the box, the sines and cosines of all
these at frequencies π, 2π, 4π, ..., and a code λ of the geometry, if there is one.

Source: Li, Huang, Liu, Anandkumar, "Fourier neural operator with learned deformations for PDEs on general geometries",
JMLR 24 (2023), section 4, as used by Wu, Hu, Luo, Wang, Long, "Solving high-dimensional PDEs with latent spectral
models", ICML 2023; there with the angle in the plane in place of the direction, which jumps where it comes round.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.perceptron import MLP

_LAYERS = 3


class Deformation(nn.Module, Described):
    """φ on the unit box; it starts as the identity.

    Args:
        dimension: of the box.
        code: size of λ; 0 for none.
        width: of the hidden layers.
        frequencies: of the sines and cosines.

    >>> x = torch.rand(2, 5, 3)
    >>> torch.equal(Deformation(dimension=3)(x), x)
    True
    """

    frequencies: Tensor

    def __init__(self, dimension: int, code: int = 0, width: int = 128, frequencies: int = 8) -> None:
        super().__init__()
        described = (2 * dimension + 1) * (1 + 2 * frequencies)
        self.network = MLP([described + code, *[width] * _LAYERS, dimension], nn.Tanh())
        nn.init.zeros_(self.network.layers[-1].get_parameter("weight"))
        self.register_buffer("frequencies", math.pi * 2.0 ** torch.arange(frequencies), persistent=False)

    def forward(
        self, points: Float[Tensor, "batch n d"], code: Float[Tensor, "batch size"] | None = None
    ) -> Float[Tensor, "batch n d"]:
        offset = points - 0.5
        radius = (offset.square().sum(-1, keepdim=True) + 1e-12).sqrt()
        places = torch.cat([points, offset / radius, radius], dim=-1)
        angles = (places.unsqueeze(-1) * self.frequencies).flatten(-2)
        features = torch.cat([places, torch.sin(angles), torch.cos(angles)], dim=-1)
        if code is not None:
            features = torch.cat([features, code.unsqueeze(1).expand(-1, points.shape[1], -1)], dim=-1)
        return points + points * self.network(features)
