"""Discrete Fourier transforms of the kept frequencies only, as products with real matrices.

    c(k) = 1/n Σ_x u(x) exp(-2πi k x / n),        u(x) = Σ_k c(k) exp(2πi k x / n)

Coefficients are those of the function, whatever the number of points: with the factor 1/n on the way in, a
refinement of the grid leaves them as they are. A complex number is a pair (real, imaginary), and a complex product a
real one of twice the size. The last axis is transformed first and back last, between real values and the frequencies
k = 0, 1, ..., of which the others are the conjugates; every other axis is transformed between complex values, with
k = -⌊m/2⌋, ..., ⌈m/2⌉ - 1.

No more than the kept frequencies is ever computed, which for m ≪ n costs less than a fast transform, whose passes over
memory are slower than its arithmetic; and it is the same graph for training, compilation and export.

Source: Li et al. 2021, "Fourier neural operator for parametric partial differential equations", section 4.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

from fredholm.layers.constants import constant


def window(modes: int, points: int, half: bool) -> tuple[int, int]:
    """First and last but one of the `modes` frequencies of an axis that `points` points can tell apart.

    `half` is for the last axis, whose frequencies are 0, ..., modes - 1; of the others k stands at k + ⌊modes/2⌋.

    >>> window(16, 64, half=False), window(16, 8, half=False), window(9, 8, half=True)
    ((0, 16), (4, 12), (0, 5))
    """
    if half:
        return 0, min(modes, points // 2 + 1)
    centre = modes // 2
    return max(0, centre - points // 2), min(modes, centre + (points + 1) // 2)


class FourierBasis:
    """The transforms between values on a grid and coefficients of the kept frequencies.

    Args:
        modes: number of stored frequencies of every axis, of the last axis those that are not negative.
        shape: of the grid.

    >>> import torch
    >>> basis = FourierBasis((4, 3), (8, 8))
    >>> wave = torch.cos(2 * torch.pi * torch.arange(8.0) / 8).expand(1, 1, 8, 8)  # along the last axis
    >>> basis.coefficients(wave).shape, round(float(basis.coefficients(wave)[0, 0, 0, 2 * 3 + 1]), 4)
    (torch.Size([1, 1, 2, 12]), 0.5)
    """

    def __init__(self, modes: Sequence[int], shape: Sequence[int]) -> None:
        last = len(modes) - 1
        self.shape = tuple(shape)
        self.windows = tuple(window(m, n, i == last) for i, (m, n) in enumerate(zip(modes, shape, strict=True)))
        self.sizes = tuple(stop - start for start, stop in self.windows)
        # the first kept frequency of each axis
        self.lowest = tuple(0 if i == last else w[0] - modes[i] // 2 for i, w in enumerate(self.windows))

    def coefficients(self, values: Float[Tensor, "batch channels *shape"]) -> Float[Tensor, "batch channels 2 modes"]:
        """Real and imaginary parts of the coefficients, the frequencies of all axes in one."""
        batch, channels = values.shape[:2]
        last = len(self.shape) - 1
        c = values.reshape(batch, channels, -1, self.shape[last])
        c = c @ analysis_of_real(self.shape[last], self.sizes[last], like=values)
        behind = self.sizes[last]
        for axis in range(last - 1, -1, -1):
            n, m = self.shape[axis], self.sizes[axis]
            c = c.reshape(batch, channels, -1, 2 * n, behind)
            c = analysis(n, m, self.lowest[axis], like=values) @ c
            behind *= m
        return c.reshape(batch, channels, 2, behind)

    def values(self, coefficients: Float[Tensor, "batch channels 2 modes"]) -> Float[Tensor, "batch channels *shape"]:
        """The function with these coefficients on the grid."""
        batch, channels = coefficients.shape[:2]
        last = len(self.shape) - 1
        u, behind = coefficients, coefficients.shape[-1]
        for axis in range(last):
            n, m = self.shape[axis], self.sizes[axis]
            behind //= m
            u = u.reshape(batch, channels, -1, 2 * m, behind)
            u = synthesis(n, m, self.lowest[axis], like=coefficients) @ u
        u = u.reshape(batch, channels, -1, 2 * behind)
        u = u @ synthesis_of_real(self.shape[last], behind, like=coefficients)
        return u.reshape(batch, channels, *self.shape)


@constant
def analysis_of_real(points: int, modes: int) -> np.ndarray:
    """(points, (part, mode)): x ↦ cos, -sin of 2π k x / n over n, for k = 0, ..., modes - 1."""
    angle = _angles(points, 0, modes)
    return np.concatenate([np.cos(angle), -np.sin(angle)], axis=1) / points


@constant
def synthesis_of_real(points: int, modes: int) -> np.ndarray:
    """((part, mode), points): k ↦ cos, -sin of 2π k x / n, doubled for the frequencies that have a conjugate."""
    angle = _angles(points, 0, modes).T
    k = np.arange(modes)[:, None]
    times = np.where((k == 0) | (2 * k == points), 1.0, 2.0)
    return np.concatenate([times * np.cos(angle), -times * np.sin(angle)])


@constant
def analysis(points: int, modes: int, lowest: int) -> np.ndarray:
    """((part, mode), (point, part)): products with exp(-2πi k x / n) / n for k = lowest, lowest + 1, ..."""
    angle = _angles(points, lowest, modes).T
    real, imaginary = np.cos(angle) / points, -np.sin(angle) / points
    rows = [np.stack([real, -imaginary], axis=-1), np.stack([imaginary, real], axis=-1)]
    return np.stack(rows).reshape(2 * modes, 2 * points)


@constant
def synthesis(points: int, modes: int, lowest: int) -> np.ndarray:
    """((point, part), (part, mode)): products with exp(2πi k x / n) for k = lowest, lowest + 1, ..."""
    angle = _angles(points, lowest, modes)
    real, imaginary = np.cos(angle), np.sin(angle)
    rows = [np.concatenate([real, -imaginary], axis=1), np.concatenate([imaginary, real], axis=1)]
    return np.stack(rows, axis=1).reshape(2 * points, 2 * modes)


def _angles(points: int, lowest: int, modes: int) -> np.ndarray:
    """2π k x / n, (points, modes), reduced to one turn before it is multiplied by π."""
    return 2 * np.pi * (np.outer(np.arange(points), np.arange(lowest, lowest + modes)) % points) / points
