"""Activations beyond torch's: those that keep a linear part, and those that see features at their own scale.

    TanhSine(x) = tanh(sin(π (x + 1))) + x,   SiLUSine(x) = SiLU(sin(π (x + 1))) + x,   SiLUIdentity(x) = SiLU(x) + x
    NormalisedActivation(σ)(x) = s σ((x - m) / s) + m,   m and s mean and deviation of one point's features

Sources: Zang, Koutsourelakis, "DGenNO: a novel physics-aware neural operator for solving forward and inverse PDE
problems based on deep, generative probabilistic modeling", J. Comput. Phys. 538 (2025), whose operators have the first
three; Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023, whose
networks of raw coordinates have the last.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described

_TINY = 1e-12  # of the variance: features that are all equal are left as they are


class TanhSine(nn.Module, Described):
    """x ↦ tanh(sin(π (x + 1))) + x.

    >>> TanhSine()(torch.tensor([0.0, 1.0])).round(decimals=4).tolist()
    [-0.0, 1.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(torch.sin(math.pi * (x + 1))) + x


class SiLUSine(nn.Module, Described):
    """x ↦ SiLU(sin(π (x + 1))) + x."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.silu(torch.sin(math.pi * (x + 1))) + x


class SiLUIdentity(nn.Module, Described):
    """x ↦ SiLU(x) + x."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.silu(x) + x


class NormalisedActivation(nn.Module, Described):
    """x ↦ s σ((x - m) / s) + m, with mean m and deviation s over the last axis.

    It commutes with shifting and (positively) scaling all features of a point together, so that a network need not know
    the units of its inputs.
    """

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Float[Tensor, "*batch features"]) -> Float[Tensor, "*batch features"]:
        mean = x.mean(-1, keepdim=True)
        deviation = ((x - mean).square().mean(-1, keepdim=True) + _TINY).sqrt()
        values: Tensor = self.activation((x - mean) / deviation)
        return values * deviation + mean
