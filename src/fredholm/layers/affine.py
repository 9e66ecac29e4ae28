"""Affine maps with their activation in one pass over memory, one layer or a chain of them.

    y = σ(x Wᵀ + b),    ∂L/∂W = (σ'(y) ∘ g)ᵀ x,    ∂L/∂x = (σ'(y) ∘ g) W,    g = ∂L/∂y

Layer by layer PyTorch multiplies, adds the activation in a second pass and keeps what both made. Where σ' is a function
of y, as for ReLU and tanh, nothing but y need be kept, and oneDNN makes y in one pass. A chain of layers goes back in
one piece too, so that gradients between its layers are changed in place.

All derivatives can be differentiated again. Everything else (other devices and precisions, small matrices, autocast,
compiled and exported graphs, transforms of `torch.func`) takes the plain way, with the same answers up to rounding.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.onednn import NOTHING, Fused, activated, fused, multiplies, observed, outer, times, worthwhile

_PRODUCTS = 1 << 23  # multiplications of a chain: below, a call costs more than it saves


def affine(
    x: Float[Tensor, "*batch inputs"],
    weight: Float[Tensor, "outputs inputs"],
    bias: Float[Tensor, " outputs"] | None = None,
    activation: nn.Module | None = None,
) -> Float[Tensor, "*batch outputs"]:
    """σ(x Wᵀ + b), without b or σ where they are not given; differentiable any number of times.

    >>> affine(torch.ones(1, 2), torch.eye(2), torch.tensor([1.0, -3.0]), nn.ReLU()).tolist()
    [[2.0, 0.0]]
    """
    if torch.compiler.is_compiling() or not (worthwhile(x, weight) and multiplies(x, weight)):
        y = nn.functional.linear(x, weight, bias)
        return y if activation is None else activation(y)
    known = NOTHING if activation is None else fused(activation)
    y = _Affine.apply(x.reshape(-1, x.shape[-1]), weight, bias, known or NOTHING)
    y = y if x.ndim == 2 else y.reshape(*x.shape[:-1], -1)
    return y if activation is None or known is not None else activation(y)


def applied(layer: nn.Module, x: Tensor, activation: nn.Module | None = None) -> Tensor:
    """activation(layer(x)); by `affine`, if `layer` is linear, was not replaced and nobody listens to it."""
    if type(layer) is nn.Linear and not observed(layer):
        return affine(x, layer.weight, layer.bias, activation)
    y: Tensor = layer(x)
    return y if activation is None else activation(y)


def chained(layers: Sequence[nn.Module], x: Tensor, activations: Sequence[nn.Module]) -> Tensor:
    """Layers with their activations, one after the other; in one piece where `affine` would compute each of them.

    A gradient in x is differentiated layer by layer, as derivatives of a network in its coordinates need it.
    """
    plain = torch.compiler.is_compiling() or (x.requires_grad and torch.is_grad_enabled())
    parts = None if plain else _plain_parts(layers, x, activations)
    if parts is None:
        for layer, activation in zip(layers, activations, strict=True):
            x = applied(layer, x, activation)
        return x
    y: Tensor = _Chain.apply(x.reshape(-1, x.shape[-1]), *parts)
    return y if x.ndim == 2 else y.reshape(*x.shape[:-1], -1)


def _plain_parts(layers: Sequence[nn.Module], x: Tensor, activations: Sequence[nn.Module]) -> tuple[Any, ...] | None:
    """Fused activations, then weight and bias of every layer; None if one of them is not plain, or not worth it."""
    known: list[Fused] = []
    parameters: list[Tensor] = []
    for layer, activation in zip(layers, activations, strict=True):
        how = fused(activation)
        if how is None or type(layer) is not nn.Linear or layer.bias is None or observed(layer):
            return None
        known.append(how)
        parameters += [layer.weight, layer.bias]
    first = parameters[0]
    products = x.numel() // max(x.shape[-1], 1) * sum(weight.numel() for weight in parameters[::2])
    alike = all(p.dtype == first.dtype and p.device == first.device for p in parameters)
    return (tuple(known), *parameters) if products >= _PRODUCTS and alike and multiplies(x, first) else None


class _Affine(torch.autograd.Function):
    """σ(x Wᵀ + b) of a matrix x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, activation: Fused) -> Tensor:
        y = activated(x, weight, bias, activation)
        ctx.save_for_backward(x, weight, y)
        ctx.activation = activation
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y = ctx.saved_tensors
        for_x, for_weight, for_bias, _ = ctx.needs_input_grad
        g = ctx.activation.pull_back(gradients[0], y)
        if torch.is_grad_enabled():  # the gradient will be differentiated
            to_x, to_weight = (affine(g, weight.T) if for_x else None), (affine(g.T, x.T) if for_weight else None)
        else:
            to_x, to_weight = (times(g, weight.T) if for_x else None), (outer(g, x) if for_weight else None)
        return to_x, to_weight, g.sum(0) if for_bias else None, None


class _Chain(torch.autograd.Function):
    """hₗ = σₗ(Wₗ hₗ₋₁ + bₗ) at rows of points h₀, and its gradient in all Wₗ, bₗ by backpropagation."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, activations: tuple[Fused, ...], *parameters: Tensor) -> Tensor:
        made = [x]
        for i, activation in enumerate(activations):
            made.append(activated(made[-1], parameters[2 * i], parameters[2 * i + 1], activation))
        ctx.save_for_backward(*made, *parameters)
        ctx.activations = activations
        return made[-1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        activations, saved = ctx.activations, ctx.saved_tensors
        made, parameters = saved[: len(activations) + 1], saved[len(activations) + 1 :]
        if torch.is_grad_enabled():  # the gradient will be differentiated
            return None, None, *_differentiable(made[0], activations, parameters, gradients[0])
        needed = ctx.needs_input_grad[2:]
        lowest = min(i for i, needs in enumerate(needed) if needs) // 2
        found: list[Tensor | None] = [None] * len(parameters)
        g = activations[-1].pull_back(gradients[0], made[-1])
        for i in range(len(activations) - 1, lowest - 1, -1):
            if needed[2 * i]:
                found[2 * i] = outer(g, made[i])
            if needed[2 * i + 1]:
                found[2 * i + 1] = g.sum(0)
            if i > lowest:
                g = activations[i - 1].pull_back_in_place(times(g, parameters[2 * i].T), made[i])
        return None, None, *found


def _differentiable(
    x: Tensor, activations: tuple[Fused, ...], parameters: Sequence[Tensor], g: Tensor
) -> list[Tensor | None]:
    """The gradient of the chain by PyTorch, as a function of weights and g."""
    y = x
    for i, activation in enumerate(activations):
        y = activation.module(nn.functional.linear(y, parameters[2 * i], parameters[2 * i + 1]))
    wanted = [parameter for parameter in parameters if parameter.requires_grad]
    found = iter(torch.autograd.grad(y, wanted, g, create_graph=True))
    return [next(found) if parameter.requires_grad else None for parameter in parameters]
