"""Linear maps and small networks on the channels at every point.

    linear:   v ↦ W v + b
    network:  v ↦ V₂ σ(V₁ v + c₁) + c₂

Functions have their channels beside the last axis, (batch, *all axes but the last, channels, last axis).
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.one_pass import differentiable_slopes, is_exact_gelu, suits, tracked


class ChannelLinear(nn.Module):
    """v ↦ W v + b, with the weights that convolutions of size 1 start with.

    >>> ChannelLinear(3, 5)(torch.zeros(2, 16, 3, 12)).shape
    torch.Size([2, 16, 5, 12])
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound)) if bias else None

    def forward(self, values: Float[Tensor, "batch *rows inputs last"]) -> Float[Tensor, "batch *rows outputs last"]:
        mixed = self.weight @ values
        return mixed if self.bias is None else mixed + self.bias.unsqueeze(-1)


class ChannelNetwork(nn.Module):
    """v ↦ V₂ σ(V₁ v + c₁) + c₂.

    Args:
        inputs, hidden, outputs: channels.
        activation: σ. With `nn.GELU()` and float32 on a CPU, hidden channels never exist in memory.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.first, self.second = ChannelLinear(inputs, hidden), ChannelLinear(hidden, outputs)
        self.activation = activation or nn.GELU()

    @property
    def weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """V₁, c₁, V₂, c₂."""
        assert self.first.bias is not None
        assert self.second.bias is not None
        return self.first.weight, self.first.bias, self.second.weight, self.second.bias

    def forward(self, values: Float[Tensor, "batch *rows inputs last"]) -> Float[Tensor, "batch *rows outputs last"]:
        weights = self.weights
        if is_exact_gelu(self.activation) and suits(values, *weights):
            tensors = [tensor.contiguous() for tensor in (values, *weights)]
            return _OnePass.apply(*tensors) if tracked(*tensors) else _in_one_pass(*tensors)
        return _plain(values, *weights, self.activation)


def _plain(
    values: Tensor, v1: Tensor, c1: Tensor, v2: Tensor, c2: Tensor, activation: nn.Module | None = None
) -> Tensor:
    """The same by PyTorch's operations."""
    hidden = v1 @ values + c1.unsqueeze(-1)
    hidden = nn.functional.gelu(hidden) if activation is None else activation(hidden)
    return v2 @ hidden + c2.unsqueeze(-1)


def _in_one_pass(values: Tensor, *weights: Tensor) -> Tensor:
    """The same by a kernel in which hidden channels do not leave the cache."""
    from fredholm.kernels import channel_network, team

    result = values.new_empty(*values.shape[:-2], weights[2].shape[0], values.shape[-1])
    team.run(channel_network.forward, _rows(values), weights, team.parts(1), _rows(result))
    return result


class _OnePass(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, *weights: Tensor) -> Tensor:
        ctx.save_for_backward(values, *weights)
        return _in_one_pass(values, *weights)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        from fredholm.kernels import channel_network, team

        values, *weights = ctx.saved_tensors
        if torch.is_grad_enabled():
            return differentiable_slopes(_plain, ctx.saved_tensors, slopes[0])
        slope, parts = slopes[0].contiguous(), team.parts(1)
        of_values = torch.empty_like(values if ctx.needs_input_grad[0] else values[:0])
        sums = tuple(weight.new_zeros(parts, *weight.shape) for weight in weights)
        arguments = tuple(weights), parts, _rows(slope), _rows(of_values), sums
        team.run(channel_network.backward, _rows(values), *arguments)
        return of_values if ctx.needs_input_grad[0] else None, *(total.sum(0) for total in sums)


def _rows(values: Tensor) -> Tensor:
    """As the kernel takes them, (samples, first axis, middle, channels, last axis), all samples as one."""
    return values.view(min(values.shape[0], 1), math.prod(values.shape[:-2]), 1, *values.shape[-2:])
