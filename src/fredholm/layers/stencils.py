"""Stencils of classical numerics on uniform grids, 3 points an axis, as tensors (3, ..., 3) in float64.

Source: Briggs, Henson, McCormick, "A multigrid tutorial", 2nd edition, 2000, chapters 1 and 3.
"""

import itertools
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def laplacian(spacing: Sequence[float]) -> Float[Tensor, "..."]:
    """-Δ by second differences: Σᵢ (2 u(x) - u(x - hᵢ) - u(x + hᵢ)) / hᵢ².

    >>> laplacian([0.5, 0.5])
    tensor([[ 0., -4.,  0.],
            [-4., 16., -4.],
            [ 0., -4.,  0.]], dtype=torch.float64)
    """
    stencil = torch.zeros((3,) * len(spacing), dtype=torch.float64)
    difference = torch.tensor([-1.0, 2.0, -1.0], dtype=torch.float64)
    for axis, h in enumerate(spacing):
        line = tuple(slice(None) if i == axis else 1 for i in range(len(spacing)))
        stencil[line] += difference / h**2
    return stencil


def full_weighting(dimension: int) -> Float[Tensor, "..."]:
    """Restriction by the weights ¼, ½, ¼ along every axis."""
    return _product([0.25, 0.5, 0.25], dimension)


def multilinear(dimension: int) -> Float[Tensor, "..."]:
    """Interpolation by the weights ½, 1, ½ along every axis: 2ᵈ times the adjoint of full weighting."""
    return _product([0.5, 1.0, 0.5], dimension)


def damped_jacobi(operator: Float[Tensor, "..."], damping: float = 0.8) -> Float[Tensor, "..."]:
    """The smoother ω / a₀ of an operator whose stencil has the centre a₀: it knows the diagonal of A alone."""
    stencil = torch.zeros_like(operator)
    centre = (1,) * operator.ndim
    stencil[centre] = damping / operator[centre]
    return stencil


def approximate_inverse(operator: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The smoother S of 3 points an axis that comes nearest to A⁻¹: S minimises ‖δ - S * A‖₂.

    It costs what a learned stencil costs, and damps more than Jacobi's. Source: Tang, Wan, "Sparse approximate inverse
    smoother for multigrid", SIAM Journal on Matrix Analysis and Applications 21 (2000).
    """
    moved = [  # A centred at each point of S
        functional.pad(operator, [end for start in reversed(corner) for end in (start, 2 - start)]).flatten()
        for corner in itertools.product(range(3), repeat=operator.ndim)
    ]
    identity = torch.zeros_like(moved[0])
    identity[len(identity) // 2] = 1.0
    inverse = torch.linalg.lstsq(torch.stack(moved, 1), identity[:, None]).solution
    return inverse.reshape(operator.shape)


def _product(weights: Sequence[float], dimension: int) -> Tensor:
    stencil = torch.ones((), dtype=torch.float64)
    for _ in range(dimension):
        stencil = stencil[..., None] * torch.tensor(weights, dtype=torch.float64)
    return stencil
