"""On which grids the levels of a pixel U-Net exist: each halves the grid, and its kernel has to fit there."""

from collections.abc import Sequence

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.operators.grid_network import GridNetwork


def require_levels(network: GridNetwork, domain: Domain, levels: int, kernel: int, periodic: Sequence[bool]) -> None:
    """Raise SignatureError naming the axis on which a network of so many levels cannot work."""
    name, axes = type(network).__name__, grid_axes(domain)
    require_periodicity(network, domain, periodic)
    factor = 2 ** (levels - 1)
    for axis in axes:
        if axis.size % factor:
            raise SignatureError(
                f"{name} with {levels} levels halves its grid {levels - 1} times, and axis {axis.name!r} has "
                f"{axis.size} points: expected a multiple of {factor}"
            )
        if axis.size // factor < kernel // 2 + 1:
            raise SignatureError(
                f"axis {axis.name!r} has {axis.size} points, of which {axis.size // factor} are left on the coarsest "
                f"of {levels} levels: a kernel of {kernel} pixels needs {kernel // 2 + 1}; take fewer levels"
            )


def require_periodicity(network: GridNetwork, domain: Domain, periodic: Sequence[bool]) -> None:
    """Raise SignatureError naming the axis that closes on itself in one of network and domain but not in the other."""
    name, axes = type(network).__name__, grid_axes(domain)
    if len(axes) != len(periodic):
        raise SignatureError(
            f"{name} was made for {len(periodic)} axes, and {domain!r} has {len(axes)}: pass `periodic` for each axis"
        )
    for axis, closes in zip(axes, periodic, strict=True):
        if axis.periodic != closes:
            raise SignatureError(
                f"axis {axis.name!r} is {'' if axis.periodic else 'not '}periodic, and {name} was made for one that is "
                f"{'' if closes else 'not '}: pass periodic={tuple(a.periodic for a in axes)}"
            )
