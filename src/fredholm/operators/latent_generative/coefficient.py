"""What a decoded function says of an input: a positive field by its logarithm, or the probability of a phase.

    positive    log a ~ N(log median + f(x; β), τ²)
    phases      a(x) = high with probability σ(f(x; β)), else low, independently at each x

A phase is drawn as a binary-concrete variable, σ(f + ε) with logistic noise ε, which has a gradient in β. The published
form averages n draws of ε inside the sigmoid, which sharpens nothing and lowers the noise; n = 1 is the distribution.

Sources: Zang, Koutsourelakis, "DGenNO", J. Comput. Phys. 538 (2025); Maddison, Mnih, Teh, "The concrete distribution: a
continuous relaxation of discrete random variables", 2017.
"""

import math
from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.layers.architecture import Described


class CoefficientLaw(nn.Module, Described, ABC):
    """The law of an input's values, given a decoded function f."""

    @abstractmethod
    def require(self, values: Tensor) -> None:
        """Raise SignatureError for values that have no probability under this law."""

    @abstractmethod
    def mismatch(self, decoded: Float[Tensor, "batch m"], values: Float[Tensor, "batch m"]) -> Float[Tensor, ""]:
        """What training makes small: -log of the values' probability, up to scale and constant."""

    @abstractmethod
    def mean(self, decoded: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        """Values to expect."""

    @abstractmethod
    def variance(self, decoded: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        """Variance of the values at each point, f given."""

    def fit(self, decoded: Float[Tensor, "batch m"], values: Float[Tensor, "batch m"]) -> None:
        """Take what the law has to learn, such as τ, from decoded training inputs."""

    def noise(self, shape: tuple[int, ...], generator: torch.Generator) -> Float[Tensor, "*shape"] | None:
        """What a draw of a discrete law is made with; None where the law is continuous."""
        return None

    def relaxed(
        self, decoded: Float[Tensor, "*batch m"], noise: Float[Tensor, "*shape"] | None = None
    ) -> Float[Tensor, "*batch m"]:
        """Values to put into an equation, with a gradient; a draw, where the law is discrete and noise is given."""
        return self.mean(decoded)

    def probability(self, decoded: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"] | None:
        """Probability of the higher phase; None where there are no phases."""
        return None


class PositiveLaw(CoefficientLaw):
    """A = median · exp f up to an error τ of log a, the same everywhere and learnt in training.

    Args:
        median: where f = 0, in units of a.

    >>> PositiveLaw(2.0).mean(torch.zeros(1, 1)).item()
    2.0
    """

    deviation: Tensor

    def __init__(self, median: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("deviation", torch.zeros(()))
        if not 0 < median < math.inf:
            raise ValueError(f"the median of a positive field must be positive and finite, got {median}")
        self.median = median

    def require(self, values: Tensor) -> None:
        if not bool((values > 0).all()):
            raise SignatureError(f"a positive field has the value {float(values.min()):.4g}: give values over 0")

    def mismatch(self, decoded: Float[Tensor, "batch m"], values: Float[Tensor, "batch m"]) -> Float[Tensor, ""]:
        return (decoded - (values / self.median).log()).square().mean()

    def mean(self, decoded: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        return self.median * decoded.exp()

    def variance(self, decoded: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        return self.mean(decoded).square() * self.deviation.square().expm1()

    def fit(self, decoded: Float[Tensor, "batch m"], values: Float[Tensor, "batch m"]) -> None:
        self.deviation.copy_(self.mismatch(decoded, values).sqrt())


class PhaseLaw(CoefficientLaw):
    """One of two values at each point.

    Args:
        low: value of the one phase.
        high: value of the other, of which σ(f) is the probability.
        averaged: n, draws of the noise that are averaged inside the sigmoid.
    """

    def __init__(self, low: float, high: float, averaged: int = 1) -> None:
        super().__init__()
        if not low < high:
            raise ValueError(f"the lower phase {low} must be below the higher, {high}")
        if averaged < 1:
            raise ValueError(f"noise is averaged over 1 draw or more, got {averaged}")
        self.low, self.high, self.averaged = low, high, averaged

    def require(self, values: Tensor) -> None:
        tolerance = 1e-4 * (self.high - self.low)
        foreign = ((values - self.low).abs() > tolerance) & ((values - self.high).abs() > tolerance)
        if bool(foreign.any()):
            raise SignatureError(
                f"a medium of the phases {self.low:g} and {self.high:g} has the value "
                f"{float(values[foreign][0]):.4g}: give the phases that it has"
            )

    def mismatch(self, decoded: Float[Tensor, "batch m"], values: Float[Tensor, "batch m"]) -> Float[Tensor, ""]:
        share = (values - self.low) / (self.high - self.low)
        return nn.functional.binary_cross_entropy_with_logits(decoded, share)

    def mean(self, decoded: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        return self.low + (self.high - self.low) * decoded.sigmoid()

    def variance(self, decoded: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        p = decoded.sigmoid()
        return (self.high - self.low) ** 2 * p * (1 - p)

    def noise(self, shape: tuple[int, ...], generator: torch.Generator) -> Float[Tensor, "*shape"]:
        share = torch.rand(self.averaged, *shape, generator=generator, dtype=torch.float64)
        return share.clamp(1e-6, 1 - 1e-6).logit().mean(0)

    def relaxed(
        self, decoded: Float[Tensor, "*batch m"], noise: Float[Tensor, "*shape"] | None = None
    ) -> Float[Tensor, "*batch m"]:
        return self.mean(decoded if noise is None else decoded + noise.to(decoded))

    def probability(self, decoded: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch m"]:
        return decoded.sigmoid()
