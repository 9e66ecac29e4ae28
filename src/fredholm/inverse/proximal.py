"""Proximal operators: what a regulariser does to a point, as one object that algorithms take.

    f(y) = prox_R(y) = argmin_x R(x) + ‖x - y‖² / 2

`value(y, x)` is R(x) for x = f(y), where that is known: then algorithms can state the objective that they lower.

Source: Parikh, Boyd, "Proximal algorithms", 2014.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


class ProximalOperator(ABC):
    """prox_R of some regulariser R."""

    @abstractmethod
    def __call__(self, y: Float[Tensor, "*batch_and_shape"]) -> Float[Tensor, "*batch_and_shape"]:
        """f(y)."""

    def value(
        self, y: Float[Tensor, "*batch_and_shape"], x: Float[Tensor, "*batch_and_shape"], axes: int
    ) -> Float[Tensor, "*batch"] | None:
        """R(x) for x = f(y), over the last `axes` axes; None, where it is not known."""
        return None


class SoftThreshold(ProximalOperator):
    """prox of R(x) = w ‖x‖₁: f(y) = sign(y) max(|y| - w, 0).

    >>> SoftThreshold(1.0)(torch.tensor([-3.0, 0.5, 2.0])).tolist()
    [-2.0, 0.0, 1.0]
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def __call__(self, y: Float[Tensor, "*batch_and_shape"]) -> Float[Tensor, "*batch_and_shape"]:
        return torch.nn.functional.softshrink(y, self.weight)

    def value(
        self, y: Float[Tensor, "*batch_and_shape"], x: Float[Tensor, "*batch_and_shape"], axes: int
    ) -> Float[Tensor, "*batch"] | None:
        return self.weight * x.abs().flatten(x.ndim - axes).sum(-1)


class Shrinkage(ProximalOperator):
    """prox of R(x) = w ‖x - centre‖² / 2: f(y) = (y + w centre) / (1 + w).

    >>> Shrinkage(1.0)(torch.tensor([4.0])).tolist()
    [2.0]
    """

    def __init__(self, weight: float, centre: Tensor | float = 0.0) -> None:
        self.weight, self.centre = weight, centre

    def __call__(self, y: Float[Tensor, "*batch_and_shape"]) -> Float[Tensor, "*batch_and_shape"]:
        return (y + self.weight * self.centre) / (1 + self.weight)

    def value(
        self, y: Float[Tensor, "*batch_and_shape"], x: Float[Tensor, "*batch_and_shape"], axes: int
    ) -> Float[Tensor, "*batch"] | None:
        return self.weight / 2 * (x - self.centre).square().flatten(x.ndim - axes).sum(-1)


class Denoiser(ProximalOperator):
    """Any function in place of a proximal operator: it need not be one, and then nothing is known of convergence.

    >>> Denoiser(torch.tanh)(torch.zeros(2)).tolist()
    [0.0, 0.0]
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def __call__(self, y: Float[Tensor, "*batch_and_shape"]) -> Float[Tensor, "*batch_and_shape"]:
        return self.function(y)
