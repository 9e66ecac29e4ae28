"""Any network on a grid as an operator: interpolate the input to its grid, run it there, interpolate the answer back.

    G(u) = E N(R u)

R and E resample functions. On the network's own grid nothing is touched. The answer converges under refinement, and
knows nothing of what that grid does not resolve: for functions with shorter waves its error has a floor that no
training removes. Coordinates are no functions on a torus: give the network none (`GridInputs(...,
coordinates=False)`) where axes are periodic.
"""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.layers.extent import Extent
from fredholm.layers.resampling import BandLimited, Interpolant
from fredholm.operators.grid_fit import require_extent
from fredholm.operators.grid_network import GridNetwork


class InputOutputInterpolation(GridNetwork):
    """A network on one grid, on all grids over the same box.

    Args:
        network: trained or to be trained on `grid`.
        grid: a grid or a product of grids.
        interpolant: how functions are resampled; within the band that the coarser grid resolves, if not given.

    Raises SignatureError if `grid` is none of the network's.

    >>> import torch
    >>> from fredholm.fields import Axis, Grid
    >>> from fredholm.operators.convolutional import ConvNet
    >>> ring = Grid(Axis("x", 0.0, 1.0, 16, periodic=True))
    >>> net = InputOutputInterpolation(ConvNet(1, 1, 4, 1, periodic=[True]), ring)
    >>> net(torch.zeros(2, 1, 24)).shape
    torch.Size([2, 1, 24])
    """

    agnostic: ClassVar[bool] = True
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(self, network: GridNetwork, grid: Domain, interpolant: Interpolant | None = None) -> None:
        super().__init__()
        network.require(grid)
        self.network, self.inputs, self.outputs = network, network.inputs, network.outputs
        self.shape, self.extent = tuple(axis.size for axis in grid_axes(grid)), Extent.of(grid)
        self.interpolant = interpolant or BandLimited()

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        there = self.network(self.interpolant(values, self.shape, self.extent.periodic))
        return self.interpolant(there, values.shape[2:], self.extent.periodic)

    def require(self, domain: Domain) -> None:
        super().require(domain)
        require_extent(self, domain, self.extent)
