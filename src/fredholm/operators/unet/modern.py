"""The modern U-Net: residual blocks normalised in front, strided convolutions down, transposed ones up.

    block:  x ↦ P x + C(σ(N(C(σ(N(x))))))

N is the group norm over all channels, C a convolution, P one of a single pixel, or the identity.

Every block of the way down, the lifting and every strided convolution leave a skip, which one block of the way up
takes.

Source: Gupta, Brandstetter, "Towards multi-spatiotemporal-scale generalized PDE modeling", TMLR 2023, without
attention.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.layers.convolution import Convolution, Expansion
from fredholm.operators.grid_fit import require_halvings, require_periodicity
from fredholm.operators.grid_network import GridNetwork


class ModernUNet(GridNetwork):
    """Residual U-Net in one, two or three dimensions.

    Args:
        inputs, outputs: channels.
        width: channels of the finest level.
        multipliers: channels of each level in those of the one before; a level halves the grid of the one before.
        kernel: size of the blocks' convolutions in pixels, odd.
        blocks: residual blocks a level on the way down; one more on the way up.
        periodic: for each axis, whether it closes on itself.
        activation: σ.

    >>> ModernUNet(1, 2, width=4, multipliers=(1, 2), blocks=1)(torch.zeros(3, 1, 16, 16)).shape
    torch.Size([3, 2, 16, 16])
    """

    agnostic: ClassVar[bool] = False
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int = 32,
        multipliers: Sequence[int] = (1, 2, 2, 2),
        kernel: int = 3,
        blocks: int = 2,
        periodic: Sequence[bool] = (False, False),
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        self.kernel, self.periodic, self.levels = kernel, tuple(periodic), len(multipliers)
        activation = activation or nn.GELU()

        def block(before: int, after: int) -> nn.Module:
            return _Residual(before, after, kernel, self.periodic, activation)

        self.lift = Convolution(inputs, width, kernel, self.periodic)
        self.down, self.up, self.expand = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for level, multiplier in enumerate(multipliers):
            if level:
                self.down.append(Convolution(width, width, 3, self.periodic, stride=2))
            for _ in range(blocks):
                self.down.append(block(width, multiplier * width))
                width, multiplier = multiplier * width, 1
        self.middle = nn.Sequential(block(width, width), block(width, width))
        for level, multiplier in reversed(list(enumerate(multipliers))):
            merging = [block(2 * width, width) for _ in range(blocks)]
            self.up.append(nn.ModuleList([*merging, block(width + width // multiplier, width // multiplier)]))
            width //= multiplier
            self.expand.append(Expansion(width, width, self.periodic) if level else nn.Identity())
        self.head = nn.Sequential(
            nn.GroupNorm(1, width), activation, Convolution(width, outputs, kernel, self.periodic)
        )

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        values = self.lift(values)
        skips = [values]
        for layer in self.down:
            values = layer(values)
            skips.append(values)
        values = self.middle(values)
        for merging, expand in zip(self.up, self.expand, strict=True):
            assert isinstance(merging, nn.ModuleList)
            for layer in merging:
                values = layer(torch.cat([values, skips.pop()], dim=1))
            values = expand(values)
        answer: Tensor = self.head(values)
        return answer

    def require(self, domain: Domain) -> None:
        super().require(domain)
        require_periodicity(self, domain, self.periodic)
        require_halvings(self, domain, self.levels, self.kernel)


class _Residual(nn.Module):
    def __init__(self, before: int, after: int, kernel: int, periodic: Sequence[bool], activation: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.GroupNorm(1, before),
            activation,
            Convolution(before, after, kernel, periodic),
            nn.GroupNorm(1, after),
            activation,
            Convolution(after, after, kernel, periodic),
        )
        self.shortcut = nn.Identity() if before == after else Convolution(before, after, 1, periodic)

    def forward(self, values: Tensor) -> Tensor:
        total: Tensor = self.shortcut(values) + self.inner(values)
        return total
