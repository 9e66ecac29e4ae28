"""Neural operators of local kernels: integrals over balls, derivatives and spectral convolutions in every block.

    v₀ = P(u),    h = σ(W v + Σᵢ Kᵢ v),    v ↦ σ(V₂ σ(V₁ h + c₁) + c₂ + g ∘ v),    G(u) = Q(v_L)

With spectral convolutions alone it is the Fourier neural operator; local integrals and derivatives add what its few
modes do not resolve. Without them it is the convolutional network between functions.

Source: Liu-Schiaffini, Berner, Bonev, Kurth, Azizzadenesheli, Anandkumar, "Neural operators with localized integral
and differential kernels", 2024.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.layers.channel_network import ChannelLinear, ChannelNetwork
from fredholm.layers.extent import Extent
from fredholm.layers.kernel_operators import KernelOperator
from fredholm.layers.local_integral import LocalIntegralConvolution
from fredholm.operators.grid_fit import require_extent
from fredholm.operators.grid_network import GridNetwork


class LocalNO(GridNetwork):
    """Network of kernel operators on grids in one, two or three dimensions.

    Args:
        inputs, outputs: channels.
        extent: the box.
        blocks: for every block, the kinds of its kernel operators.
        width: channels inside.

    >>> from fredholm.layers.kernel_operators import Differential, LocalIntegral
    >>> torus = Extent([1.0, 1.0], [True, True])
    >>> LocalNO(1, 1, torus, [[LocalIntegral(0.2)], [Differential()]], width=8)(torch.zeros(3, 1, 16, 16)).shape
    torch.Size([3, 1, 16, 16])
    """

    agnostic: ClassVar[bool] = True
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(
        self, inputs: int, outputs: int, extent: Extent, blocks: Sequence[Sequence[KernelOperator]], width: int = 32
    ) -> None:
        super().__init__()
        self.inputs, self.outputs, self.extent = inputs, outputs, extent
        self.lifting = ChannelNetwork(inputs, 2 * width, width)
        last = len(blocks) - 1
        self.blocks = nn.ModuleList(_Block(width, extent, kinds, i == last) for i, kinds in enumerate(blocks))
        self.projection = ChannelNetwork(width, 2 * width, outputs)

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        shape = values.shape[2:]
        hidden: Tensor = self.lifting(values.flatten(2)).unflatten(2, shape)
        for block in self.blocks:
            hidden = block(hidden)
        answer: Tensor = self.projection(hidden.flatten(2)).unflatten(2, shape)
        return answer

    def require(self, domain: Domain) -> None:
        super().require(domain)
        require_extent(self, domain, self.extent)
        for layer in self.modules():
            if isinstance(layer, LocalIntegralConvolution):
                layer.require(domain.shape)


class _Block(nn.Module):
    """Kernel operators beside a matrix, then a channel network beside a gate; the last has no outer σ."""

    def __init__(self, width: int, extent: Extent, kinds: Sequence[KernelOperator], last: bool) -> None:
        super().__init__()
        self.last = last
        self.kernels = nn.ModuleList(kind.layer(width, width, extent) for kind in kinds)
        self.skip = ChannelLinear(width, width)
        self.network = ChannelNetwork(width, max(1, width // 2), width)
        self.gate = nn.Parameter(torch.ones(width))

    def forward(self, values: Float[Tensor, "batch width *shape"]) -> Float[Tensor, "batch width *shape"]:
        shape = values.shape[2:]
        hidden: Tensor = self.skip(values.flatten(2)).unflatten(2, shape)
        for kernel in self.kernels:
            hidden = hidden + kernel(values)
        hidden = hidden if self.last else nn.functional.gelu(hidden)
        mixed: Tensor = self.network(hidden.flatten(2)).unflatten(2, shape)
        mixed = mixed + self.gate.reshape(-1, *[1] * len(shape)) * values
        return mixed if self.last else nn.functional.gelu(mixed)
