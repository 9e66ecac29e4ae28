"""Single-precision matrix products by oneDNN, which PyTorch carries for convolutions and for its compiler.

    σ(x Wᵀ + b)      one pass: the activation is applied before the result leaves the cache
    gᵀ x             of rows as they lie in memory

PyTorch multiplies float32 matrices by its BLAS. oneDNN generates the product for the processor at hand, with the full
width of its vectors whoever made it, which a BLAS tuned by one maker leaves unused on another's. Nothing here records a
gradient; `fredholm.layers.affine` does.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

Linear = Callable[[Tensor, Tensor, Tensor | None, str, list[Any], str], Tensor]

_VALUES, _PRODUCTS = 1 << 15, 1 << 22  # of the result, and multiplications: below, a call costs more than it saves
_IMAGES, _FEW = 16, 16
_PLAIN = (Tensor, nn.Parameter)


class Fused(NamedTuple):
    """An activation σ that oneDNN applies: its name there, and g ↦ σ'(y) ∘ g as a function of g and y = σ(z)."""

    module: nn.Module
    name: str
    in_place: Callable[[Tensor], Tensor]
    pull_back: Callable[[Tensor, Tensor], Tensor]
    pull_back_in_place: Callable[[Tensor, Tensor], Tensor]


_ATEN = torch.ops.aten
NOTHING = Fused(nn.Identity(), "none", lambda z: z, lambda g, y: g, lambda g, y: g)
_FUSED: dict[type[nn.Module], Fused] = {
    nn.Identity: NOTHING,
    nn.ReLU: Fused(
        nn.ReLU(),
        "relu",
        torch.relu_,
        lambda g, y: _ATEN.threshold_backward.default(g, y, 0),
        lambda g, y: _ATEN.threshold_backward.grad_input(g, y, 0, grad_input=g),
    ),
    nn.Tanh: Fused(
        nn.Tanh(),
        "tanh",
        torch.tanh_,
        lambda g, y: _ATEN.tanh_backward.default(g, y),
        lambda g, y: _ATEN.tanh_backward.grad_input(g, y, grad_input=g),
    ),
}


def fused(activation: nn.Module) -> Fused | None:
    """How oneDNN applies it; None if it does not, or if hooks wait for its calls."""
    return None if observed(activation) else _FUSED.get(type(activation))


def observed(module: nn.Module) -> bool:
    """Whether hooks wait for calls of the module."""
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )


def worthwhile(x: Tensor, weight: Tensor) -> bool:
    """Whether σ(x Wᵀ + b) is worth more than a call."""
    outputs, inputs = weight.shape
    values = x.numel() // max(inputs, 1) * outputs
    return min(outputs, inputs) > 1 and (values >= _VALUES or values * inputs >= _PRODUCTS)


def multiplies(x: Tensor, weight: Tensor) -> bool:
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
        and _linear() is not None
    )


def activated(x: Tensor, weight: Tensor, bias: Tensor | None, activation: Fused) -> Tensor:
    """σ(x Wᵀ + b) of matrices that `multiplies`; small ones by PyTorch, which is the faster to call."""
    if worthwhile(x, weight):
        linear = _linear()
        assert linear is not None
        if not (weight.is_contiguous() or weight.T.is_contiguous()):
            weight = weight.contiguous()  # for a part of a larger matrix oneDNN has but its reference code
        return linear(x, weight, None if bias is None else bias.contiguous(), activation.name, [], "")
    return activation.in_place(x @ weight.T if bias is None else torch.addmm(bias, x, weight.T))


def times(a: Tensor, b: Tensor) -> Tensor:
    """The product a bᵀ."""
    return activated(a, b, None, NOTHING)


def outer(g: Tensor, x: Tensor) -> Tensor:
    """The product gᵀ x, which sums over rows.

    For many rows it is computed as the gradient of a convolution by kernels of one pixel, for which oneDNN reads rows
    as they lie; as a product it would transpose them first.
    """
    rows, outputs, inputs = len(x), g.shape[1], x.shape[1]
    if inputs < _FEW:
        return (x.T @ g).T
    if rows < outputs or rows * outputs * inputs < _PRODUCTS:
        return times(g.T, x.T)
    images = rows // _IMAGES
    cut = _IMAGES * images
    of_x, of_g = (m[:cut].unflatten(0, (_IMAGES, images)).unsqueeze(1).permute(0, 3, 1, 2) for m in (x, g))
    gradients = _ATEN.convolution_backward.default(
        of_g,
        of_x,
        x.new_empty(outputs, inputs, 1, 1),
        [0],
        [1, 1],
        [0, 0],
        [1, 1],
        False,
        [0, 0],
        1,
        [False, True, False],
    )
    product: Tensor = gradients[1].flatten(1)
    return product if cut == rows else product.addmm_(g[cut:].T, x[cut:])


@cache
def _linear() -> Linear | None:
    """PyTorch's door to oneDNN for dense matrices; None where it is shut, or leads elsewhere than it does today."""
    x, weight, bias = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -4.0]]), torch.tensor([0.5])
    try:
        linear: Linear = torch.ops.mkldnn._linear_pointwise.default
        with torch.inference_mode():
            answers = [float(linear(x, weight, b, name, [], "")) for b, name in ((None, "none"), (bias, "relu"))]
    except (AttributeError, RuntimeError, TypeError):
        return None
    return linear if answers == [-5.0, 0.0] else None
