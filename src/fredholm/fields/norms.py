"""Norms of fields by quadrature: L2, H1, and the relative error.

    ‖u‖² = Σ wᵢ u(xᵢ)²      |u|₁² = ∫ |∇u|²      ‖u‖₁² = ‖u‖² + |u|₁²

Gradients are spectral along periodic axes, second order along others, those of multilinear functions on the cells of
masked grids, and those of piecewise linear functions on meshes.
"""

from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.field import Field
from fredholm.fields.grid import Grid
from fredholm.fields.mesh import Mesh
from fredholm.fields.spectral import derivative


def relative_l2(
    prediction: Float[Tensor, "*batch n"], target: Float[Tensor, "*batch n"], weights: Float[Tensor, "*#batch n"]
) -> Float[Tensor, "*batch"]:
    """(Σ wᵢ (pᵢ - tᵢ)² / Σ wᵢ tᵢ²)^½ over the last axis, with quadrature weights that may differ among the batch.

    Infinite where the target vanishes and the prediction does not; zero where both do.

    >>> relative_l2(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]), torch.tensor([0.5, 0.5])).item()
    0.7071067690849304
    """
    weights = weights.to(prediction)
    error = (weights * (prediction - target).square()).sum(-1)
    norm = (weights * target.square()).sum(-1)
    return torch.where(error == 0, error, error / norm).sqrt()


def h1_seminorm(field: Field) -> Float[Tensor, "*batch channels"]:
    """|u|₁ = (∫ |∇u|²)^½ of every channel; raises SignatureError on domains without gradients."""
    domain = field.domain
    if isinstance(domain, Mesh):
        squared = domain.gradients(field.flat).square().sum(-1)
        return (squared * domain.volumes).sum(-1).sqrt()
    if not isinstance(domain, Grid):
        raise SignatureError(f"no gradient is known on {domain!r}: interpolate the field onto a Grid or a Mesh first")
    if domain.mask is not None:
        return _cellwise(field.values, domain).sqrt()
    squared = torch.stack(gradient(field.values, domain)).square().sum(0)
    return domain.integrate(squared.flatten(field.values.ndim - len(domain.axes))).sqrt()


def gradient(values: Float[Tensor, "*shape"], grid: Grid) -> list[Tensor]:
    """∂u/∂x for each axis x of an unmasked grid, at its points, of values (..., *grid.shape).

    >>> from fredholm.fields.grid import Axis
    >>> line = Grid(Axis("x", 0.0, 1.0, 5))
    >>> gradient(line.axes[0].points() ** 2, line)[0].tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    slopes = []
    for dim, axis in enumerate(grid.axes, start=values.ndim - len(grid.axes)):
        if axis.periodic:
            slopes.append(derivative(values, dim, axis.upper - axis.lower))
        else:
            slopes.extend(torch.gradient(values, spacing=axis.spacing, dim=dim, edge_order=2))
    return slopes


def _cellwise(values: Tensor, grid: Grid) -> Tensor:
    """∫ |∇u|² by the midpoint rule on the cells of which every corner belongs to the grid."""
    dims = tuple(range(values.ndim - len(grid.axes), values.ndim))
    cells, volume = grid.cells(), 1.0
    slopes = [torch.zeros_like(values) for _ in dims]
    for corner in product((0, 1), repeat=len(dims)):
        shifted = values.roll([-step for step in corner], dims)
        for slope, step, axis in zip(slopes, corner, grid.axes, strict=True):
            slope += (2 * step - 1) * shifted / (axis.spacing * 2 ** (len(dims) - 1))
    for axis in grid.axes:
        volume *= axis.spacing
    squared = torch.stack(slopes).square().sum(0)
    # values beyond the mask may be anything, even NaN
    return volume * torch.where(cells, squared, torch.zeros_like(squared)).sum(dims)


def h1_norm(field: Field) -> Float[Tensor, "*batch channels"]:
    """‖u‖₁ = (‖u‖² + |u|₁²)^½ of every channel."""
    return torch.hypot(field.l2_norm(), h1_seminorm(field))
