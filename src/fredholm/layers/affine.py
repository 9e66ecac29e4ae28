"""Affine maps with their activation in one pass over memory.

    y = σ(x Wᵀ + b),    ∂L/∂W = (σ'(y) ∘ g)ᵀ x,    ∂L/∂x = (σ'(y) ∘ g) W,    g = ∂L/∂y

Layer by layer PyTorch multiplies float32 matrices by its BLAS, adds the activation in a second pass and keeps what both
made. oneDNN, which PyTorch carries for convolutions and for its compiler, generates the product for the processor at
hand (the full width of its vectors whoever made it) and applies σ before the result leaves the cache. Where σ' is a
function of y, as for ReLU and tanh, nothing but y need be kept. Gradients are products of the same kind, so that they
can be differentiated again.

Everything else (other devices and precisions, small matrices, autocast, compiled and exported graphs, transforms of
`torch.func`) takes the plain way, with the same answers up to rounding.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

Linear = Callable[[Tensor, Tensor, Tensor | None, str, list[Any], str], Tensor]

_VALUES, _PRODUCTS = 1 << 15, 1 << 22  # of the result, and multiplications: below, a call costs more than it saves


class _Fused(NamedTuple):
    """An activation that oneDNN applies, and g ↦ σ'(y) ∘ g as a function of g and of y = σ(z)."""

    name: str
    pull_back: Callable[[Tensor, Tensor], Tensor]


_PLAIN = (Tensor, nn.Parameter)
_NONE = _Fused("none", lambda g, y: g)
_FUSED: dict[type[nn.Module], _Fused] = {
    nn.Identity: _NONE,
    nn.ReLU: _Fused("relu", lambda g, y: torch.ops.aten.threshold_backward(g, y, 0)),
    nn.Tanh: _Fused("tanh", lambda g, y: torch.ops.aten.tanh_backward(g, y)),
}


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
    if torch.compiler.is_compiling() or not (_large(x, weight) and _alone(x, weight)):
        y = nn.functional.linear(x, weight, bias)
        return y if activation is None else activation(y)
    fused = _NONE if activation is None else _fused(activation)
    y = _Affine.apply(x.reshape(-1, x.shape[-1]), weight, bias, fused or _NONE)
    y = y if x.ndim == 2 else y.reshape(*x.shape[:-1], -1)
    return y if activation is None or fused is not None else activation(y)


def applied(layer: nn.Module, x: Tensor, activation: nn.Module | None = None) -> Tensor:
    """activation(layer(x)); by `affine`, if `layer` is linear, was not replaced and nobody listens to it."""
    if type(layer) is nn.Linear and not _observed(layer):
        return affine(x, layer.weight, layer.bias, activation)
    y: Tensor = layer(x)
    return y if activation is None else activation(y)


class _Affine(torch.autograd.Function):
    """σ(x Wᵀ + b) of a matrix x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, activation: _Fused) -> Tensor:
        linear = _onednn()
        assert linear is not None  # `_alone` asked
        y = linear(x, weight, None if bias is None else bias.contiguous(), activation.name, [], "")
        ctx.save_for_backward(x, weight, y)
        ctx.activation = activation
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y = ctx.saved_tensors
        for_x, for_weight, for_bias, _ = ctx.needs_input_grad
        times = affine if torch.is_grad_enabled() else _times  # the former, if the gradient will be differentiated
        g = ctx.activation.pull_back(gradients[0], y)
        for_outer = None
        if for_weight:  # gᵀ x: a product of few rows is the faster one
            for_outer = times(x.T, g.T).T if x.shape[1] < g.shape[1] else times(g.T, x.T)
        return times(g, weight.T) if for_x else None, for_outer, g.sum(0) if for_bias else None, None


def _times(a: Tensor, b: Tensor) -> Tensor:
    """The product a bᵀ of what `_Affine` was given, without a gradient."""
    linear = _onednn()
    return linear(a, b, None, "none", [], "") if linear is not None and _large(a, b) else a @ b.T


def _large(x: Tensor, weight: Tensor) -> bool:
    """Whether σ(x Wᵀ + b) is worth more than a call."""
    outputs, inputs = weight.shape
    values = x.numel() // max(inputs, 1) * outputs
    return values >= _VALUES or values * inputs >= _PRODUCTS


def _alone(x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN can multiply these, and nothing goes on that it would not see."""
    return (
        x.dtype == weight.dtype == torch.float32
        and x.is_cpu
        and weight.is_cpu
        and type(x) in _PLAIN
        and type(weight) in _PLAIN
        and not torch.is_autocast_enabled("cpu")
        and not torch._C._are_functorch_transforms_active()
        and torch.autograd.forward_ad._current_level < 0
        and not is_in_torch_dispatch_mode()
        and _onednn() is not None
    )


def _fused(activation: nn.Module) -> _Fused | None:
    return None if _observed(activation) else _FUSED.get(type(activation))


def _observed(module: nn.Module) -> bool:
    """Whether hooks wait for calls of the module."""
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )


@cache
def _onednn() -> Linear | None:
    """PyTorch's door to oneDNN for dense matrices; None where it is shut, or leads elsewhere than it does today."""
    x, weight, bias = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -4.0]]), torch.tensor([0.5])
    try:
        linear: Linear = torch.ops.mkldnn._linear_pointwise.default
        with torch.inference_mode():
            answers = [float(linear(x, weight, b, name, [], "")) for b, name in ((None, "none"), (bias, "relu"))]
    except (AttributeError, RuntimeError, TypeError):
        return None
    return linear if answers == [-5.0, 0.0] else None
