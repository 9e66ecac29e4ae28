"""Kinds of latitude circles: where they lie and what they weigh, for any number of them.

A network that means the same on all grids of the sphere gets no grid but the kind of its latitudes; the numbers of
latitudes and longitudes it reads from its input, and takes its tables of Legendre functions from here.

    analysis   A_m = G_m⁻¹ P_m W,  G_m = P_m W P_mᵀ          synthesis   S_m = P_mᵀ

P_m holds the Legendre functions of order m at the latitudes, W the quadrature weights. Where the quadrature is exact
G is the identity and A the integral against spherical harmonics. Where it is not, as for degrees above half the number
of equiangular latitudes, A projects on the harmonics in the inner product of the quadrature: A S = 1 all the same.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.sphere_grid import SphereGrid
from fredholm.layers.architecture import Described
from fredholm.layers.constants import constant

Rule = tuple[np.ndarray, np.ndarray]


def legendre(sines: np.ndarray, degrees: int) -> np.ndarray:
    """Normalised associated Legendre functions (order, degree, point), zero where the order exceeds the degree.

        Y_lm(φ, λ) = P_lm(sin φ) exp(imλ)   are orthonormal on the sphere; P_lm ≥ 0 near sin φ = 1

    By the recurrence in the degree at fixed order, which is stable and needs no factorials (Holmes and Featherstone,
    "A unified approach to the Clenshaw summation and the recursive computation of very high degree and order
    normalised associated Legendre functions", Journal of Geodesy 76, 2002).

    >>> legendre(np.array([0.5]), 2).round(4).tolist()
    [[[0.2821], [0.2443]], [[0.0], [0.2992]]]
    """
    table = np.zeros((degrees, degrees, len(sines)))
    table[0, 0] = np.sqrt(1 / (4 * np.pi))
    cosines = np.sqrt(1 - sines**2)
    for m in range(1, degrees):
        table[m, m] = np.sqrt((2 * m + 1) / (2 * m)) * cosines * table[m - 1, m - 1]
    for l in range(1, degrees):  # noqa: E741
        orders = np.arange(l)[:, None]
        factor = np.sqrt((4 * l**2 - 1) / (l**2 - orders**2))
        table[:l, l] = factor * sines * table[:l, l - 1]
        if l > 1:
            before = np.sqrt(np.maximum((l - 1) ** 2 - orders**2, 0) / (4 * (l - 1) ** 2 - 1))
            table[:l, l] -= factor * before * table[:l, l - 2]
    return table


@dataclass(frozen=True)
class _Tables:
    """Constants of one kind of latitudes, made from a rule(count, *numbers) for latitudes and weights."""

    weights: Callable[..., Tensor]
    analysis: Callable[..., Tensor]
    synthesis: Callable[..., Tensor]

    @classmethod
    def of(cls, rule: Callable[..., Rule]) -> "_Tables":
        def weights(count: int, *numbers: float) -> np.ndarray:
            return rule(count, *numbers)[1] / 2

        def analysis(degrees: int, count: int, *numbers: float) -> np.ndarray:
            latitudes, weights = rule(count, *numbers)
            functions = legendre(np.sin(latitudes), degrees)
            table = np.zeros((degrees, degrees, count))
            for m, rows in enumerate(functions):
                weighted = 2 * np.pi * rows[m:] * weights
                table[m, m:] = np.linalg.solve(weighted @ rows[m:].T, weighted)
            return _signed(table)

        def synthesis(degrees: int, count: int, *numbers: float) -> np.ndarray:
            return _signed(legendre(np.sin(rule(count, *numbers)[0]), degrees)).transpose(0, 2, 1)

        return cls(constant(weights), constant(analysis), constant(synthesis))


class Latitudes(Described, ABC):
    """A kind of latitudes; all tables have the precision and device of `like`.

    Orders are those of cosines, 0 to L - 1, and then of sines, 1 to L - 1.
    """

    _tables: ClassVar[_Tables]
    numbers: tuple[float, ...] = ()

    @abstractmethod
    def grid(self, count: int, longitudes: int) -> SphereGrid:
        """The grid of this kind with so many latitudes and longitudes."""

    def weights(self, count: int, like: Tensor) -> Float[Tensor, " latitudes"]:
        """Share of the sphere's area for which each latitude stands; they sum to 1."""
        return self._tables.weights(count, *self.numbers, like=like)

    def analysis(self, degrees: int, count: int, like: Tensor) -> Float[Tensor, "orders degrees latitudes"]:
        """A: coefficients of degree below `degrees` from the Fourier coefficients on the latitudes."""
        return self._tables.analysis(degrees, count, *self.numbers, like=like)

    def synthesis(self, degrees: int, count: int, like: Tensor) -> Float[Tensor, "orders latitudes degrees"]:
        """S: Fourier coefficients on the latitudes from coefficients of degree below `degrees`."""
        return self._tables.synthesis(degrees, count, *self.numbers, like=like)

    def require(self, domain: Domain, owner: str) -> SphereGrid:
        """The domain, if it is a sphere grid of this kind; SignatureError that names `owner` if not."""
        if not isinstance(domain, SphereGrid):
            raise SignatureError(f"{owner} lives on the sphere: expected a SphereGrid, got {domain!r}")
        expected = self.grid(*domain.shape)
        same = torch.allclose(expected.latitudes, domain.latitudes, atol=1e-9)
        if not same or not torch.allclose(expected.latitude_weights, domain.latitude_weights, atol=1e-9):
            raise SignatureError(
                f"{owner} was made for {type(self).__name__}, and the latitudes of {domain!r} are others: "
                "pass latitudes=latitudes_of(domain)"
            )
        return domain


class EquiangularLatitudes(Latitudes):
    """Centres of equal steps from pole to pole, with Fejér's weights, as `SphereGrid.equiangular`."""

    _tables = _Tables.of(lambda count: _rule(SphereGrid.equiangular(count, 2)))

    def grid(self, count: int, longitudes: int) -> SphereGrid:
        return SphereGrid.equiangular(count, longitudes)


class GaussLatitudes(Latitudes):
    """Roots of a Legendre polynomial with Gauss's weights, as `SphereGrid.gauss_legendre`."""

    _tables = _Tables.of(lambda count: _rule(SphereGrid.gauss_legendre(count, 2)))

    def grid(self, count: int, longitudes: int) -> SphereGrid:
        return SphereGrid.gauss_legendre(count, longitudes)


class GivenLatitudes(Latitudes):
    """Any latitudes, ascending in radians, with quadrature weights that sum to 2; only their own number will do."""

    _tables = _Tables.of(lambda count, *numbers: (np.array(numbers[:count]), np.array(numbers[count:])))

    def __init__(self, latitudes: Sequence[float], weights: Sequence[float]) -> None:
        self.count = len(latitudes)
        self.numbers = (*map(float, latitudes), *map(float, weights))

    def grid(self, count: int, longitudes: int) -> SphereGrid:
        if count != self.count:
            raise SignatureError(f"{self.count} latitudes were given, and the grid has {count}")
        latitudes, weights = torch.tensor(self.numbers, dtype=torch.float64).chunk(2)
        return SphereGrid(latitudes, weights, longitudes)


def latitudes_of(grid: SphereGrid) -> Latitudes:
    """The kind of a grid's latitudes.

    >>> type(latitudes_of(SphereGrid.gauss_legendre(8, 16))).__name__
    'GaussLatitudes'
    """
    for kind in (EquiangularLatitudes(), GaussLatitudes()):
        try:
            kind.require(grid, "")
        except SignatureError:
            continue
        return kind
    return GivenLatitudes(grid.latitudes.tolist(), grid.latitude_weights.tolist())


def _signed(table: np.ndarray) -> np.ndarray:
    """The orders 0 to L - 1, of the cosines, then again 1 to L - 1, of the sines."""
    return np.concatenate([table, table[1:]])


def _rule(grid: SphereGrid) -> Rule:
    return grid.latitudes.numpy(), grid.latitude_weights.numpy()
