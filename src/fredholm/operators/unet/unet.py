"""U-Net: double convolutions on coarser and coarser grids and back, with skips between equal grids.

    down:  sₗ = D(D(x)),  x = max-pool sₗ        up:  x = D(D([sₗ, transposed convolution of x]))
    D(x) = σ(GroupNorm(kernel * x))

Kernel, pooling and strides count pixels, so that a trained U-Net is bound to its grid: on another it is another map.
`IntegralUNet` is the U-Net between functions; `to_operator` carries a trained one over.

Source: Ronneberger, Fischer, Brox, "U-Net: convolutional networks for biomedical image segmentation", MICCAI 2015;
with padding that keeps the grid, and normalisation over all channels, as is usual for fields.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.layers.convolution import EXPANSIONS, Convolution
from fredholm.operators.grid_fit import require_halvings, require_periodicity
from fredholm.operators.grid_network import GridNetwork

_POOLINGS: dict[int, type[nn.Module]] = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}


class UNet(GridNetwork):
    """The plain U-Net in one, two or three dimensions.

    Args:
        inputs, outputs: channels.
        width: channels of the finest level.
        multipliers: channels of each level, in widths; a level halves the grid of the one before.
        kernel: size of the convolutions in pixels, odd.
        periodic: for each axis, whether it closes on itself; as many as the grid has axes.
        activation: σ.
        norm: whether layers are normalised. Without, an answer may grow with the size of the input, as it must where
            fields of very different sizes are told apart by little else.

    >>> UNet(1, 2, width=4, periodic=(True, True))(torch.zeros(3, 1, 16, 16)).shape
    torch.Size([3, 2, 16, 16])
    """

    agnostic: ClassVar[bool] = False
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int = 32,
        multipliers: Sequence[int] = (1, 2, 4),
        kernel: int = 3,
        periodic: Sequence[bool] = (False, False),
        activation: nn.Module | None = None,
        norm: bool = True,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        self.kernel, self.periodic, self.levels = kernel, tuple(periodic), len(multipliers)
        activation = activation or nn.GELU()
        widths = [width * multiplier for multiplier in multipliers]

        def double(before: int, after: int) -> nn.Sequential:
            layers: list[nn.Module] = []
            for channels in (before, after):
                convolution = Convolution(channels, after, kernel, self.periodic, bias=not norm)
                layers += [convolution, nn.GroupNorm(1, after) if norm else nn.Identity(), activation]
            return nn.Sequential(*layers)

        self.down = nn.ModuleList(double(a, b) for a, b in pairwise([inputs, *widths]))
        self.pool = nn.ModuleList(_POOLINGS[len(self.periodic)](2) for _ in widths[1:])
        self.expand = nn.ModuleList(EXPANSIONS[len(self.periodic)](b, a, 2, stride=2) for a, b in pairwise(widths))
        self.up = nn.ModuleList(double(2 * a, a) for a in widths[:-1])
        self.head = Convolution(widths[0], outputs, 1, self.periodic)

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        skips = []
        for block, pool in zip(self.down, self.pool, strict=False):
            skips.append(block(values))
            values = pool(skips[-1])
        values = self.down[-1](values)
        for skip, expand, block in reversed(list(zip(skips, self.expand, self.up, strict=True))):
            values = block(torch.cat([skip, expand(values)], dim=1))
        answer: Tensor = self.head(values)
        return answer

    def require(self, domain: Domain) -> None:
        super().require(domain)
        require_periodicity(self, domain, self.periodic)
        require_halvings(self, domain, self.levels, self.kernel)
