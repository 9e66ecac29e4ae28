"""One block of a Fourier neural operator.

    h = σ(K v + W v),        v ↦ σ(V₂ σ(V₁ h + c₁) + c₂ + g ∘ v)

K is a spectral convolution, W a matrix on the channels, g a gate a channel; the last block of a network has no outer σ.
With a norm N, K v becomes N₁(K v), and the argument of the outer σ that of N₂.

Sources: Li et al. 2021, "Fourier neural operator for parametric partial differential equations"; the channel network
and the gate from Kossaifi, Kovachki, Azizzadenesheli, Anandkumar 2023, "Multi-grid tensorized Fourier neural operator
for high-resolution PDEs".
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.channel_network import ChannelLinear, ChannelNetwork
from fredholm.layers.channel_norms import Norm
from fredholm.layers.one_pass import is_exact_gelu, suits
from fredholm.layers.spectral_convolution import SpectralConvolution
from fredholm.layers.spectral_weights import WeightFormat
from fredholm.operators.fourier import one_pass_block


class FourierBlock(nn.Module):
    """Spectral convolution beside a linear map, then a channel network beside a gate.

    Args:
        width: channels.
        modes: frequencies kept along every axis.
        weights: format of the spectral weights.
        last: whether this is a network's last block.
        norm: N, if any.
    """

    def __init__(
        self,
        width: int,
        modes: Sequence[int],
        weights: WeightFormat | None = None,
        last: bool = False,
        norm: Norm | None = None,
    ) -> None:
        super().__init__()
        self.last = last
        self.convolution = SpectralConvolution(width, width, modes, weights)
        self.skip = ChannelLinear(width, width, bias=False)
        self.network = ChannelNetwork(width, round(width * 0.5), width)
        self.gate = nn.Parameter(torch.ones(width))
        self.activation = nn.GELU()
        self.norms = None if norm is None else nn.ModuleList([norm.module(width), norm.module(width)])

    def forward(self, values: Float[Tensor, "batch *rows width last"]) -> Float[Tensor, "batch *rows width last"]:
        basis = self.convolution.basis((*values.shape[1:-2], values.shape[-1]))
        pointwise = self.convolution.bias, self.skip.weight, *self.network.weights, self.gate
        if self.norms is None and is_exact_gelu(self.activation) and suits(values, *pointwise):
            opened, values = one_pass_block.opened(basis, values)
            mixed = self.convolution.weights(basis.joined(opened), basis.windows)
            return one_pass_block.closed(basis, values, mixed, pointwise, self.last)
        mixed = self.convolution.weights(basis.joined(basis.opened(values)), basis.windows)
        spectral = basis.closed(basis.parted(mixed)) + self.convolution.bias.unsqueeze(-1)
        hidden = (spectral if self.norms is None else self.norms[0](spectral)) + self.skip(values)
        hidden = hidden if self.last else self.activation(hidden)
        result = self.network(hidden) + self.gate.unsqueeze(-1) * values
        result = result if self.norms is None else self.norms[1](result)
        return result if self.last else self.activation(result)
