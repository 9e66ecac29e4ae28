"""Fourier coefficients of functions known at scattered points: the projection of a point cloud onto a grid's modes.

    c(k) = Σ_n w_n u(x_n) exp(-2πi k·y_n),        u(x) = Re Σ_k c(k) exp(2πi k·y)

y_n are the points in a box of period 1 along each axis, deformed or not, and w_n quadrature weights of the box's volume
1. With them the sum is an integral: it does not depend on where points are dense, nor on points of weight zero. On a
uniform grid, with w = 1/n, the coefficients are those of `FourierBasis`, whose conventions these are: real and
imaginary parts, of the last axis the frequencies k = 0, 1, ..., of the others as many below zero as above.

Source: Li, Huang, Liu, Anandkumar, "Fourier neural operator with learned deformations for PDEs on general geometries",
JMLR 24 (2023), section 3; there without weights.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.layers.constants import constant


class PointFourierBasis:
    """The transforms between values at points and coefficients of the kept frequencies.

    Args:
        points: y, of each sample or (with a batch of 1) of all.
        modes: stored frequencies of every axis, of the last axis those that are not negative.

    >>> y = torch.arange(8.0).reshape(1, 8, 1) / 8
    >>> basis = PointFourierBasis(y, modes=(3,))
    >>> c = basis.coefficients(torch.cos(2 * torch.pi * y).mT, torch.full((1, 8), 1 / 8))
    >>> c.shape, round(c[0, 0, 0, 1].item(), 4)
    (torch.Size([1, 1, 2, 3]), 0.5)
    """

    def __init__(self, points: Float[Tensor, "batch n d"], modes: Sequence[int]) -> None:
        self.modes = tuple(modes)
        phase = points @ _wave_vectors(*self.modes, like=points) + _phases(*self.modes, like=points)
        self.waves = torch.cos(phase)  # (batch, n, (part, mode)): real and imaginary parts of exp(-2πi k·y)

    def coefficients(
        self, values: Float[Tensor, "batch channels n"], weights: Float[Tensor, "#batch n"]
    ) -> Float[Tensor, "batch channels 2 modes"]:
        """Real and imaginary parts of the coefficients, the frequencies of all axes in one."""
        return ((values * weights.unsqueeze(1)) @ self.waves).unflatten(-1, (2, -1))

    def values(self, coefficients: Float[Tensor, "batch channels 2 modes"]) -> Float[Tensor, "batch channels n"]:
        """The function with these coefficients at the points."""
        return (coefficients * _multiplicity(*self.modes, like=coefficients)).flatten(2) @ self.waves.mT


@constant
def _wave_vectors(*modes: int) -> np.ndarray:
    """2π k, (d, (part, mode)): the same for both parts."""
    axes = [np.arange(modes[-1]) if i == len(modes) - 1 else np.arange(m) - m // 2 for i, m in enumerate(modes)]
    vectors = np.stack(np.meshgrid(*axes, indexing="ij")).reshape(len(modes), -1)
    return 2 * math.pi * np.concatenate([vectors, vectors], axis=1)


@constant
def _phases(*modes: int) -> np.ndarray:
    """Nothing for real parts, a quarter turn for imaginary ones: cos(θ + π/2) = -sin θ."""
    return np.repeat([0.0, math.pi / 2], math.prod(modes))


@constant
def _multiplicity(*modes: int) -> np.ndarray:
    """2 for the frequencies whose conjugates are not stored."""
    times = np.full(modes, 2.0)
    times[..., 0] = 1.0
    return times.reshape(-1)
