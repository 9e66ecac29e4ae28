"""U-Net between functions: local integrals in place of pixel kernels, resampling in place of pooling and expansion.

    down:  sₗ = D(D(x)),  x = sₗ on the grid of level l + 1       up:  x = D(D([sₗ, x on the grid of sₗ]))
    D(x) = σ(norm(∫ κ(y) x(· + y) dy))

Kernels have a radius in the units of the box. The finest level lives on whatever grid the input comes on; the others
have prescribed grids of their own, to which functions are resampled within the band that these resolve. So finer
inputs refine the finest level alone, and their answers converge.

Sources: Rahman, Ross, Azizzadenesheli, "U-NO: U-shaped neural operators", 2023 (prescribed grids of the levels);
Liu-Schiaffini, Berner, Bonev, Kurth, Azizzadenesheli, Anandkumar 2024 (local integrals).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.layers.architecture import Described
from fredholm.layers.convolution import Convolution
from fredholm.layers.extent import Extent
from fredholm.layers.grid_norms import GridNorm
from fredholm.layers.local_integral import LocalIntegralConvolution
from fredholm.layers.resampling import BandLimited
from fredholm.operators.grid_fit import require_extent
from fredholm.operators.grid_network import GridNetwork


class Level(Described):
    """One level of a U-Net: its channels, the radius of its kernels, for each axis or for all, and its grid.

    The grid None is the input's. A radius of two to three spacings leaves the kernel free at two radii.
    """

    def __init__(self, width: int, radius: float | Sequence[float], grid: Sequence[int] | None = None) -> None:
        self.width, self.radius, self.grid = width, radius, None if grid is None else tuple(grid)


class IntegralUNet(GridNetwork):
    """The U-Net of local integral operators, in one, two or three dimensions.

    Args:
        inputs, outputs: channels.
        extent: the box.
        levels: from the finest, whose grid is None, to the coarsest.
        activation: σ.

    Raises SignatureError if the grid of a level is too coarse for its radius.

    >>> levels = [Level(4, 0.15), Level(8, 0.3, (8, 8))]
    >>> net = IntegralUNet(1, 1, Extent([1.0, 1.0], [True, True]), levels)
    >>> net(torch.zeros(2, 1, 16, 16)).shape, net(torch.zeros(2, 1, 40, 40)).shape
    (torch.Size([2, 1, 16, 16]), torch.Size([2, 1, 40, 40]))
    """

    agnostic: ClassVar[bool] = True
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(
        self,
        inputs: int,
        outputs: int,
        extent: Extent,
        levels: Sequence[Level],
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if levels[0].grid is not None or any(level.grid is None for level in levels[1:]):
            raise ValueError("the finest level lives on the input's grid (None), each other one on a grid of its own")
        self.inputs, self.outputs, self.extent = inputs, outputs, extent
        self.grids = [level.grid for level in levels[1:] if level.grid is not None]
        self.resampled = BandLimited()
        activation = activation or nn.GELU()

        def double(before: int, level: Level) -> nn.Sequential:
            layers: list[nn.Module] = []
            for channels in (before, level.width):
                integral = LocalIntegralConvolution(channels, level.width, extent, level.radius, bias=False)
                if level.grid is not None:
                    integral.require(level.grid)
                layers += [integral, GridNorm(level.width, extent), activation]
            return nn.Sequential(*layers)

        before = [inputs, *(level.width for level in levels)]
        self.down = nn.ModuleList(double(b, level) for b, level in zip(before, levels, strict=False))
        self.up = nn.ModuleList(double(a.width + b.width, a) for a, b in pairwise(levels))
        self.head = Convolution(levels[0].width, outputs, 1, extent.periodic)

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        skips = []
        for block, grid in zip(self.down, self.grids, strict=False):
            skips.append(block(values))
            values = self.resampled(skips[-1], grid, self.extent.periodic)
        values = self.down[-1](values)
        for skip, block in zip(reversed(skips), reversed(self.up), strict=True):
            finer = self.resampled(values, skip.shape[2:], self.extent.periodic)
            values = block(torch.cat([skip, finer], dim=1))
        answer: Tensor = self.head(values)
        return answer

    def require(self, domain: Domain) -> None:
        super().require(domain)
        require_extent(self, domain, self.extent)
        first = self.down[0][0]  # type: ignore[index]
        assert isinstance(first, LocalIntegralConvolution)
        first.require(domain.shape)
