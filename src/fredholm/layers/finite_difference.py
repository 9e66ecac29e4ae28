"""Finite-difference convolution: a learned stencil that annihilates constants and is divided by the spacing.

    order 1:  y(x) = Σ_o K_o (v(x + o∘h) - v(x)) / h                          →  b·∇v,       bᵢ = Σ_o K_o oᵢ
    order 2:  y(x) = Σ_o K_o (v(x + o∘h) - v(x) - o·(first differences)) / h²  →  ½ a : ∇∇v,  aᵢⱼ = Σ_o K_o oᵢ oⱼ

for offsets o to the 3ᵈ - 1 points around x. A diagonal difference is the mean of its paths along the axes, each step
divided by its own axis's spacing, so that the limit does not depend on the ratio of the spacings. Periodic axes close
on themselves; beyond the ends of others v goes on as the polynomial of degree `order` through the outermost points.

Source: Liu-Schiaffini, Berner, Bonev, Kurth, Azizzadenesheli, Anandkumar, "Neural operators with localized integral and
differential kernels", 2024, section 3.1.
"""

import functools
import math
from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement, product
from math import comb
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.constants import constant
from fredholm.layers.convolution import continued, convolved
from fredholm.layers.extent import Extent


class FiniteDifferenceConvolution(nn.Module, Described):
    """A first or second derivative in learned directions.

    Args:
        inputs, outputs: channels.
        extent: the box, in whose units the derivative is.
        order: 1 or 2.

    >>> layer = FiniteDifferenceConvolution(1, 1, Extent([2.0], [False]))
    >>> x = torch.linspace(0, 2, 9).reshape(1, 1, 9)
    >>> torch.allclose(layer(x), layer(2 * x + 3) / 2, atol=1e-5)  # linear, and blind to constants
    True
    """

    def __init__(self, inputs: int, outputs: int, extent: Extent, order: Literal[1, 2] = 1) -> None:
        super().__init__()
        self.extent, self.order = extent, order
        self._stencils = _stencils_on(extent, order)
        offsets = 3**extent.dimension - 1
        self.weight = nn.Parameter(torch.randn(outputs, inputs, offsets) / math.sqrt(inputs * offsets))

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        dimension = self.extent.dimension
        kernel = (self.weight @ self._stencils(*values.shape[2:], like=self.weight)).unflatten(-1, (3,) * dimension)
        for dim, periodic in enumerate(self.extent.periodic, start=2):
            values = continued(values, dim, 1) if periodic else _extrapolated(values, dim, self.order)
        return convolved(values, kernel, None, [False] * dimension, [0] * dimension)


def _extrapolated(values: Tensor, dim: int, degree: int) -> Tensor:
    """Values with one more point at both ends, on the polynomial of this degree through the outermost points."""
    size = values.shape[dim]
    before = after = torch.zeros_like(values.narrow(dim, 0, 1))
    for k in range(degree + 1):
        factor = (-1) ** k * comb(degree + 1, k + 1)
        before = before + factor * values.narrow(dim, k, 1)
        after = after + factor * values.narrow(dim, size - 1 - k, 1)
    return torch.cat([before, values, after], dim)


@functools.cache
def _stencils_on(extent: Extent, order: int) -> Callable[..., Tensor]:
    """The stencils by the shape of the grid."""
    # a function of sizes alone: in a compiled graph, other numbers need not be known
    return constant(lambda *shape: _stencils(order, extent.spacing(shape)))


def _stencils(order: int, spacing: Sequence[float]) -> np.ndarray:
    """For each offset o, the stencil of its difference quotient: (3ᵈ - 1 offsets, 3ᵈ points)."""
    dimension = len(spacing)
    offsets = [offset for offset in product((-1, 0, 1), repeat=dimension) if any(offset)]
    quotient = _first if order == 1 else _second
    return np.stack([quotient(np.array(offset), np.array(spacing)).reshape(-1) for offset in offsets])


def _first(offset: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Mean over all orders of the axes of the path from 0 to `offset`, each step divided by its spacing."""
    stencil = np.zeros((3,) * len(offset))
    axes = [axis for axis in range(len(offset)) if offset[axis]]
    for axis in axes:
        others = [other for other in axes if other != axis]
        for taken in product((False, True), repeat=len(others)):
            count = sum(taken)
            share = math.factorial(count) * math.factorial(len(others) - count) / math.factorial(len(axes))
            start = np.zeros_like(offset)
            start[[other for other, is_taken in zip(others, taken, strict=True) if is_taken]] = 1
            start = start * offset
            end = start.copy()
            end[axis] = offset[axis]
            stencil[tuple(end + 1)] += share / spacing[axis]
            stencil[tuple(start + 1)] -= share / spacing[axis]
    return stencil


def _second(offset: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """½ Σᵢⱼ oᵢ oⱼ times the centred second difference along the axes i and j."""
    dimension = len(offset)
    stencil = np.zeros((3,) * dimension)
    for i, j in combinations_with_replacement([axis for axis in range(dimension) if offset[axis]], 2):
        unit = np.eye(dimension, dtype=int)
        if i == j:
            for steps, share in ((-1, 0.5), (0, -1.0), (1, 0.5)):
                stencil[tuple(steps * unit[i] + 1)] += share / spacing[i] ** 2
            continue
        for first, second in product((-1, 1), repeat=2):
            place = first * unit[i] + second * unit[j]
            stencil[tuple(place + 1)] += offset[i] * offset[j] * first * second / (4 * spacing[i] * spacing[j])
    return stencil
