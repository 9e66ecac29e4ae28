"""The ends of Fourier transforms in one pass over memory, on CPUs: the last axis, and sums with signs.

    gathered(u) = E (u M)        (batch, *waves, channels, last axis) to (coefficients, batch, channels)
    scattered(c) = (Eᵀ c) Mᵀ     and back

where E are the signs of `wave_sums`, and M is that of an analysis or the transpose of that of a synthesis. Each is the
adjoint of the other, and so its derivative.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fredholm.layers.one_pass import padded, tracked
from fredholm.layers.wave_sums import Bounds, table


class Ends(NamedTuple):
    """M and E as the loops take them: float32, rows of M and Mᵀ padded with zeros to multiples of 16."""

    bounds: Bounds
    matrix: np.ndarray
    transpose: np.ndarray
    sums: tuple[np.ndarray, np.ndarray]
    transposed_sums: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, matrix: np.ndarray, bounds: Bounds) -> "Ends":
        """From M, (points, columns)."""
        return cls(bounds, padded(matrix), padded(matrix.T), table(bounds, False), table(bounds, True))


def gathered(u: Tensor, ends: Ends) -> Tensor:
    """E (u M)."""
    return _Gathered.apply(u, ends) if tracked(u) else _gather(u, ends)


def scattered(rows: Tensor, ends: Ends) -> Tensor:
    """(Eᵀ c) Mᵀ; the last axis has a multiple of 16 points, of which those that M does not know are zero."""
    return _Scattered.apply(rows, ends) if tracked(rows) else _scatter(rows, ends)


def _gather(u: Tensor, ends: Ends) -> Tensor:
    from fredholm.kernels import spectrum, team

    places, signs = ends.sums
    rows = u.new_empty(places.shape[1], u.shape[0], u.shape[-2])
    flat = u.contiguous().view(u.shape[0], -1, u.shape[-2], u.shape[-1])
    team.run(spectrum.gather, flat, ends.matrix, ends.transpose.shape[0], places, signs, rows)
    return rows


def _scatter(rows: Tensor, ends: Ends) -> Tensor:
    from fredholm.kernels import spectrum, team

    places, signs = ends.transposed_sums
    waves = [2 * (1 + max(-low, high)) for low, high in ends.bounds[:-1]]
    u = rows.new_empty(rows.shape[1], *waves, rows.shape[2], ends.transpose.shape[1])
    team.run(
        spectrum.scatter,
        rows.contiguous(),
        places,
        signs,
        ends.transpose,
        u.view(u.shape[0], -1, u.shape[-2], u.shape[-1]),
    )
    return u


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor, ends: Ends) -> Tensor:
        ctx.ends, ctx.points = ends, u.shape[-1]
        return _gather(u, ends)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        return scattered(slopes[0], ctx.ends)[..., : ctx.points], None


class _Scattered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, ends: Ends) -> Tensor:
        ctx.ends = ends
        return _scatter(rows, ends)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        return gathered(slopes[0], ctx.ends), None
