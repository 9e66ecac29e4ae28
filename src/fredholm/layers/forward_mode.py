"""Layers of a network with their derivatives along given directions, in one pass: forward mode.

    h₀ = x,   zₗ = Wₗ hₗ₋₁ + bₗ,   hₗ = σ(zₗ)          ḣₗ = σ'(zₗ) ∘ (Wₗ ḣₗ₋₁)

Points and directions go through a layer as rows of one matrix. A loss made of derivatives then costs one backward pass,
where derivatives by reverse mode cost two, and a batch of functions that share their points shares all of this.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.activations import TanhSine
from fredholm.layers.perceptron import LayerwiseMLP


def layers_with_derivatives(
    network: LayerwiseMLP, x: Float[Tensor, "n inputs"], directions: Float[Tensor, "t n inputs"]
) -> list[Float[Tensor, "rows n width"]]:
    """The layers that the network answers with: first their values, then their derivatives along each direction.

    >>> made = layers_with_derivatives(
    ...     LayerwiseMLP(2, width=8, depth=3, activation=nn.Tanh(), last=1), torch.zeros(5, 2), torch.ones(1, 5, 2)
    ... )
    >>> [h.shape for h in made]
    [torch.Size([2, 5, 8])]
    """
    h = torch.cat([x[None], directions])
    made = []
    for layer in network.layers:
        assert isinstance(layer, nn.Linear)
        # the bias moves values only, not derivatives
        z = nn.functional.linear(h, layer.weight)
        h = _activated(network.activation, z, layer.bias)
        made.append(h)
    return made[-network.last :]


def _activated(activation: nn.Module, z: Tensor, bias: Tensor) -> Tensor:
    """σ(z₀ + b) and σ'(z₀ + b) zᵢ."""
    if type(activation) is TanhSine:
        return _TanhSineWithDerivatives.apply(z, bias)
    place = z[0] + bias
    derived = torch.func.jvp(activation, (place,), (torch.ones_like(place),))
    return torch.cat([derived[0][None], derived[1] * z[1:]])


class _TanhSineWithDerivatives(torch.autograd.Function):
    """σ = tanh s + x and σ' zᵢ, s = sin(π (x + 1)) = -sin πx, keeping what the gradient needs of them.

    With c = s' = -π cos πx:   σ' = (1 - tanh² s) c + 1,   σ'' = -(1 - tanh² s) (2 tanh s · c² + π² s)
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor, bias: Tensor) -> Tensor:
        x = z[0] + bias
        angle = torch.pi * x
        s, c = angle.sin().neg_(), angle.cos_().mul_(-torch.pi)
        t = s.tanh()
        rest = 1 - t * t
        slope = rest * c + 1
        ctx.save_for_backward(z, slope, s, c, t, rest)
        h = torch.empty_like(z)
        torch.add(t, x, out=h[0])
        torch.mul(z[1:], slope, out=h[1:])
        return h

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
        z, slope, s, c, t, rest = ctx.saved_tensors
        bend = (t * c * c).mul_(2).add_(s, alpha=torch.pi**2).mul_(rest).neg_()
        back = g * slope
        along = (g[1:] * z[1:]).sum(0)
        back[0].addcmul_(along, bend)
        return back, back[0].sum(0)
