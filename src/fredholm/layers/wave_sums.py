"""Complex Fourier coefficients from products of real waves, and back: sums of rows with signs.

    exp(-i(α + β)) = (cos α - i sin α)(cos β - i sin β)
                   = [cos α cos β - (-sin α)(-sin β)] + i [cos α (-sin β) + (-sin α) cos β]

So from the products of a function with cos and -sin of the waves |k| = 0, 1, ... of every axis, its complex
coefficients are sums and differences; where k < 0 on an axis, the sine of that axis has the other sign. The matrix E
of these signs, (coefficients, products), leads back as well: Re Σ c(k) exp(i k x) is the sum of all products of waves,
with the factors Eᵀ c.

Rows are ordered by axes: products (cos or -sin, |k|) an axis, coefficients (k an axis, real or imaginary).
"""

from functools import cache
from itertools import product
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.layers.constants import constant
from fredholm.layers.one_pass import overseen, tracked

Bounds = tuple[tuple[int, int], ...]  # the least and the largest frequency of every axis; the least of the last is 0


def coefficients_of_waves(
    waves: Float[Tensor, "products batch channels"], bounds: Bounds
) -> Float[Tensor, "coefficients batch channels"]:
    """E times the rows.

    >>> coefficients_of_waves(torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(4, 1, 1), ((0, 1),)).flatten().tolist()
    [1.0, 3.0, 2.0, 4.0]
    """
    return _applied(waves, bounds, transposed=False)


def waves_of_coefficients(
    coefficients: Float[Tensor, "coefficients batch channels"], bounds: Bounds
) -> Float[Tensor, "products batch channels"]:
    """Eᵀ times the rows."""
    return _applied(coefficients, bounds, transposed=True)


def _applied(rows: Tensor, bounds: Bounds, transposed: bool) -> Tensor:
    if overseen() or not tracked(rows):
        return _sums(rows, bounds, transposed)
    return _Signed.apply(rows, bounds, transposed)


class _Signed(torch.autograd.Function):
    """E or Eᵀ; each is the gradient of the other, which spares the adding of rows in places that are looked up."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, bounds: Bounds, transposed: bool) -> Tensor:
        ctx.matrix = bounds, transposed
        return _sums(rows, bounds, transposed)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        bounds, transposed = ctx.matrix
        return _applied(gradients[0], bounds, not transposed), None, None


def _sums(rows: Tensor, bounds: Bounds, transposed: bool) -> Tensor:
    flat = [number for pair in bounds for number in pair]
    places = _places(transposed, *flat, like=torch.zeros((), dtype=torch.int64, device=rows.device))
    signs = _signs(transposed, *flat, like=rows)[..., None, None]
    total = rows.index_select(0, places[0]) * signs[0]
    for place, sign in zip(places[1:], signs[1:], strict=True):
        total = total + rows.index_select(0, place) * sign
    return total


@constant
def _places(transposed: bool, *flat: int) -> np.ndarray:
    return table(_paired(flat), transposed)[0]


@constant
def _signs(transposed: bool, *flat: int) -> np.ndarray:
    return table(_paired(flat), transposed)[1]


def _paired(flat: tuple[int, ...]) -> Bounds:
    return tuple(zip(flat[::2], flat[1::2], strict=True))


@cache
def table(bounds: Bounds, transposed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Columns and values of the entries of E or Eᵀ, each (terms, rows): 1, -1, or 0 where a row has fewer terms."""
    rows, columns, signs = _entries(bounds)
    if transposed:
        rows, columns = columns, rows
    order = np.argsort(rows, kind="stable")
    rows, columns, signs = rows[order], columns[order], signs[order]
    counts = np.bincount(rows)
    term = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = counts.max(), len(counts)
    places, values = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    places[term, rows], values[term, rows] = columns, signs
    return places, values


def _entries(bounds: Bounds) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """E as (row, column, 1 or -1)."""
    k = np.meshgrid(*(np.arange(low, high + 1) for low, high in bounds), indexing="ij")
    number = np.arange(k[0].size).reshape(k[0].shape)
    parts = []
    for sines in product((0, 1), repeat=len(bounds)):
        imaginary = sum(sines) % 2
        sign = np.full(number.shape, (-1) ** ((sum(sines) - imaginary) // 2))  # of the power of i
        column = np.zeros_like(number)
        for sine, k_axis, (low, high) in zip(sines, k, bounds, strict=True):
            waves = 1 + max(-low, high)
            column = (column * 2 + sine) * waves + abs(k_axis)
            if sine:
                sign = np.where(k_axis < 0, -sign, sign)
        parts.append((2 * number + imaginary, column, sign))
    rows, columns, signs = (np.concatenate([part.ravel() for part in entry]) for entry in zip(*parts, strict=True))
    return rows, columns, signs
