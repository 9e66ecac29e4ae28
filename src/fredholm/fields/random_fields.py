"""Gaussian random fields: the functions that operators are trained and tested on.

Each field is white noise times the square root of a covariance, in the basis that diagonalises it on its domain:
Fourier modes on periodic boxes, cosines under Neumann conditions, a Cholesky factor for kernels on an interval. One
sample is one generator's noise, so that sample i does not depend on how many are drawn with it. Computed in float64.

Sources: Li et al. 2021, "Fourier neural operator" (the covariance σ² (-Δ + τ²)^-α); Lu et al. 2021 (the Gaussian
kernel).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.grid import Axis, Grid


@dataclass(frozen=True)
class RBFGaussianField:
    """Zero-mean functions on [0, 1] with covariance k(x, x') = exp(-|x - x'|² / (2 l²)).

    Drawn on a fine grid and interpolated by cubic splines, so that one noise is one function wherever it is evaluated.
    Raises OutsideDomainError for points beyond the interval, where splines say nothing.

    >>> field = RBFGaussianField(0.2)
    >>> field.sample(3, torch.Generator().manual_seed(0), torch.linspace(0, 1, 5)).shape
    torch.Size([3, 5])
    """

    length: float
    resolution: int = 1000

    def __post_init__(self) -> None:
        if not self.length > 0:
            raise ValueError(f"correlation length must be positive, got {self.length}")
        if not self.length * (self.resolution - 1) >= 2:
            raise ValueError(
                f"correlation length {self.length} is less than two spacings of {self.resolution} points: "
                f"take a resolution of at least {math.ceil(2 / self.length) + 1}"
            )

    def sample(self, n: int, generator: torch.Generator, points: Float[Tensor, " m"]) -> Float[Tensor, "n m"]:
        """`n` functions at points of [0, 1]."""
        return self._evaluate(torch.randn(n, self.resolution, generator=generator, dtype=torch.float64), points)

    def sample_each(self, generators: Sequence[torch.Generator], points: Float[Tensor, " m"]) -> Float[Tensor, "n m"]:
        """One function for each generator, at points of [0, 1]."""
        noise = [torch.randn(self.resolution, generator=g, dtype=torch.float64) for g in generators]
        return self._evaluate(torch.stack(noise), points)

    def covariance(self, points: Float[Tensor, " m"]) -> Float[Tensor, "m m"]:
        """k(xᵢ, xⱼ)."""
        x = points.double()
        return torch.exp(-((x[:, None] - x) ** 2) / (2 * self.length**2))

    @cached_property
    def _factor(self) -> Float[Tensor, "n n"]:
        grid = torch.linspace(0, 1, self.resolution, dtype=torch.float64)
        # the kernel's eigenvalues fall below rounding, so the factorisation needs a jitter, and float64
        return torch.linalg.cholesky(self.covariance(grid) + 1e-13 * torch.eye(self.resolution, dtype=torch.float64))

    def _evaluate(self, noise: Tensor, points: Tensor) -> Tensor:
        from scipy.interpolate import CubicSpline

        unit = Grid(Axis("x", 0.0, 1.0, self.resolution))
        unit.require_contains(points[:, None])
        grid = torch.linspace(0, 1, self.resolution, dtype=torch.float64)
        # each row by itself: a product of all rows at once would round differently for every number of them
        values = torch.stack([self._factor @ row for row in noise])
        return torch.from_numpy(CubicSpline(grid.numpy(), values.numpy(), axis=1)(points.double().numpy()))


class SpectralGaussianField(ABC):
    """Zero-mean fields on a grid with covariance operator σ² (-Δ + τ²)^-α, by its eigenfunctions.

    Args:
        grid: where; its boundary conditions are the subclass's.
        exponent: α; fields are smoother the larger it is, and α > d / 2 for finite variance.
        inverse_length: τ.
        scale: σ.
    """

    def __init__(self, grid: Grid, exponent: float, inverse_length: float, scale: float = 1.0) -> None:
        if exponent <= len(grid.axes) / 2:
            raise ValueError(
                f"exponent {exponent} in {len(grid.axes)}-D gives infinite variance: take over {len(grid.axes) / 2}"
            )
        if not (inverse_length > 0 and scale > 0):
            raise ValueError(f"inverse length {inverse_length} and scale {scale} must be positive")
        if grid.mask is not None:
            raise ValueError("a spectral field lives on a whole box: draw on the grid without its mask, then apply it")
        self._require(grid)
        self.grid, self.exponent, self.inverse_length, self.scale = grid, exponent, inverse_length, scale

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n *shape"]:
        """`n` fields on the grid."""
        return self._transform(torch.randn(n, *self.grid.shape, generator=generator, dtype=torch.float64))

    def sample_each(self, generators: Sequence[torch.Generator]) -> Float[Tensor, "n *shape"]:
        """One field for each generator."""
        # each by itself: a product of all at once would round differently for every number of them
        shape = (1, *self.grid.shape)
        noise = [torch.randn(shape, generator=g, dtype=torch.float64) for g in generators]
        return torch.cat([self._transform(one) for one in noise])

    def covariance(self) -> Float[Tensor, "size size"]:
        """Covariance of the field's values at the grid's points, in closed form."""
        unit = torch.eye(self.grid.size, dtype=torch.float64).reshape(-1, *self.grid.shape)
        root = self._transform(unit).flatten(1)
        return root.T @ root

    def _transform(self, noise: Tensor) -> Tensor:
        """White noise times the square root of the covariance: Q diag(√λ) noise, Q the orthonormal eigenvectors."""
        values = noise * self._spectrum().sqrt()
        for dim, (axis, basis) in enumerate(zip(self.grid.axes, self._bases(), strict=True), start=1):
            values = torch.tensordot(values, basis / math.sqrt(axis.spacing), dims=([dim], [1])).movedim(-1, dim)
        return values

    def _spectrum(self) -> Tensor:
        """Eigenvalues σ² (Σ κ² + τ²)^-α on the grid of wave numbers."""
        total = torch.full(self.grid.shape, self.inverse_length**2, dtype=torch.float64)
        for dim, axis in enumerate(self.grid.axes):
            shape = [1] * len(self.grid.shape)
            shape[dim] = -1
            total = total + self._wave_numbers(axis).square().reshape(shape)
        return self.scale**2 * total ** (-self.exponent)

    @abstractmethod
    def _require(self, grid: Grid) -> None:
        """Raise ValueError for a grid with other boundary conditions."""

    @abstractmethod
    def _wave_numbers(self, axis: Axis) -> Float[Tensor, " n"]:
        """Wave numbers κ of the eigenfunctions along an axis."""

    @abstractmethod
    def _bases(self) -> list[Tensor]:
        """For each axis, its eigenvectors as the columns of an orthogonal matrix."""


class PeriodicGaussianField(SpectralGaussianField):
    """On a periodic box: real Fourier modes.

    >>> grid = Grid(Axis("x", 0.0, 1.0, 16, periodic=True))
    >>> PeriodicGaussianField(grid, exponent=2.0, inverse_length=3.0).sample(2, torch.Generator().manual_seed(0)).shape
    torch.Size([2, 16])
    """

    def _require(self, grid: Grid) -> None:
        if open_axes := [axis.name for axis in grid.axes if not axis.periodic]:
            raise ValueError(f"axis {open_axes[0]!r} is not periodic: use NeumannGaussianField, or a periodic axis")

    def _wave_numbers(self, axis: Axis) -> Float[Tensor, " n"]:
        order = (torch.arange(axis.size) + 1) // 2  # 0, 1, 1, 2, 2, ...
        return 2 * math.pi * order.double() / (axis.upper - axis.lower)

    def _bases(self) -> list[Tensor]:
        return [_real_fourier(axis.size) for axis in self.grid.axes]


class NeumannGaussianField(SpectralGaussianField):
    """On a box with ∂u/∂n = 0: cosines, sampled at the grid's points, the first and the last of them on the walls."""

    def _require(self, grid: Grid) -> None:
        if periodic := [axis.name for axis in grid.axes if axis.periodic]:
            raise ValueError(f"axis {periodic[0]!r} is periodic: use PeriodicGaussianField")

    def _wave_numbers(self, axis: Axis) -> Float[Tensor, " n"]:
        return math.pi * torch.arange(axis.size, dtype=torch.float64) / (axis.upper - axis.lower)

    def _bases(self) -> list[Tensor]:
        return [_cosines(axis.size) for axis in self.grid.axes]


