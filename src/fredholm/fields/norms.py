"""Norms of fields by quadrature: L2, H1, and the relative error.

    ‖u‖² = Σ wᵢ u(xᵢ)²      |u|₁² = ∫ |∇u|²      ‖u‖₁² = ‖u‖² + |u|₁²

Gradients are spectral along periodic axes, second order along others, and those of piecewise linear functions on
meshes.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.field import Field
from fredholm.fields.grid import Grid
from fredholm.fields.mesh import Mesh
from fredholm.fields.spectral import derivative


def relative_l2(
    prediction: Float[Tensor, "*batch n"], target: Float[Tensor, "*batch n"], domain: Domain
) -> Float[Tensor, "*batch"]:
    """‖prediction - target‖ / ‖target‖ over the last axis, the points of `domain`."""
    error, norm = domain.integrate((prediction - target).square()), domain.integrate(target.square())
    return (error / norm.clamp_min(1e-30)).sqrt()


def h1_seminorm(field: Field) -> Float[Tensor, "*batch channels"]:
    """|u|₁ = (∫ |∇u|²)^½ of every channel; raises SignatureError on domains without gradients."""
    domain = field.domain
    if isinstance(domain, Mesh):
        squared = domain.gradients(field.flat).square().sum(-1)
        return (squared * domain.volumes).sum(-1).sqrt()
    if not isinstance(domain, Grid) or domain.mask is not None:
        raise SignatureError(
            f"no gradient is known on {domain!r}: interpolate the field onto an unmasked Grid or a Mesh first"
        )
    start = field.values.ndim - len(domain.axes)
    squared = torch.zeros_like(field.values)
    for dim, axis in enumerate(domain.axes, start=start):
        if axis.periodic:
            slope = derivative(field.values, dim, axis.upper - axis.lower)
        else:
            (slope,) = torch.gradient(field.values, spacing=axis.spacing, dim=dim, edge_order=2)
        squared = squared + slope.square()
    return domain.integrate(squared.flatten(start)).sqrt()


def h1_norm(field: Field) -> Float[Tensor, "*batch channels"]:
    """‖u‖₁ = (‖u‖² + |u|₁²)^½ of every channel."""
    return torch.hypot(field.l2_norm(), h1_seminorm(field))
