"""Initial weights of truncated spectral layers, such that variance is neither lost nor made.

A layer transforms a field of N points, keeps M modes, mixes the c channels of each mode by a matrix W of its own, and
leaves the other modes zero. An orthonormal transform keeps the sum of variances, so for white input that sum is kept
if and only if

    Var(W) = N / (c M)            (with a dense matrix over modes in place of W: N / M²)

The usual 1 / (c_in c_out) for the deviation of W loses nearly all of it, 1 / c that of the modes cut off. Where layers
map coefficients to coefficients, N = M.

Source: Poli, Massaroli, Berto, Park, Dao, Ré, Ermon, "Transform once: efficient operator learning in frequency domain",
NeurIPS 2022, section on variance-preserving initialisation. The factor for residual layers is ours.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from fredholm.layers.architecture import Described

_SHARE = 0.5  # γ, of the mean square of a symmetric input that ReLU lets through; GELU no more


def variance_preserving_(weight: Tensor, points: int, modes: int, inputs: int) -> Tensor:
    """Draw `weight` from a normal distribution of variance N / (c M), in place.

    Args:
        weight: real, any shape: matrices over `inputs` channels, one a mode.
        points: N, of the field that is transformed; M for a layer between coefficients.
        modes: M, kept.
        inputs: c, channels that are summed over.

    >>> weight = variance_preserving_(torch.empty(100, 48, 48), points=1000, modes=100, inputs=48)
    >>> bool(abs(weight.std() / (1000 / (48 * 100)) ** 0.5 - 1) < 0.05)
    True
    """
    with torch.no_grad():
        return weight.normal_(0.0, math.sqrt(points / (inputs * modes)))


class Initialisation(Described, ABC):
    """How large the weights W of residual spectral layers z ↦ z + mixing(σ(W z)) are drawn."""

    @abstractmethod
    def draw_(self, weight: Tensor, inputs: int, modes: int, layers: int) -> None:
        """Fill `weight`: one matrix for each of `modes` modes, over `inputs` channels, in one of `layers` layers."""


class VariancePreserving(Initialisation):
    """Var(W) = N / (c M) · 1 / (γ L), γ = ½: L residual layers make at most e times the variance they are given.

    Activations let through a share of at most γ, so that each layer adds a share of at most 1 / L, and (1 + 1/L)ᴸ < e.
    Without the second factor the variance grows by up to (1 + γ)ᴸ.

    Args:
        points: N; None for layers between coefficients, where it is M. The published code sets the points of the grid,
            which is right for layers that transform back in between.
    """

    def __init__(self, points: int | None = None) -> None:
        self.points = points

    def draw_(self, weight: Tensor, inputs: int, modes: int, layers: int) -> None:
        variance_preserving_(weight, self.points or modes, modes, inputs)
        with torch.no_grad():
            weight.div_(math.sqrt(_SHARE * layers))


class Kaiming(Initialisation):
    """Var(W) = 1 / c, whatever the depth (He, Zhang, Ren, Sun 2015, without the gain of an activation)."""

    def draw_(self, weight: Tensor, inputs: int, modes: int, layers: int) -> None:
        variance_preserving_(weight, modes, modes, inputs)


class Naive(Initialisation):
    """W of deviation 1 / c², as in the first Fourier neural operators: layers start close to the identity."""

    def draw_(self, weight: Tensor, inputs: int, modes: int, layers: int) -> None:
        with torch.no_grad():
            weight.normal_(0.0, 1 / inputs**2)
