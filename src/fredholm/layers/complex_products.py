"""Products of complex matrices held as pairs of real ones, as single real products.

    Re y = Re A Re x - Im A Im x,    Im y = Re A Im x + Im A Re x

A complex matrix (rows, columns) is a tensor (rows, 2, columns): for every row the real and the imaginary parts.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def block_matrix(factor: Float[Tensor, "rows 2 columns"]) -> Float[Tensor, "two_rows two_columns"]:
    """The real matrix M with (Re x, Im x) M = (Re (x A), Im (x A)) for row vectors x."""
    real, imaginary = factor[:, 0], factor[:, 1]
    return torch.cat([torch.cat([real, imaginary], dim=1), torch.cat([-imaginary, real], dim=1)], dim=0)


def mix_channels(
    coefficients: Float[Tensor, "batch inputs 2 modes"], factor: Float[Tensor, "inputs 2 outputs"]
) -> Float[Tensor, "batch outputs 2 modes"]:
    """Σᵢ cᵢ Aᵢₒ, the same matrix for all modes."""
    by_part = coefficients.transpose(1, 2).flatten(1, 2)  # (batch, (part, channel), modes)
    mixed = block_matrix(factor).T @ by_part
    return mixed.unflatten(1, (2, factor.shape[2])).transpose(1, 2)


def along_axis(tensor: Float[Tensor, "2 ..."], factor: Float[Tensor, "rank 2 size"], axis: int) -> Tensor:
    """Σᵣ T[..., r, ...] A_rn for the axis `axis` of a complex tensor (2, *dimensions), counted without the pair."""
    last = tensor.movedim(1 + axis, -1).movedim(0, -2).flatten(-2)  # (..., (part, rank))
    product = (last @ block_matrix(factor)).unflatten(-1, (2, factor.shape[2]))
    return product.movedim(-2, 0).movedim(-1, 1 + axis)


def pairs_of(array: Tensor) -> Tensor:
    """A complex tensor (..., columns) as real pairs (..., 2, columns)."""
    return torch.stack([array.real, array.imag], dim=-2)


def complex_of(pairs: Float[Tensor, "*rows 2 columns"]) -> Tensor:
    """The inverse of `pairs_of`."""
    return torch.complex(pairs[..., 0, :], pairs[..., 1, :])
