"""Discrete Fourier transforms of the kept frequencies only, as products with real matrices.

    c(k) = 1/n Σ_x u(x) exp(-2πi k·x / n),        u(x) = Σ_k c(k) exp(2πi k·x / n)

Coefficients are those of the function, whatever the number of points: with the factor 1/n on the way in, a
refinement of the grid leaves them as they are. Of the last axis the frequencies k = 0, 1, ... are kept, of which the
others are the conjugates; of every other axis k = -⌊m/2⌋, ..., ⌈m/2⌉ - 1.

Every axis is transformed as if alone, by products with cos and -sin for |k| = 0, 1, ...; coefficients are sums and
differences of these (`wave_sums`). No more than the kept frequencies is ever computed, which for m ≪ n costs less than
a fast transform, whose passes over memory are slower than its arithmetic; and it is the same graph for training,
compilation and export.

Source: Li et al. 2021, "Fourier neural operator for parametric partial differential equations", section 4.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.layers.constants import constant
from fredholm.layers.one_pass import LANES, suits
from fredholm.layers.one_pass_ends import Ends, gathered, scattered
from fredholm.layers.wave_sums import Bounds, coefficients_of_waves, waves_of_coefficients


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

    Values have their channels first, (batch, channels, *shape), or *beside the last axis*, (batch, *all axes but the
    last, channels, last axis), the layout in which a point of the first axes has all its channels in one place.

    Args:
        modes: number of stored frequencies of every axis, of the last axis those that are not negative.
        shape: of the grid.
        kept: number of frequencies in use along every axis, positive and negative together; all if not given.

    >>> import torch
    >>> basis = FourierBasis((4, 3), (8, 8))
    >>> wave = torch.cos(2 * torch.pi * torch.arange(8.0) / 8).expand(1, 1, 8, 8)  # along the last axis
    >>> basis.coefficients(wave).shape, round(float(basis.coefficients(wave)[0, 0, 0, 2 * 3 + 1]), 4)
    (torch.Size([1, 1, 2, 12]), 0.5)
    """

    def __init__(self, modes: Sequence[int], shape: Sequence[int], kept: Sequence[int] | None = None) -> None:
        last = len(modes) - 1
        self.shape = tuple(shape)
        points = shape if kept is None else tuple(map(min, shape, kept))
        self.windows = tuple(window(m, n, i == last) for i, (m, n) in enumerate(zip(modes, points, strict=True)))
        self._bounds = tuple(  # the least and the largest kept frequency of every axis
            (0, stop - 1) if i == last else (start - modes[i] // 2, stop - 1 - modes[i] // 2)
            for i, (start, stop) in enumerate(self.windows)
        )
        self._waves = tuple(1 + max(-low, high) for low, high in self._bounds)  # the number of |k| = 0, 1, ...

    def coefficients(self, values: Float[Tensor, "batch channels *shape"]) -> Float[Tensor, "batch channels 2 modes"]:
        """Real and imaginary parts of the coefficients, the frequencies of all axes in one."""
        batch, channels = values.shape[:2]
        beside = values.reshape(batch * channels, *self.shape[:-1], 1, self.shape[-1])
        coefficients = self.joined(self.opened(beside))
        return coefficients.reshape(batch, channels, *coefficients.shape[2:])

    def values(self, coefficients: Float[Tensor, "batch channels 2 modes"]) -> Float[Tensor, "batch channels *shape"]:
        """The function with these coefficients on the grid."""
        batch, channels = coefficients.shape[:2]
        beside = self.closed(self.parted(coefficients.reshape(batch * channels, 1, *coefficients.shape[2:])))
        return beside.reshape(batch, channels, *self.shape)

    def opened(self, values: Float[Tensor, "batch *rows channels last"]) -> Float[Tensor, "batch *waves channels last"]:
        """The first axis of values with channels beside the last axis transformed; in 1-D nothing is."""
        if len(self.shape) == 1:
            return values
        return _along(0, self.opening(values), values)

    def opening(self, like: Tensor) -> Float[Tensor, "waves points"]:
        """The matrix of that product."""
        return analysis(self.shape[0], self._waves[0], like=like)

    def joined(self, opened: Float[Tensor, "batch *waves channels last"]) -> Float[Tensor, "batch channels 2 modes"]:
        """The coefficients, from what `opened` gave; in memory frequencies come first."""
        u = opened
        for axis in range(1, len(self.shape) - 1):
            u = _along(axis, analysis(self.shape[axis], self._waves[axis], like=u), u)
        if _in_one_pass(u, channels=u.shape[-2]):
            rows = gathered(u, _ends_of_analysis(self.shape[-1], self._bounds))
        else:
            u = u @ analysis(self.shape[-1], self._waves[-1], like=u).T
            rows = coefficients_of_waves(u.movedim((0, -2), (-2, -1)).flatten(0, -3), self._bounds)
        return rows.unflatten(0, (-1, 2)).permute(2, 3, 1, 0)

    def parted(
        self, coefficients: Float[Tensor, "batch channels 2 modes"], lanes: int = 1
    ) -> Float[Tensor, "batch *waves channels last"]:
        """From coefficients to all but the last product of the way back, that along the first axis.

        The last axis has a multiple of `lanes` points; what is beyond its end is zero.
        """
        rows = coefficients.permute(3, 2, 0, 1).flatten(0, 1)
        if lanes == LANES and _in_one_pass(rows, channels=rows.shape[-1]):
            u = scattered(rows, _ends_of_synthesis(self.shape[-1], self._bounds))
        else:
            by_wave = waves_of_coefficients(rows, self._bounds).unflatten(0, [2 * count for count in self._waves])
            beyond = -self.shape[-1] % lanes
            last = synthesis_of_real(self.shape[-1], self._waves[-1], beyond, like=rows)
            u = by_wave.movedim((-2, -1), (0, -2)) @ last
        for axis in range(len(self.shape) - 2, 0, -1):
            u = _along(axis, synthesis(self.shape[axis], self._waves[axis], like=u), u)
        return u

    def closing(self, like: Tensor) -> Float[Tensor, "points waves"]:
        """The matrix of the last product of the way back, along the first axis; in 1-D the number 1."""
        if len(self.shape) == 1:
            return torch.ones(1, 1, dtype=like.dtype, device=like.device)
        return synthesis(self.shape[0], self._waves[0], like=like)

    def closed(self, parted: Float[Tensor, "batch *waves channels last"]) -> Float[Tensor, "batch *rows channels last"]:
        """Values from what `parted` gave without padding."""
        if len(self.shape) == 1:
            return parted
        return _along(0, self.closing(parted), parted)


def fourier_basis(modes: tuple[int, ...], shape: tuple[int, ...], kept: tuple[int, ...] | None) -> FourierBasis:
    """A `FourierBasis` that is set up once: that takes a tenth of the time of a small transform."""
    # a compiler sets one up while it looks, and cannot look into a cache
    return FourierBasis(modes, shape, kept) if torch.compiler.is_compiling() else _set_up(modes, shape, kept)


_set_up = cache(FourierBasis)


@constant
def analysis(points: int, waves: int) -> np.ndarray:
    """((part, wave), points): x ↦ cos, -sin of 2π k x / n over n, for k = 0, ..., waves - 1."""
    return _parts(points, waves) / points


@constant
def synthesis(points: int, waves: int) -> np.ndarray:
    """(points, (part, wave)): the same without the factor, transposed."""
    return _parts(points, waves).T


@constant
def synthesis_of_real(points: int, waves: int, beyond: int) -> np.ndarray:
    """((part, wave), points), doubled for the frequencies that have a conjugate; and some zeros beyond the points."""
    return np.pad(_doubled(points, waves), ((0, 0), (0, beyond)))


def _parts(points: int, waves: int) -> np.ndarray:
    """Cos and -sin of 2π k x / n, (2 waves, points), the angle reduced to one turn before it is multiplied by π."""
    angle = 2 * np.pi * (np.outer(np.arange(waves), np.arange(points)) % points) / points
    return np.concatenate([np.cos(angle), -np.sin(angle)])


def _doubled(points: int, waves: int) -> np.ndarray:
    k = np.tile(np.arange(waves), 2)[:, None]
    return np.where((k == 0) | (2 * k == points), 1.0, 2.0) * _parts(points, waves)


@cache
def _ends_of_analysis(points: int, bounds: Bounds) -> Ends:
    return Ends.of(_parts(points, bounds[-1][1] + 1).T / points, bounds)


@cache
def _ends_of_synthesis(points: int, bounds: Bounds) -> Ends:
    return Ends.of(_doubled(points, bounds[-1][1] + 1).T, bounds)


def _along(axis: int, matrix: Tensor, u: Tensor) -> Tensor:
    """A matrix times an axis of a tensor, counted after the batch."""
    return (matrix @ u.flatten(axis + 2)).unflatten(axis + 2, u.shape[axis + 2 :])


def _in_one_pass(values: Tensor, channels: int) -> bool:
    """Whether the compiled loops take these; they work on channels side by side."""
    return channels >= 4 and suits(values)