class CellNeumannGaussianField(SpectralGaussianField):
    """On a box with ∂u/∂n = 0: cosines, sampled at the centres of its cells.

    The grid's points are the centres: the box reaches half a spacing beyond the first and the last of them.
    """

    @classmethod
    def standard(cls, grid: Grid, exponent: float, inverse_length: float) -> "CellNeumannGaussianField":
        """With the scale that makes the deviation one, on average over the box.

        >>> square = Grid(Axis("x", 0.25, 0.75, 2), Axis("y", 0.25, 0.75, 2))
        >>> field = CellNeumannGaussianField.standard(square, exponent=2.0, inverse_length=3.0)
        >>> round(float(field.covariance().diagonal().mean()), 12)
        1.0
        """
        plain = cls(grid, exponent, inverse_length)
        volume = math.prod(axis.size * axis.spacing for axis in grid.axes)
        return cls(grid, exponent, inverse_length, scale=math.sqrt(volume / float(plain._spectrum().sum())))

    @property
    def variance_of_mean(self) -> float:
        """Variance of the field's mean over the box: that of its constant mode."""
        volume = math.prod(axis.size * axis.spacing for axis in self.grid.axes)
        return float(self._spectrum().flatten()[0]) / volume

    def _require(self, grid: Grid) -> None:
        if periodic := [axis.name for axis in grid.axes if axis.periodic]:
            raise ValueError(f"axis {periodic[0]!r} is periodic: use PeriodicGaussianField")

    def _wave_numbers(self, axis: Axis) -> Float[Tensor, " n"]:
        return math.pi * torch.arange(axis.size, dtype=torch.float64) / (axis.size * axis.spacing)

    def _bases(self) -> list[Tensor]:
        return [_cell_cosines(axis.size) for axis in self.grid.axes]


