"""Convergence under refinement: whether a network's weights are those of one operator between functions.

    d(n) = ‖G₂ₙ(u)|ₙ - Gₙ(u)‖ / ‖G₂ₙ(u)‖

Gₙ(u) answers the function u known on grid n, with the same weights on all grids; |ₙ takes the points of grid n. For a
network that is agnostic to the discretisation d falls under refinement, at the rate of its quadrature, to a limit that
is near the answer on any grid which resolves the function. One whose kernels count pixels drifts away.

Source: Berner, Liu-Schiaffini, Kossaifi, Duruisseaux, Bonev, Azizzadenesheli, Anandkumar, "Principled approaches for
extending neural architectures to function spaces for operator learning", 2025.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.operators.grid_network import GridNetwork

Sampled = Callable[[Domain], Float[Tensor, "batch channels *shape"]]


def refinement_differences(network: GridNetwork, function: Sampled, grids: Sequence[Domain]) -> list[float]:
    """D(n) for every grid but the last; each grid holds the points of the one before.

    `function` answers the channels of u on a grid. Raises SignatureError if a grid does not hold the points of the one
    before.

    >>> from fredholm.fields.grid import Axis, Grid
    >>> from fredholm.operators.fourier import FNO
    >>> rings = [Grid(Axis("x", 0.0, 1.0, n, periodic=True)) for n in (16, 32, 64)]
    >>> wave = lambda grid: torch.sin(2 * torch.pi * grid.coordinates().T).reshape(1, 1, -1)
    >>> first, second = refinement_differences(FNO(1, 1, modes=(4,), width=4, layers=1).double(), wave, rings)
    >>> second < first
    True
    """
    return [_distance(*pair) for pair in pairwise(_answers(network, function, grids))]


def drift(network: GridNetwork, function: Sampled, grids: Sequence[Domain]) -> list[float]:
    """‖Gₙ(u)|₀ - G₀(u)‖ / ‖Gₙ(u)‖ for every grid n but the first, 0: how far answers leave those of that grid.

    The kernels of a network of pixels shrink to points under refinement. So d(n) falls for it as well, but towards
    another map than the one it was: it drifts, and an operator stays.
    """
    first, *finer = _answers(network, function, grids)
    return [_distance(first, answer) for answer in finer]


def _answers(network: GridNetwork, function: Sampled, grids: Sequence[Domain]) -> list[tuple[Domain, Tensor]]:
    with torch.no_grad():
        return [(grid, network(function(grid))) for grid in grids]


def _distance(coarser: tuple[Domain, Tensor], finer: tuple[Domain, Tensor]) -> float:
    """Relative difference of the answers at the points of the coarser grid."""
    (coarse, before), (fine, after) = coarser, finer
    thinned = after
    for axis, step in enumerate(_steps(coarse, fine), start=2):
        thinned = thinned.index_select(axis, torch.arange(0, after.shape[axis], step))
    return float((thinned - before).norm() / thinned.norm())


def _steps(coarse: Domain, fine: Domain) -> list[int]:
    """Every which point of the finer grid is one of the coarser, along each axis."""
    steps = []
    for a, b in zip(grid_axes(coarse), grid_axes(fine), strict=True):
        cells = [axis.size if axis.periodic else axis.size - 1 for axis in (a, b)]
        if (a.lower, a.upper, a.periodic) != (b.lower, b.upper, b.periodic) or cells[1] % cells[0]:
            raise SignatureError(f"axis {b.name!r} with {b.size} points does not hold the {a.size} points before it")
        steps.append(cells[1] // cells[0])
    return steps
