"""Constant matrices of networks, such as a discrete Fourier transform: made once, kept for every precision and device.

A matrix that depends on nothing but a grid's size is no weight. It is made in float64 by a pure function, rounded once
to the precision of the values it meets, and is the same constant in eager, compiled and exported graphs.
"""

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import unset_fake_temporarily

Number = int | float | bool


def constant(function: Callable[..., np.ndarray]) -> Callable[..., Tensor]:
    """Decorate a pure function of numbers that answers an array, so that it answers a tensor `like` another one.

    The decorated function takes one more argument, `like`: a tensor whose precision and device the answer has. Do not
    write to the answer: all calls share it.

    >>> @constant
    ... def ramp(size: int) -> np.ndarray:
    ...     return np.arange(size) / size
    >>> ramp(4, like=torch.zeros(1, dtype=torch.float64))
    tensor([0.0000, 0.2500, 0.5000, 0.7500], dtype=torch.float64)
    """
    made: dict[tuple[Any, ...], Tensor] = {}

    @torch.compiler.assume_constant_result
    def look_up(dtype: torch.dtype, device: torch.device, *arguments: Number) -> Tensor:
        key = (arguments, dtype, device)
        if key not in made:
            # a tensor made while a graph is traced would belong to the trace, one made under inference to no gradient,
            # and one made inside a transform of `torch.func` to the transform
            with unset_fake_temporarily(), torch.inference_mode(False), torch._C._DisableFuncTorch():
                made[key] = torch.from_numpy(np.ascontiguousarray(function(*arguments))).to(device, dtype)
            # what `torch._dynamo.mark_static` does, without loading the compiler: a constant's sizes are constants too
            made[key]._dynamo_static_indices = set(range(made[key].ndim))  # type: ignore[attr-defined]
        return made[key]

    @functools.wraps(function)
    def answer(*arguments: Number, like: Tensor) -> Tensor:
        # index() makes a number of a symbolic size, for which alone the constant holds
        plain = [a if isinstance(a, float | bool) else operator.index(a) for a in arguments]
        return look_up(like.dtype, like.device, *plain)

    return answer
