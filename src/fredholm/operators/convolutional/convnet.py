"""Residual convolutional network on one grid.

    v₀ = P u,    v ↦ v + C(σ(N(C(σ(N(v)))))),    G(u) = Q v_L

P and Q are matrices on the channels, C convolutions of k pixels, N the group norm over all channels. Its receptive
field is L (k - 1) pixels, hence shrinks as the grid is refined: it is another map on every grid.

Source: He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", 2016, with group norms.
"""

from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.layers.convolution import Convolution
from fredholm.operators.grid_fit import require_halvings, require_periodicity
from fredholm.operators.grid_network import GridNetwork


class ConvNet(GridNetwork):
    """Residual network of pixel convolutions, in one, two or three dimensions.

    Args:
        inputs, outputs: channels.
        width: channels inside.
        layers: number of residual blocks, of two convolutions each.
        kernel: of the convolutions, in pixels, odd.
        periodic: for each axis, whether it closes on itself.
        activation: σ.

    >>> import torch
    >>> ConvNet(1, 2, width=4, layers=2)(torch.zeros(3, 1, 9, 9)).shape
    torch.Size([3, 2, 9, 9])
    """

    agnostic: ClassVar[bool] = False
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int = 32,
        layers: int = 4,
        kernel: int = 3,
        periodic: Sequence[bool] = (False, False),
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs, self.kernel, self.periodic = inputs, outputs, kernel, tuple(periodic)
        activation = activation or nn.GELU()
        self.lift, self.head = Convolution(inputs, width, 1, periodic), Convolution(width, outputs, 1, periodic)

        def half() -> list[nn.Module]:
            return [nn.GroupNorm(1, width), activation, Convolution(width, width, kernel, periodic)]

        self.blocks = nn.ModuleList(nn.Sequential(*half(), *half()) for _ in range(layers))

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        values = self.lift(values)
        for block in self.blocks:
            values = values + block(values)
        answer: Tensor = self.head(values)
        return answer

    def require(self, domain: Domain) -> None:
        super().require(domain)
        require_periodicity(self, domain, self.periodic)
        require_halvings(self, domain, 1, self.kernel)
