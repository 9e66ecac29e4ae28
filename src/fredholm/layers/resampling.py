"""Resampling of functions on a box from one grid to another: what takes the place of strides, pooling and upsampling.

    u'(x_i) = Σ_j R[i, j] u(x_j),   one matrix an axis

A scale factor counts pixels; a resampling asks the function at other points. Band-limited, it is the trigonometric
interpolant and exact for functions that both grids resolve; linear, it is second order in the spacing.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.constants import constant


class Interpolant(Described, ABC):
    """How values between grid points are told from those at them."""

    @abstractmethod
    def matrix(self, size: int, target: int, periodic: bool, like: Tensor) -> Float[Tensor, "target size"]:
        """R along an axis from `size` to `target` points, in the precision of `like`."""

    def __call__(
        self, values: Float[Tensor, "batch channels *shape"], shape: Sequence[int], periodic: Sequence[bool]
    ) -> Float[Tensor, "batch channels *other"]:
        """Values on the grid of this shape over the same box; where an axis keeps its points, they are not touched."""
        for dim, (target, closes) in enumerate(zip(shape, periodic, strict=True), start=2):
            size = values.shape[dim]
            if size != target:
                values = along_axis(self.matrix(size, target, closes, values), values, dim)
        return values


def along_axis(matrix: Float[Tensor, "target size"], values: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
    """The matrix times the values along one axis, without moving that axis."""
    if dim == values.ndim - 1:
        return values @ matrix.T
    rest = values.flatten(dim + 1)
    return (matrix @ rest).unflatten(-1, values.shape[dim + 1 :])


class Linear(Interpolant):
    """Multilinear interpolation; axes that are not periodic hold both their ends.

    >>> import torch
    >>> Linear()(torch.tensor([[[0.0, 1.0, 2.0]]]), [5], [False]).tolist()
    [[[0.0, 0.5, 1.0, 1.5, 2.0]]]
    """

    def matrix(self, size: int, target: int, periodic: bool, like: Tensor) -> Float[Tensor, "target size"]:
        return _linear(size, target, periodic, like=like)


class BandLimited(Interpolant):
    """Trigonometric interpolation along periodic axes, linear along others.

    Coarser grids get the part of the function that they resolve. As `fields.spectral.resample`, by real matrices.

    >>> import torch
    >>> x = torch.arange(8) / 8
    >>> wave = torch.sin(2 * torch.pi * x).reshape(1, 1, 8)
    >>> torch.allclose(BandLimited()(wave, [4], [True]), wave[..., ::2], atol=1e-6)
    True
    """

    def matrix(self, size: int, target: int, periodic: bool, like: Tensor) -> Float[Tensor, "target size"]:
        return _trigonometric(size, target, like=like) if periodic else _linear(size, target, False, like=like)


class Resampling(nn.Module, Described):
    """Values on any grid over a box to the grid of `shape`, by an interpolant; band-limited if none is given.

    >>> import torch
    >>> Resampling((4, 4), (True, True))(torch.zeros(2, 3, 16, 8)).shape
    torch.Size([2, 3, 4, 4])
    """

    def __init__(self, shape: Sequence[int], periodic: Sequence[bool], interpolant: Interpolant | None = None) -> None:
        super().__init__()
        self.shape, self.periodic = tuple(shape), tuple(periodic)
        self.interpolant = interpolant or BandLimited()

    def forward(self, values: Float[Tensor, "batch channels *shape"]) -> Float[Tensor, "batch channels *other"]:
        return self.interpolant(values, self.shape, self.periodic)


@constant
def _linear(size: int, target: int, periodic: bool) -> np.ndarray:
    position = np.arange(target) * (size / target if periodic else (size - 1) / max(1, target - 1))
    position = np.where(np.abs(position - position.round()) < 1e-9 * size, position.round(), position)
    left = np.floor(position).astype(int)
    fraction = position - left
    matrix = np.zeros((target, size))
    rows = np.arange(target)
    matrix[rows, left % size] += 1 - fraction
    matrix[rows, (left + 1) % size if periodic else np.minimum(left + 1, size - 1)] += fraction
    return matrix


@constant
def _trigonometric(size: int, target: int) -> np.ndarray:
    kept = min(size, target)
    frequency = np.arange(-(kept // 2), kept // 2 + 1)
    share = np.ones(len(frequency))
    if size % 2 == 0 and size <= target:
        share[[0, -1]] = 0.5  # the values hold a cosine at the Nyquist frequency, which both signs share
    lag = np.arange(target)[:, None] / target - np.arange(size) / size
    return np.cos(2 * np.pi * lag[..., None] * frequency) @ share / size
