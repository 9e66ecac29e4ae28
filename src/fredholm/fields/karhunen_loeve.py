"""Gaussian processes on [0, 1] by their Karhunen-Loève expansion.

    g(x) = Σᵢ ξᵢ √λᵢ φᵢ(x),   ∫₀¹ k(x, y) φᵢ(y) dy = λᵢ φᵢ(x),   ξᵢ independent, standard normal

with k(x, y) = exp(-|x - y|² / (2 l²)). The integral is Gauss's quadrature (Nyström's method), whose error falls
exponentially since k is analytic, and the eigenfunctions are continued to any points by the integral itself.

Source: Karhunen 1947, Loève 1948; Atkinson, "The numerical solution of integral equations of the second kind" (1997),
chapter 4, for the method.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

_NODES = 64  # of the quadrature: enough for lengths down to 0.05
_ROUNDING = 1e-13  # of the first eigenvalue: others below have only rounding errors for eigenfunctions


def karhunen_loeve(
    lengths: Float[Tensor, " n"], points: Float[Tensor, " m"], terms: int
) -> Float[Tensor, "n {terms} m"]:
    """√λᵢ φᵢ at points of [0, 1], i = 1, ..., `terms`, for each correlation length; float64.

    Eigenvalues fall, and each φᵢ is positive at 0. Terms lost to rounding, whose λ is below 1e-13 of the first, are
    zero. Raises ValueError for lengths under 0.05, which the quadrature does not resolve.

    >>> modes = karhunen_loeve(torch.tensor([0.5]), torch.linspace(0, 1, 3, dtype=torch.float64), terms=8)
    >>> modes.square().sum(1)  # the variance of the process
    tensor([[1.0000, 1.0000, 1.0000]], dtype=torch.float64)
    """
    if not bool((lengths >= 0.05).all()):
        raise ValueError(f"correlation lengths must be at least 0.05, got {float(lengths.min()):g}")
    if not 1 <= terms <= _NODES:
        raise ValueError(f"the number of terms must lie in 1, ..., {_NODES}, got {terms}")
    nodes, weights = (torch.from_numpy(values) for values in np.polynomial.legendre.leggauss(_NODES))
    nodes, root = (nodes + 1) / 2, (weights / 2).sqrt()
    # the continuation to 0 comes first, to tell the signs
    at = torch.cat([torch.zeros(1, dtype=torch.float64), points.double()])
    modes = [_modes(float(length), nodes, root, at, terms) for length in lengths.double()]
    return torch.stack(modes) if modes else torch.empty(0, terms, len(points), dtype=torch.float64)


def _modes(length: float, nodes: Tensor, root: Tensor, at: Tensor, terms: int) -> Tensor:
    """√λ φ (terms, m) at all points but the first, which is 0."""

    def kernel(x: Tensor) -> Tensor:
        return torch.exp(-((x[:, None] - nodes) ** 2) / (2 * length**2))

    values, vectors = torch.linalg.eigh(root[:, None] * kernel(nodes) * root)
    values, vectors = values.flip(0)[:terms], vectors.flip(1)[:, :terms]
    kept = values > _ROUNDING * values[0]
    continued = (kernel(at) * root) @ vectors / torch.where(kept, values, 1.0).sqrt()
    signed = continued[1:] * torch.where(continued[0] < 0, -1.0, 1.0)
    return torch.where(kept, signed, 0.0).T
