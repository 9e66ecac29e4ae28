"""When a layer may leave PyTorch's operations for compiled loops, and its derivatives when it has.

The loops see numbers, not operations: a compiler, a tracer or a transform that looks on would see nothing of them. They
are for float32 on CPUs, and count in sixteens.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

LANES = 16


def suits(*tensors: Tensor) -> bool:
    """Whether the loops can take these, and nothing looks on."""
    return (
        not overseen()
        and not torch.is_autocast_enabled("cpu")
        and all(
            t.dtype == torch.float32 and t.is_cpu and t.numel() > 0 and type(t) in (Tensor, nn.Parameter)
            for t in tensors
        )
    )


def overseen() -> bool:
    """Whether a compiler, a tracer, a transform of `torch.func` or a mode must see every operation."""
    return (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()
        or torch._C._are_functorch_transforms_active()
        or torch.autograd.forward_ad._current_level >= 0
        or is_in_torch_dispatch_mode()
    )


def tracked(*tensors: Tensor) -> bool:
    """Whether a gradient with respect to one of these may be asked for."""
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


def padded(matrix: np.ndarray) -> np.ndarray:
    """As the loops take constants: float32, every row filled with zeros to a multiple of 16."""
    return np.ascontiguousarray(np.pad(matrix, ((0, 0), (0, -matrix.shape[1] % LANES))), dtype=np.float32)


def is_exact_gelu(activation: nn.Module) -> bool:
    """Whether this is the activation that the loops have."""
    return type(activation) is nn.GELU and activation.approximate == "none"


def differentiable_slopes(
    function: Callable[..., Tensor], inputs: Sequence[Tensor], slope: Tensor
) -> tuple[Tensor | None, ...]:
    """Slopes of a function of `function(*inputs)` by PyTorch's operations, to be differentiated again.

    `slope` is that with respect to the result; inputs that need none get None.
    """
    wanted = [i for i, tensor in enumerate(inputs) if tensor.requires_grad]
    result = function(*inputs)
    found = torch.autograd.grad(result, [inputs[i] for i in wanted], slope, create_graph=True, allow_unused=True)
    slopes: list[Tensor | None] = [None] * len(inputs)
    for i, gradient in zip(wanted, found, strict=True):
        slopes[i] = gradient
    return tuple(slopes)
