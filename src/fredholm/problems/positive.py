"""The demand that a coefficient of an elliptic equation be positive."""

from torch import Tensor

from fredholm.errors import SignatureError


def require_positive(name: str, values: Tensor) -> None:
    """Raise SignatureError naming the first sample of an input (n, ...) that is not positive everywhere.

    >>> import torch
    >>> require_positive("coefficient", torch.ones(2, 1, 8))
    """
    low = (values <= 0).flatten(1).any(1)
    if bool(low.any()):
        sample = int(low.int().argmax())
        least = float(values[sample].min())
        raise SignatureError(f"input {name!r} of sample {sample} reaches {least:g}; it must be positive")
