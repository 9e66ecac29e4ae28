"""Weights of neuraloperator's FNO and TFNO, copied into ours."""

import torch
from torch import Tensor, nn

from fredholm.layers.channel_network import ChannelNetwork
from fredholm.layers.complex_products import pairs_of
from fredholm.layers.factorised_weights import TuckerWeights
from fredholm.layers.spectral_weights import DenseWeights, SpectralWeights
from fredholm.operators.fourier import FNO


@torch.no_grad()
def copied(peer: nn.Module, fno: FNO) -> FNO:
    """Ours, with the weights of a peer of the same size that embeds no coordinates."""
    _copy_network(peer.lifting, fno.lifting)
    _copy_network(peer.projection, fno.projection)
    theirs = peer.fno_blocks
    for i, block in enumerate(fno.blocks):
        _copy_spectral(theirs.convs[i].weight, block.convolution.weights)
        block.convolution.bias.copy_(theirs.convs[i].bias.flatten())
        block.skip.weight.copy_(theirs.fno_skips[i].conv.weight.squeeze(-1))
        _copy_network(theirs.channel_mlp[i], block.network)
        block.gate.copy_(theirs.channel_mlp_skips[i].weight.flatten())
    return fno


def _copy_network(theirs: nn.Module, ours: ChannelNetwork) -> None:
    for layer, linear in zip((ours.first, ours.second), theirs.fcs, strict=True):
        layer.weight.copy_(linear.weight.squeeze(-1))
        layer.bias.copy_(linear.bias)


def _copy_spectral(theirs: nn.Module, ours: SpectralWeights) -> None:
    if isinstance(ours, DenseWeights):
        ours.weight.copy_(_mode_first(theirs.to_tensor()))
        return
    assert isinstance(ours, TuckerWeights)
    inputs, outputs, *modes = theirs.factors
    ours.core.copy_(_mode_first(theirs.core))
    ours.input_factor.copy_(pairs_of(inputs))
    for parameter, factor in zip([ours.output_factor, *ours.mode_factors], [outputs, *modes], strict=True):
        parameter.copy_(pairs_of(factor.T))


def _mode_first(tensor: Tensor) -> Tensor:
    """Complex (inputs, outputs, *modes) to real (*modes, inputs, 2, outputs)."""
    return pairs_of(tensor.movedim((0, 1), (-2, -1)))
