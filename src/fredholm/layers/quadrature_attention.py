"""Attention between functions: sums over tokens become integrals over points.

    softmax    A(x) = ∫ exp(q(x)·k(y) / √c) v(y) dy / ∫ exp(q(x)·k(y) / √c) dy  ≈  Σ_j softmax_j(q·k_j / √c + log w_j)
    v_j linear     A(x) = q(x) ∫ k(y) v(y)ᵀ dy / (√c |D|)                            ≈  q (Σ_j w_j k_j v_jᵀ) / (√c Σ_j
    w_j)

with quadrature weights w_j *inside* the sums. Without them, a point that is sampled twice counts twice. On a uniform
periodic grid the first is ordinary attention. The second, with k and v normalised at every point, costs as much as
the points are many, not as their pairs. Points of weight zero do not count.

Sources: Cao, "Choose a transformer: Fourier or Galerkin", NeurIPS 2021 (linear); Li, Meidani, Farimani, "Transformer
for partial differential equations' operator learning", TMLR 2023 (rotary coordinates, cross-attention to queries).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.places import Rotary


@dataclass(frozen=True)
class Sampled:
    """Functions known at points: values (batch, n, width), places (batch, n, d) in the unit box, weights (batch, n).

    Places and weights that all samples share have a batch of 1.
    """

    values: Tensor
    places: Tensor
    weights: Tensor


class QuadratureAttention(nn.Module, Described, ABC):
    """What a function asks at some points of a function known at others.

    Args:
        width: channels of both.
        heads: number of kernels, each on its share of the channels.
        periodic: for each coordinate, whether it closes on itself.
    """

    def __init__(self, width: int, heads: int, periodic: Sequence[bool]) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads cannot share {width} channels: take a divisor")
        self.heads, self.width = heads, width // heads
        self.rotary = Rotary(self.width, periodic)
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.mix = nn.Linear(width, width)

    def forward(
        self, asking: Float[Tensor, "batch m width"], places: Float[Tensor, "#batch m d"], of: Sampled
    ) -> Float[Tensor, "batch m width"]:
        query = self.rotary(self._split(self.query(asking)), places)
        key, value = self._split(self.key(of.values)), self._split(self.value(of.values))
        answer = self.integral(query, key, value, of.places, of.weights)
        mixed: Tensor = self.mix(answer.transpose(1, 2).flatten(2))
        return mixed

    @abstractmethod
    def integral(
        self,
        query: Float[Tensor, "#batch heads m c"],
        key: Float[Tensor, "batch heads n c"],
        value: Float[Tensor, "batch heads n c"],
        places: Float[Tensor, "#batch n d"],
        weights: Float[Tensor, "#batch n"],
    ) -> Float[Tensor, "batch heads m c"]:
        """The integral, head by head; queries are rotated, keys not yet."""

    def _split(self, values: Float[Tensor, "batch n width"]) -> Float[Tensor, "batch heads n c"]:
        return values.unflatten(-1, (self.heads, self.width)).transpose(1, 2)


class SoftmaxAttention(QuadratureAttention):
    """Mean of v with the density exp(q·k / √c) on the domain.

    >>> layer = SoftmaxAttention(8, 2, [False])
    >>> line = Sampled(torch.ones(3, 9, 8), torch.rand(1, 9, 1), torch.ones(1, 9))
    >>> layer(torch.ones(3, 5, 8), torch.rand(1, 5, 1), line).shape
    torch.Size([3, 5, 8])
    """

    def integral(
        self,
        query: Float[Tensor, "#batch heads m c"],
        key: Float[Tensor, "batch heads n c"],
        value: Float[Tensor, "batch heads n c"],
        places: Float[Tensor, "#batch n d"],
        weights: Float[Tensor, "#batch n"],
    ) -> Float[Tensor, "batch heads m c"]:
        counts = weights > 0
        density = torch.where(counts, torch.where(counts, weights, 1.0).log(), -torch.inf)[:, None, None]
        logits = query @ self.rotary(key, places).mT / math.sqrt(self.width)
        return torch.softmax(logits + density.to(logits.dtype), dim=-1) @ value


class LinearAttention(QuadratureAttention):
    """The kernel q(x)·k(y): integrals of k vᵀ once, asked by every q.

    >>> layer = LinearAttention(8, 2, [False])
    >>> line = Sampled(torch.randn(3, 9, 8), torch.rand(1, 9, 1), torch.ones(1, 9))
    >>> layer(torch.ones(3, 5, 8), torch.rand(1, 5, 1), line).shape
    torch.Size([3, 5, 8])
    """

    def __init__(self, width: int, heads: int, periodic: Sequence[bool]) -> None:
        super().__init__(width, heads, periodic)
        self.key_norm, self.value_norm = nn.LayerNorm(self.width), nn.LayerNorm(self.width)

    def integral(
        self,
        query: Float[Tensor, "#batch heads m c"],
        key: Float[Tensor, "batch heads n c"],
        value: Float[Tensor, "batch heads n c"],
        places: Float[Tensor, "#batch n d"],
        weights: Float[Tensor, "#batch n"],
    ) -> Float[Tensor, "batch heads m c"]:
        share = (weights / weights.sum(-1, keepdim=True))[:, None, :, None].to(value.dtype)
        product = self.rotary(self.key_norm(key), places).mT @ (share * self.value_norm(value))
        return query @ product / math.sqrt(self.width)
