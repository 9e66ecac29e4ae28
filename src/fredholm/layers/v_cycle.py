"""V-cycles: how often each of a hierarchy of grids is smoothed on the way down and up, and what goes between the grids.

Source: He, Liu, Xu, "MgNO: efficient parameterization of linear operators via multigrid", ICLR 2024, section 3 and its
ablations.
"""

from collections.abc import Sequence

from fredholm.errors import SignatureError
from fredholm.layers.architecture import Described
from fredholm.layers.boundaries import Boundary, Dirichlet


def smoothings(levels: int, before: int = 1, after: int = 0, coarsest: int = 2) -> tuple[tuple[int, int], ...]:
    """The numbers of smoothings before and after the correction on every grid, finest first.

    >>> smoothings(3)
    ((1, 0), (1, 0), (2, 0))
    """
    return ((before, after),) * (levels - 1) + ((coarsest, 0),)


class VCycle(Described):
    """What a V-cycle does.

    Args:
        smoothing: numbers of smoothings (before, after) the correction on every grid, finest first; as many grids.
        boundary: of all axes, or one for each.
        restrict_residual: whether R takes the residual f - A u, and the coarser state starts at zero. Otherwise R takes
            f, and the coarser state starts at Π u with one more stencil Π.
        shared: whether all smoothings of a grid have the same S, and all its residuals the same A.
        bias: whether S and A add a constant to every channel, which makes the map affine.

    Raises SignatureError for a grid without a smoothing before its correction.
    """

    def __init__(
        self,
        smoothing: Sequence[Sequence[int]] = smoothings(5),
        boundary: Boundary | Sequence[Boundary] = Dirichlet(),  # noqa: B008  it has no state
        restrict_residual: bool = True,
        shared: bool = False,
        bias: bool = False,
    ) -> None:
        self.smoothing = tuple((before, after) for before, after in smoothing)
        self.boundary, self.restrict_residual, self.shared, self.bias = boundary, restrict_residual, shared, bias
        for level, (before, after) in enumerate(self.smoothing):
            if before < 1 or after < 0:
                raise SignatureError(
                    f"grid {level} has smoothings ({before}, {after}); expected at least one before its correction, "
                    "where the state starts"
                )

    def grids(self, shape: Sequence[int]) -> list[tuple[int, ...]]:
        """Shapes of all grids, finest first; raises SignatureError if `shape` cannot be halved as often as it takes."""
        boundaries = self.boundaries(len(shape))
        grids = [tuple(shape)]
        for level in range(1, len(self.smoothing)):
            try:
                grids.append(tuple(boundary.coarse(size) for boundary, size in zip(boundaries, grids[-1], strict=True)))
            except SignatureError as error:
                raise SignatureError(
                    f"a V-cycle on {len(self.smoothing)} grids does not fit the shape {tuple(shape)}: on grid "
                    f"{level - 1}, of shape {grids[-1]}, {error}; take {level} grids, or another shape"
                ) from error
        return grids

    def boundaries(self, dimension: int) -> tuple[Boundary, ...]:
        """The boundary of every axis; raises SignatureError for a wrong number of them."""
        if isinstance(self.boundary, Boundary):
            return (self.boundary,) * dimension
        if len(self.boundary) != dimension:
            raise SignatureError(f"{len(self.boundary)} boundaries for {dimension} axes; expected one for each, or one")
        return tuple(self.boundary)
