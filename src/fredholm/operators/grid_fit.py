"""Whether a grid fits a network: its axes, their boundaries and lengths, and how often they can be halved."""

from collections.abc import Sequence

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.layers.extent import Extent
from fredholm.operators.grid_network import GridNetwork


def require_periodicity(network: GridNetwork, domain: Domain, periodic: Sequence[bool]) -> None:
    """Raise SignatureError naming the axis that closes on itself in one of network and domain but not in the other."""
    name, axes = type(network).__name__, grid_axes(domain)
    if len(axes) != len(periodic):
        raise SignatureError(
            f"{name} was made for {len(periodic)} axes, and {domain!r} has {len(axes)}: build it for that many"
        )
    for axis, closes in zip(axes, periodic, strict=True):
        if axis.periodic != closes:
            raise SignatureError(
                f"axis {axis.name!r} is {'' if axis.periodic else 'not '}periodic, and {name} was made for one that is "
                f"{'' if closes else 'not '}: build it with periodic={tuple(a.periodic for a in axes)}"
            )


def require_extent(network: GridNetwork, domain: Domain, extent: Extent) -> None:
    """Raise SignatureError naming the axis that is longer or shorter than the network's, by more than a cell."""
    require_periodicity(network, domain, extent.periodic)
    for axis, length in zip(grid_axes(domain), extent.lengths, strict=True):
        found = axis.upper - axis.lower
        if abs(found - length) > 1.01 * max(found, length) / axis.size:  # cell-centred grids end half a cell inside
            raise SignatureError(
                f"axis {axis.name!r} is {found:g} long, and {type(network).__name__} was made for a length of "
                f"{length:g}: its kernels have a size in these units; build it with Extent.of(domain)"
            )


def require_halvings(network: GridNetwork, domain: Domain, levels: int, kernel: int) -> None:
    """Raise SignatureError naming the axis that cannot be halved for `levels` grids, or gets too short for a kernel."""
    name, factor = type(network).__name__, 2 ** (levels - 1)
    for axis in grid_axes(domain):
        if axis.size % factor:
            raise SignatureError(
                f"{name} with {levels} levels halves its grid {levels - 1} times, and axis {axis.name!r} has "
                f"{axis.size} points: expected a multiple of {factor}"
            )
        if axis.size // factor < kernel // 2:
            raise SignatureError(
                f"axis {axis.name!r} has {axis.size} points, of which {axis.size // factor} are left on the coarsest "
                f"of {levels} levels: a kernel of {kernel} pixels needs {kernel // 2}; take fewer levels"
            )