def _real_fourier(size: int) -> Float[Tensor, "n n"]:
    """Orthogonal matrix of 1, cos x, sin x, cos 2x, ... on `size` equidistant points of a period."""
    x = 2 * math.pi * torch.arange(size, dtype=torch.float64) / size
    order = (torch.arange(size) + 1) // 2
    phase = math.pi / 2 * (torch.arange(size) % 2 == 0).double()  # sin = cos shifted; order 0 is set below
    modes = torch.cos(order * x[:, None] - phase)
    modes[:, 0] = 1.0
    return modes / modes.norm(dim=0)


def _cosines(size: int) -> Float[Tensor, "n n"]:
    """Columns cos(π k i / (n - 1)), normalised to ∫ cos² = 1 by the trapezoidal rule (DCT-I)."""
    i = torch.arange(size, dtype=torch.float64)
    modes = torch.cos(math.pi * i[:, None] * i / (size - 1))
    weights = torch.ones(size, dtype=torch.float64)
    weights[0] = weights[-1] = 0.5
    return modes / (weights[:, None] * modes.square()).sum(0).sqrt()


def _cell_cosines(size: int) -> Float[Tensor, "n n"]:
    """Orthogonal matrix with columns cos(π k (i + ½) / n), normalised (DCT-II)."""
    i = torch.arange(size, dtype=torch.float64)
    modes = torch.cos(math.pi * (i[:, None] + 0.5) * i / size)
    return modes / modes.norm(dim=0)
