"""Periodic functions on a line by their Fourier modes below two thirds of the Nyquist number.

On n points of [0, L) these are the modes 2π j / L with j < n / 3. Products of two functions made of them are free of
aliases there, so that the semi-discrete form of a quadratic equation keeps what the equation keeps.

Source: Orszag, "On the elimination of aliasing in finite-difference schemes by filtering high-wavenumber components",
J. Atmos. Sci. 28 (1971).
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Complex, Float
from torch import Tensor


@dataclass(frozen=True)
class FourierLine:
    """N points of the periodic interval [0, L).

    Args:
        points: n.
        extent: L.

    >>> line = FourierLine(8, 2 * math.pi)
    >>> line.wave_numbers
    tensor([0., 1., 2.], dtype=torch.float64)
    """

    points: int
    extent: float

    def __post_init__(self) -> None:
        if self.points < 4:
            raise ValueError(f"a line needs at least 4 points, got {self.points}")
        if not 0 < self.extent < math.inf:
            raise ValueError(f"a line has a positive, finite extent, got {self.extent}")

    @cached_property
    def wave_numbers(self) -> Float[Tensor, " m"]:
        """2π j / L of the modes kept, j = 0, ..., m - 1."""
        return 2 * math.pi / self.extent * torch.arange((self.points + 2) // 3, dtype=torch.float64)

    def coefficients(self, values: Float[Tensor, "*b n"]) -> Complex[Tensor, "*b m"]:
        """Coefficients of the modes kept, of values at the points."""
        return torch.fft.rfft(values)[..., : len(self.wave_numbers)]

    def values(self, coefficients: Complex[Tensor, "*b m"]) -> Float[Tensor, "*b n"]:
        """Values at the points, of coefficients."""
        return torch.fft.irfft(coefficients, n=self.points)
