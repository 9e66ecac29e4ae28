"""Derivatives on equidistant points by second-order differences, up to and including the ends.

    f'  ≈ (f₊ - f₋) / 2h,          at an end  (-3 f₀ + 4 f₁ - f₂) / 2h
    f'' ≈ (f₊ - 2 f + f₋) / h²,    at an end  (2 f₀ - 5 f₁ + 4 f₂ - f₃) / h²

and mirrored at the other end. Linear in f, and so differentiable: residuals of equations are made of them.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.grid import Axis


def first_derivative(values: Float[Tensor, "*shape"], dim: int, axis: Axis) -> Float[Tensor, "*shape"]:
    """Derivative along dimension `dim`, which holds the points of `axis`; raises ValueError for under 3 points.

    >>> x = Axis("x", 0.0, 1.0, 5)
    >>> first_derivative(x.points() ** 2, 0, x).tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    f = _along(values, dim, axis, 3)
    if axis.periodic:
        return (torch.roll(f, -1, -1) - torch.roll(f, 1, -1)).movedim(-1, dim) / (2 * axis.spacing)
    inner = f[..., 2:] - f[..., :-2]
    first = -3 * f[..., :1] + 4 * f[..., 1:2] - f[..., 2:3]
    last = 3 * f[..., -1:] - 4 * f[..., -2:-1] + f[..., -3:-2]
    return torch.cat([first, inner, last], -1).movedim(-1, dim) / (2 * axis.spacing)


def second_derivative(values: Float[Tensor, "*shape"], dim: int, axis: Axis) -> Float[Tensor, "*shape"]:
    """Second derivative along dimension `dim`; raises ValueError for under 4 points.

    >>> x = Axis("x", 0.0, 1.0, 5)
    >>> second_derivative(x.points() ** 2, 0, x).tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0]
    """
    f = _along(values, dim, axis, 4)
    if axis.periodic:
        return (torch.roll(f, -1, -1) - 2 * f + torch.roll(f, 1, -1)).movedim(-1, dim) / axis.spacing**2
    inner = f[..., 2:] - 2 * f[..., 1:-1] + f[..., :-2]
    first = 2 * f[..., :1] - 5 * f[..., 1:2] + 4 * f[..., 2:3] - f[..., 3:4]
    last = 2 * f[..., -1:] - 5 * f[..., -2:-1] + 4 * f[..., -3:-2] - f[..., -4:-3]
    return torch.cat([first, inner, last], -1).movedim(-1, dim) / axis.spacing**2


def _along(values: Tensor, dim: int, axis: Axis, least: int) -> Tensor:
    """The values with dimension `dim` last."""
    if values.shape[dim] != axis.size or axis.size < least:
        raise ValueError(
            f"dimension {dim} of {tuple(values.shape)} must hold the {axis.size} points of axis {axis.name!r}, "
            f"at least {least}"
        )
    return values.movedim(dim, -1)
