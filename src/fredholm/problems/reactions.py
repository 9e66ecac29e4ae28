"""Forms of a growth law R(u) with R(0) = 0, each random, and all of them quartic polynomials.

    R(u) = c₁ u + c₂ u² + c₃ u³ + c₄ u⁴

u = 0 is the state without, u = 1 the saturated one. What a form draws of the rate a (and of b) is uniform on the
intervals it is given. The exponential of Zeldovich and Frank-Kamenetskii is replaced by its Taylor polynomial
of degree two in u, so that it is quartic too, and so that the coefficients say all there is to know of R.

Source: Kumar, Goswami, Kontolati, Shields, Karniadakis, "Synergistic learning with multi-task DeepONet for efficient
PDE problem solving", Neural Networks 184 (2025), for the families and their expansion.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Interval = tuple[float, float]
_RATES = (0.5, 5.0)


@dataclass(frozen=True)
class FisherGrowth:
    """a u (1 - u), logistic.

    >>> FisherGrowth(rate=(2.0, 2.0)).coefficients(torch.Generator()).tolist()
    [2.0, -2.0, 0.0, 0.0]
    """

    rate: Interval = _RATES
    kind: Literal["fisher"] = "fisher"

    def __post_init__(self) -> None:
        _require("rate", self.rate)

    def coefficients(self, generator: torch.Generator) -> Float[Tensor, " 4"]:
        """c₁, ..., c₄ of a random law of this form."""
        return _uniform(self.rate, generator) * torch.tensor([1.0, -1.0, 0.0, 0.0], dtype=torch.float64)


@dataclass(frozen=True)
class NewellWhiteheadGrowth:
    """a u (1 - u²)."""

    rate: Interval = _RATES
    kind: Literal["newell_whitehead"] = "newell_whitehead"

    def __post_init__(self) -> None:
        _require("rate", self.rate)

    def coefficients(self, generator: torch.Generator) -> Float[Tensor, " 4"]:
        """c₁, ..., c₄ of a random law of this form."""
        return _uniform(self.rate, generator) * torch.tensor([1.0, 0.0, -1.0, 0.0], dtype=torch.float64)


@dataclass(frozen=True)
class FlameGrowth:
    """a u (1 - u) e⁻ᵇ (1 + b u + b² u² / 2), the law a u (1 - u) exp(-b (1 - u)) of flames to fourth order in u.

    The larger b, the more it waits for u to be near 1.
    """

    rate: Interval = _RATES
    steepness: Interval = (0.5, 2.0)
    kind: Literal["flame"] = "flame"

    def __post_init__(self) -> None:
        _require("rate", self.rate)
        _require("steepness", self.steepness)

    def coefficients(self, generator: torch.Generator) -> Float[Tensor, " 4"]:
        """c₁, ..., c₄ of a random law of this form."""
        a, b = _uniform(self.rate, generator), _uniform(self.steepness, generator)
        expansion = [1.0, b - 1, b * (b / 2 - 1), -(b**2) / 2]
        return a * math.exp(-b) * torch.tensor(expansion, dtype=torch.float64)


@dataclass(frozen=True)
class ZeldovichGrowth:
    """a u² (1 - u): none without a finite seed."""

    rate: Interval = _RATES
    kind: Literal["zeldovich"] = "zeldovich"

    def __post_init__(self) -> None:
        _require("rate", self.rate)

    def coefficients(self, generator: torch.Generator) -> Float[Tensor, " 4"]:
        """c₁, ..., c₄ of a random law of this form."""
        return _uniform(self.rate, generator) * torch.tensor([0.0, 1.0, -1.0, 0.0], dtype=torch.float64)


Growth = FisherGrowth | NewellWhiteheadGrowth | FlameGrowth | ZeldovichGrowth


def _uniform(interval: Interval, generator: torch.Generator) -> float:
    lower, upper = interval
    return lower + (upper - lower) * float(torch.rand((), generator=generator, dtype=torch.float64))


def _require(what: str, interval: Interval) -> None:
    if not 0 <= interval[0] <= interval[1] < math.inf:
        raise ValueError(f"the {what} of a growth law lies between two numbers 0 <= lower <= upper, got {interval}")
