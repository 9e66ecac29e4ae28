"""Random media: positive coefficients a on the cells of a box, of two phases, log-normal, or with many scales.

Sources: Li et al., "Fourier neural operator for parametric partial differential equations", ICLR 2021, appendix A.3,
and He, Liu, Xu, "MgNO: efficient parameterization of linear operators via multigrid", ICLR 2024, for two phases; Zang,
Koutsourelakis, "DGenNO", J. Comput. Phys. 538 (2025), for two phases of contrast 2, smooth media and waves; Liu, Xu,
Zhang, "Mitigating spectral bias for the multiscale operator learning", J. Comput. Phys. 506 (2024), for many scales.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.grid import Grid
from fredholm.fields.random_fields import CellNeumannGaussianField


@dataclass(frozen=True)
class TwoPhase:
    """One value where a Gaussian field exceeds its mean, another elsewhere; half of the box each, nearly.

    Args:
        contrast: the value where it does, and where it does not.
        inverse_length: τ of the field's covariance (-Δ + τ²)^-α; the larger, the finer the phases.
        exponent: α > d / 2.

    >>> from fredholm.fields import Axis
    >>> square = Grid(Axis("x", 0.05, 0.95, 10), Axis("y", 0.05, 0.95, 10))
    >>> TwoPhase().sample(square, [torch.Generator().manual_seed(0)]).unique().tolist()
    [3.0, 12.0]
    """

    contrast: tuple[float, float] = (12.0, 3.0)
    inverse_length: float = 5.0
    exponent: float = 2.0
    kind: Literal["two_phase"] = "two_phase"

    def __post_init__(self) -> None:
        if not all(0 < value < math.inf for value in self.contrast):
            raise ValueError(f"both phases need a positive, finite coefficient, got {self.contrast}")
        if not (self.inverse_length > 0 and self.exponent > 1):
            raise ValueError(
                f"inverse length {self.inverse_length} must be positive and exponent {self.exponent} over 1"
            )

    def require_resolved(self, grid: Grid) -> None:
        """Nothing: phases have edges on every grid."""

    def sample(self, grid: Grid, generators: Sequence[torch.Generator]) -> Float[Tensor, "n *cells"]:
        """One medium for each generator, at the centres of cells."""
        field = CellNeumannGaussianField(grid, self.exponent, self.inverse_length).sample_each(generators)
        # without its mean, which has a third of the variance, each phase has about half of the box in every sample
        positive = field > field.flatten(1).mean(1).reshape(-1, *[1] * len(grid.shape))
        high, low = self.contrast
        return torch.where(positive, high, low).double()


@dataclass(frozen=True)
class LogNormal:
    """a = median · exp g with a Gaussian field g of mean zero and covariance proportional to (-Δ + 2ν / l²)^-(ν + d/2).

    Args:
        median: of a, everywhere.
        deviation: of g, on average over the box.
        correlation_length: l.
        smoothness: ν; g has derivatives of all orders below it.
        centred: whether each g has mean zero over the box, so that only what a varies by is random, not its size.
    """

    median: float = 1.0
    deviation: float = 0.5
    correlation_length: float = 0.2
    smoothness: float = 2.0
    centred: bool = False
    kind: Literal["log_normal"] = "log_normal"

    def __post_init__(self) -> None:
        if not (0 < self.median < math.inf and 0 < self.deviation < math.inf):
            raise ValueError(f"median {self.median} and deviation {self.deviation} must be positive and finite")
        if not (self.correlation_length > 0 and self.smoothness > 0):
            raise ValueError(
                f"correlation length {self.correlation_length} and smoothness {self.smoothness} must be positive"
            )

    def require_resolved(self, grid: Grid) -> None:
        """Raise ValueError for a grid with less than two points in a correlation length."""
        widest = max(axis.spacing for axis in grid.axes)
        if self.correlation_length < 2 * widest:
            raise ValueError(
                f"correlation length {self.correlation_length} is less than two of the grid's spacings, {widest:.4g}"
            )

    def sample(self, grid: Grid, generators: Sequence[torch.Generator]) -> Float[Tensor, "n *cells"]:
        """One medium for each generator, at the centres of cells."""
        exponent = self.smoothness + len(grid.axes) / 2
        inverse_length = math.sqrt(2 * self.smoothness) / self.correlation_length
        field = CellNeumannGaussianField.standard(grid, exponent, inverse_length)
        g = field.sample_each(generators)
        if self.centred:
            mean = g.flatten(1).mean(1).reshape(-1, *[1] * len(grid.shape))
            g = (g - mean) / math.sqrt(1 - field.variance_of_mean)
        return self.median * (self.deviation * g).exp()


@dataclass(frozen=True)
class Multiscale:
    """a = Π_{k=1..K} (1 + ½ cos(aₖ π (x + y))) (1 + ½ sin(aₖ π (y - 3 x))), aₖ uniform on [2ᵏ⁻¹, 1.5 · 2ᵏ⁻¹]; in 2-D.

    Args:
        levels: K.
    """

    levels: int = 4
    kind: Literal["multiscale"] = "multiscale"

    def __post_init__(self) -> None:
        if self.levels < 1:
            raise ValueError(f"a medium of several scales has 1 level or more, got {self.levels}")

    @property
    def shortest_wave(self) -> float:
        """Length along x of the shortest wave there may be."""
        return 2 / (3 * 1.5 * 2 ** (self.levels - 1))

    def require_resolved(self, grid: Grid) -> None:
        """Raise ValueError for a grid that is not of the plane, or has less than three points in the shortest wave."""
        if len(grid.axes) != 2:
            raise ValueError(f"this medium is made of waves in the plane, and the grid has {len(grid.axes)} axes")
        spacing = grid.axes[0].spacing
        if self.shortest_wave < 3 * spacing:
            raise ValueError(
                f"{self.levels} levels have waves of {self.shortest_wave:.4g}, less than three spacings of "
                f"{spacing:.4g}: take at least {math.ceil(3 / self.shortest_wave)} points, or fewer levels"
            )

    def sample(self, grid: Grid, generators: Sequence[torch.Generator]) -> Float[Tensor, "n *cells"]:
        """One medium for each generator, at the centres of cells."""
        x, y = grid.coordinates().T
        media = torch.ones(len(generators), grid.size, dtype=torch.float64)
        for medium, generator in zip(media, generators, strict=True):
            for k, share in enumerate(torch.rand(self.levels, generator=generator, dtype=torch.float64)):
                wave = math.pi * 2**k * (1 + 0.5 * share)
                medium *= (1 + 0.5 * torch.cos(wave * (x + y))) * (1 + 0.5 * torch.sin(wave * (y - 3 * x)))
        return media.unflatten(1, grid.shape)


@dataclass(frozen=True)
class PlaneWaves:
    """a = offset + sin(w₁ x) + cos(w₂ y), w₁ and w₂ uniform on an interval; in 2-D.

    Args:
        offset: over 2, so that a is positive.
        lowest: of both wave numbers.
        highest: of both.

    >>> from fredholm.fields import Axis
    >>> square = Grid(Axis("x", 0.05, 0.95, 10), Axis("y", 0.05, 0.95, 10))
    >>> bool((PlaneWaves().sample(square, [torch.Generator().manual_seed(0)]) >= 0.1).all())
    True
    """

    offset: float = 2.1
    lowest: float = 0.5 * math.pi
    highest: float = 2.0 * math.pi
    kind: Literal["plane_waves"] = "plane_waves"

    def __post_init__(self) -> None:
        if not (2 < self.offset < math.inf and 0 < self.lowest < self.highest < math.inf):
            raise ValueError(f"plane waves need an offset over 2 and wave numbers 0 < lowest < highest, got {self}")

    def require_resolved(self, grid: Grid) -> None:
        """Raise ValueError for a grid that is not of the plane, or has less than six points in the shortest wave."""
        if len(grid.axes) != 2:
            raise ValueError(f"this medium is made of waves in the plane, and the grid has {len(grid.axes)} axes")
        spacing = max(axis.spacing for axis in grid.axes)
        if 2 * math.pi / self.highest < 6 * spacing:
            raise ValueError(f"waves of number {self.highest:.4g} have less than six points of spacing {spacing:.4g}")

    def sample(self, grid: Grid, generators: Sequence[torch.Generator]) -> Float[Tensor, "n *cells"]:
        """One medium for each generator, at the centres of cells."""
        x, y = grid.coordinates().T
        share = torch.stack([torch.rand(2, generator=one, dtype=torch.float64) for one in generators])
        waves = self.lowest + (self.highest - self.lowest) * share
        return (self.offset + torch.sin(waves[:, :1] * x) + torch.cos(waves[:, 1:] * y)).unflatten(1, grid.shape)


Medium = TwoPhase | LogNormal | Multiscale | PlaneWaves
