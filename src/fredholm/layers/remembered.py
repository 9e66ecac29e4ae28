"""A value computed from parameters, kept for as long as the parameters hold the numbers that it was computed from."""

from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor


class Remembered:
    """The last value of one function of parameters, for answers that no gradient is asked of.

    Numbers are compared, not versions of tensors: not every optimiser counts what it overwrites.

    >>> squared, weight = Remembered(), torch.ones(2)
    >>> squared("w²", [weight], lambda: weight**2), squared("w²", [weight], lambda: weight * torch.nan)
    (tensor([1., 1.]), tensor([1., 1.]))
    """

    def __init__(self) -> None:
        self._kept: tuple[Hashable, list[Tensor], Tensor] | None = None

    def __call__(self, key: Hashable, parameters: Sequence[Tensor], compute: Callable[[], Tensor]) -> Tensor:
        """compute(), or what it gave before for this key and these numbers."""
        kept = self._kept  # read once: another thread may replace it
        if kept is not None and kept[0] == key and all(_same(*pair) for pair in zip(kept[1], parameters, strict=True)):
            return kept[2]
        with torch.no_grad():
            value = compute()
            self._kept = key, [parameter.clone() for parameter in parameters], value
        return value

    def __deepcopy__(self, memo: object) -> "Remembered":
        return Remembered()


def _same(first: Tensor, second: Tensor) -> bool:
    return first.device == second.device and first.dtype == second.dtype and torch.equal(first, second)
