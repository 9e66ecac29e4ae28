"""The Fourier neural operator: lift, blocks of spectral convolutions, project.

    v₀ = P(u),    vₗ₊₁ = block(vₗ),    G(u) = Q(v_L)

where P and Q are two-layer networks on the channels at each point. Coordinates are channels of u, if anything.

Sources: Li et al. 2021, "Fourier neural operator for parametric partial differential equations"; the block with a
channel network and gates from Kossaifi, Kovachki, Azizzadenesheli, Anandkumar 2023, "Multi-grid tensorized Fourier
neural operator for high-resolution PDEs".
"""

from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.channel_network import ChannelNetwork
from fredholm.layers.channel_norms import Norm
from fredholm.layers.spectral_weights import WeightFormat
from fredholm.operators.fourier.block import FourierBlock
from fredholm.operators.grid_network import GridNetwork


class FNO(GridNetwork):
    """Fourier neural operator on grids in one, two or three dimensions.

    Args:
        inputs, outputs: channels.
        modes: frequencies kept along every axis, positive and negative together.
        width: channels inside.
        layers: number of blocks.
        weights: format of the spectral weights; `Dense()` if not given.
        norm: norm in every block; none if not given.

    >>> import torch
    >>> FNO(3, 1, modes=(8, 8), width=16, layers=2)(torch.zeros(5, 3, 32, 32)).shape
    torch.Size([5, 1, 32, 32])
    """

    agnostic: ClassVar[bool] = True
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(
        self,
        inputs: int,
        outputs: int,
        modes: Sequence[int],
        width: int = 32,
        layers: int = 4,
        weights: WeightFormat | None = None,
        norm: Norm | None = None,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        self.lifting = ChannelNetwork(inputs, 2 * width, width)
        self.blocks = nn.ModuleList(
            FourierBlock(width, modes, weights, last=layer == layers - 1, norm=norm) for layer in range(layers)
        )
        self.projection = ChannelNetwork(width, 2 * width, outputs)

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        hidden: Tensor = self.lifting(values.movedim(1, -2))  # from here on channels are beside the last axis
        for block in self.blocks:
            hidden = block(hidden)
        return self.projection(hidden).movedim(-2, 1)
