"""Masks as inputs: numbers that are one in the part where an equation holds and zero outside it."""

from jaxtyping import Bool
from torch import Tensor

from fredholm.errors import SignatureError


def inside_of(mask: Tensor) -> Bool[Tensor, "*shape"]:
    """Where an input `mask` is one; raises SignatureError if it is anything but zero elsewhere.

    >>> import torch
    >>> inside_of(torch.tensor([1.0, 0.0])).tolist()
    [True, False]
    """
    odd = ~((mask == 0) | (mask == 1))
    if bool(odd.any()):
        raise SignatureError(f"input 'mask' holds {float(mask[odd][0]):g}; it must be 1 inside and 0 outside")
    return mask == 1
