"""Trigonometric interpolation and differentiation on periodic grids, exact for band-limited functions.

Along each axis the discrete Fourier coefficients are padded with zeros or cut. The Nyquist coefficient of an even
number of points stands for a cosine, so it is split evenly between ±n/2, and its derivative is zero at the points.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.grid import Grid


def periodic_twins(first: Grid, second: Grid) -> bool:
    """Whether two grids are periodic along every axis, over the same box, without masks."""
    if first.mask is not None or second.mask is not None or len(first.axes) != len(second.axes):
        return False
    return all(
        a.periodic and b.periodic and a.lower == b.lower and a.upper == b.upper
        for a, b in zip(first.axes, second.axes, strict=True)
    )


def resample(values: Float[Tensor, "*shape"], source: Grid, target: Grid) -> Float[Tensor, "*other"]:
    """The trigonometric interpolant of values (..., *source.shape) at the points of `target`, its periodic twin."""
    start = values.ndim - len(source.axes)
    for dim, (a, b) in enumerate(zip(source.axes, target.axes, strict=True), start=start):
        if a.size != b.size:
            values = _resampled(values.movedim(dim, -1), b.size).movedim(-1, dim)
    return values


def derivative(values: Float[Tensor, "*shape"], dim: int, extent: float) -> Float[Tensor, "*shape"]:
    """Derivative along one periodic axis of the given extent."""
    size = values.shape[dim]
    coefficients = torch.fft.rfft(values.movedim(dim, -1))
    wave_numbers = 2 * math.pi / extent * torch.arange(coefficients.shape[-1], dtype=values.dtype, device=values.device)
    if size % 2 == 0:
        wave_numbers[-1] = 0.0
    return torch.fft.irfft(1j * wave_numbers * coefficients, n=size).movedim(-1, dim)


def _resampled(values: Tensor, size: int) -> Tensor:
    """Trigonometric interpolation along the last axis."""
    before = values.shape[-1]
    coefficients = torch.fft.rfft(values)
    kept = min(before, size)
    cut = coefficients[..., : kept // 2 + 1].clone()
    if kept % 2 == 0 and before != size:
        # the real inverse counts an inner coefficient twice (±k) and the Nyquist coefficient once
        cut[..., -1] = cut[..., -1] * 0.5 if before < size else cut[..., -1].real * 2
    padded = torch.zeros(*cut.shape[:-1], size // 2 + 1, dtype=cut.dtype, device=cut.device)
    padded[..., : cut.shape[-1]] = cut
    return torch.fft.irfft(padded, n=size) * (size / before)
