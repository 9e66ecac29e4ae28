"""Values of one grid on another by cubic splines along every axis: fourth order, where stencils are of second.

Grids here are tensor products of axes without a mask. Points of the target a little beyond the source, as the first
cell's centre of a finer grid is, continue the outermost piece; periodic axes close on themselves.

Source: de Boor, "A practical guide to splines" (2001), chapters IV and XVII.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.product import Product, grid_axes


def is_tensor_product(domain: Domain) -> bool:
    """Whether the domain is a grid, or a product of grids, without a mask."""
    if isinstance(domain, Product):
        return is_tensor_product(domain.first) and is_tensor_product(domain.second)
    return isinstance(domain, Grid) and domain.mask is None


def spline_between(values: Float[Tensor, "*shape"], source: Domain, target: Domain) -> Float[Tensor, "*other"]:
    """Values (*batch, *source.shape) on the points of `target`, (*batch, *target.shape).

    Raises SignatureError unless both are tensor products of as many axes, each of at least four points.

    >>> coarse, fine = Grid(Axis("x", 0.0, 1.0, 9)), Grid(Axis("x", 0.0, 1.0, 33))
    >>> x, y = coarse.axes[0].points(), fine.axes[0].points()
    >>> bool((spline_between(x**3, coarse, fine) - y**3).abs().max() < 1e-12)
    True
    """
    if not (is_tensor_product(source) and is_tensor_product(target)):
        raise SignatureError("splines go between grids without masks: give each function its own stencil")
    old, new = grid_axes(source), grid_axes(target)
    if len(old) != len(new) or min(axis.size for axis in old) < 4:
        raise SignatureError(f"splines go between as many axes, of 4 points or more; got {old} and {new}")
    result = values.double().numpy()
    for place, (before, after) in enumerate(zip(old, new, strict=True)):
        if before != after:
            result = _along(result, values.ndim - len(old) + place, before, after)
    return torch.from_numpy(np.ascontiguousarray(result)).to(values.dtype)


def _along(values: np.ndarray, dim: int, before: Axis, after: Axis) -> np.ndarray:
    from scipy.interpolate import make_interp_spline

    x = before.points().numpy()
    if not before.periodic:
        result: np.ndarray = make_interp_spline(x, values, k=3, axis=dim)(after.points().numpy())
        return result
    closed = np.concatenate([values, np.take(values, [0], dim)], dim)
    spline = make_interp_spline(np.append(x, before.upper), closed, k=3, axis=dim, bc_type="periodic")
    period = before.upper - before.lower
    result = spline(before.lower + (after.points().numpy() - before.lower) % period)
    return result
