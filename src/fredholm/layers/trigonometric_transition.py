"""A learned function of one variable for every channel, as a truncated trigonometric series beside the identity.

    t ↦ t + Σᵢ a_i sin(ωᵢ t) + b_i cos(ωᵢ t),    ωᵢ = π i / N,    i = 0, ..., N - 1

b₀ is a constant; a₀ has no effect. The series are summed by Clenshaw's recurrence, from one sine and one cosine
whatever N, without an axis for the basis.

Sources: Wu, Hu, Luo, Wang, Long, "Solving high-dimensional PDEs with latent spectral models", ICML 2023, section 3.2;
Clenshaw, "A note on the summation of Chebyshev series", Mathematics of Computation 9 (1955).
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described


class TrigonometricTransition(nn.Module, Described):
    """The transition of `channels` channels, the last axis, with N = `terms`; weights start uniform on [0, 1/channels].

    Without terms it is the identity.

    >>> transition = TrigonometricTransition(channels=2, terms=1)
    >>> _ = nn.init.constant_(transition.weights, 0.5)  # one term: the constant b₀
    >>> transition(torch.zeros(1, 2)).tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, channels: int, terms: int) -> None:
        super().__init__()
        self.terms = terms
        self.weights = nn.Parameter(torch.rand(2, terms, channels) / channels)  # of sines, of cosines

    def forward(self, values: Float[Tensor, "*batch channels"]) -> Float[Tensor, "*batch channels"]:
        if not self.terms:
            return values
        sine, cosine = self.weights.unbind()
        return values + trigonometric_series(values, sine, cosine)


def trigonometric_series(
    values: Float[Tensor, "*batch channels"],
    sine: Float[Tensor, "terms channels"],
    cosine: Float[Tensor, "terms channels"],
) -> Float[Tensor, "*batch channels"]:
    """Σᵢ sineᵢ sin(ωᵢ t) + cosineᵢ cos(ωᵢ t) with ωᵢ = π i / terms, channel by channel.

    With θ = ω₁ t and u_k = b_k + 2 cos θ u_{k+1} - u_{k+2}, the cosines sum to b₀ + u₁ cos θ - u₂; the same recurrence
    of the sines' weights gives v₁ sin θ.
    """
    terms = len(cosine)
    if terms == 1:
        return cosine[0].expand_as(values)
    angle = values * (math.pi / terms)
    cos, sin = torch.cos(angle), torch.sin(angle)
    twice = 2 * cos
    u, u_next = cosine[-1], torch.zeros_like(cosine[-1])
    v, v_next = sine[-1], torch.zeros_like(sine[-1])
    for k in range(terms - 2, 0, -1):
        u, u_next = torch.addcmul(cosine[k] - u_next, twice, u), u
        v, v_next = torch.addcmul(sine[k] - v_next, twice, v), v
    return torch.addcmul(torch.addcmul(cosine[0] - u_next, cos, u), sin, v)
