"""Noise on observations, as small objects: (clean values, generator) ↦ noisy values."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import InverseProblemError


@runtime_checkable
class Noise(Protocol):
    """What makes noisy observations of clean ones."""

    def __call__(self, clean: Float[Tensor, "*shape"], generator: torch.Generator) -> Float[Tensor, "*shape"]:
        """A draw."""


@dataclass(frozen=True)
class GaussianNoise:
    """y + std · N(0, 1), independent in every entry; `std` is a standard deviation, in the units of y.

    >>> GaussianNoise(0.0)(torch.ones(2), torch.Generator()).tolist()
    [1.0, 1.0]
    """

    std: float

    def __post_init__(self) -> None:
        if not self.std >= 0:
            raise InverseProblemError(f"the standard deviation of noise is not negative, got {self.std:g}")

    def __call__(self, clean: Float[Tensor, "*shape"], generator: torch.Generator) -> Float[Tensor, "*shape"]:
        return clean + self.std * torch.randn(clean.shape, generator=generator, dtype=clean.dtype)


@dataclass(frozen=True)
class PoissonNoise:
    """Counts of light: Poisson(peak · y) / peak, of mean y and variance y / peak; y below zero counts as zero.

    >>> bool((PoissonNoise(1e6)(torch.ones(4), torch.Generator().manual_seed(0)) - 1).abs().max() < 0.01)
    True
    """

    peak: float

    def __post_init__(self) -> None:
        if not self.peak > 0:
            raise InverseProblemError(f"the peak of Poisson noise, in counts, is positive, got {self.peak:g}")

    def __call__(self, clean: Float[Tensor, "*shape"], generator: torch.Generator) -> Float[Tensor, "*shape"]:
        return torch.poisson(clean.clamp_min(0) * self.peak, generator) / self.peak
