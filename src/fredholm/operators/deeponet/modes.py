"""Modes: fixed basis functions known on a domain's points, and evaluated between them.

Kept dense, or on tensor-product grids in the separable (Tucker) form

    φₖ(y) = Σ_{a, b, ...} C[k, a, b, ...] X_a(y₁) Y_b(y₂) ...

which is some twenty times smaller for waves in a room and is evaluated anywhere by interpolating the one-dimensional
factors, fourth order in the grid spacing. Truncated higher-order SVD: De Lathauwer, De Moor, Vandewalle 2000.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain, Stencil
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.product import Product
from fredholm.layers.architecture import Described
from fredholm.operators.deeponet.continuation import continued


class Modes(nn.Module, Described, ABC):
    """`rank` functions on `domain`."""

    rank: int

    @abstractmethod
    def on_domain(self) -> Float[Tensor, "n rank"]:
        """The modes at the domain's points."""

    @abstractmethod
    def at(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch rank"]:
        """The modes at any points of the domain."""

    def combined(
        self, coefficients: Float[Tensor, "batch rank"], points: Float[Tensor, "m d"]
    ) -> Float[Tensor, "batch m"]:
        """Σₖ coefficients[·, k] φₖ at any points of the domain."""
        return coefficients @ self.at(points).T


class DenseModes(Modes):
    """Modes stored at every point of any domain, interpolated by the domain's stencil (not exportable to a graph)."""

    values: Tensor

    def __init__(self, domain: Domain, rank: int) -> None:
        super().__init__()
        self.domain, self.rank = domain, rank
        self.register_buffer("values", torch.zeros(rank, domain.size))

    @classmethod
    def of(cls, domain: Domain, values: Float[Tensor, "rank n"]) -> "DenseModes":
        """Modes with the given values."""
        modes = cls(domain, len(values))
        modes.values = values.clone()
        return modes

    def on_domain(self) -> Float[Tensor, "n rank"]:
        return self.values.T

    def at(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch rank"]:
        stencil = self.domain.stencil(points.reshape(-1, points.shape[-1]).double().cpu())
        here = Stencil(stencil.indices.to(points.device), stencil.weights.to(points.device))
        return here.apply(self.values).T.reshape(*points.shape[:-1], self.rank)


class FactoredModes(Modes):
    """Modes by a core and one-dimensional factors along the axes of a grid, which are interpolated by cubics.

    Args:
        domain: a `Grid`, or a product of grids, of at least four points an axis.
        ranks: number of factors along every axis.
        core: shape of the core, its first axis that of the modes.
    """

    core: Tensor

    def __init__(self, domain: Domain, ranks: Sequence[int], core: Sequence[int]) -> None:
        super().__init__()
        self.axes, self.rank = grid_axes(domain), core[0]
        if short := [axis.name for axis in self.axes if axis.size < 4]:
            raise ValueError(f"cubic interpolation needs 4 points along {short[0]!r}: use DenseModes")
        self.register_buffer("core", torch.zeros(*core))
        for i, (axis, width) in enumerate(zip(self.axes, ranks, strict=True)):
            self.register_buffer(f"factor{i}", torch.zeros(axis.size, width))

    def at(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch rank"]:
        return self._expanded(self.core, points.reshape(-1, len(self.axes))).reshape(*points.shape[:-1], self.rank)

    def combined(
        self, coefficients: Float[Tensor, "batch rank"], points: Float[Tensor, "m d"]
    ) -> Float[Tensor, "batch m"]:
        # With fewer sums than modes it is cheaper to mix the cores first. An exported graph does so for any batch.
        if not torch.compiler.is_exporting() and coefficients.shape[0] >= self.rank:
            return super().combined(coefficients, points)
        mixed = (coefficients @ self.core.flatten(1)).unflatten(-1, self.core.shape[1:])
        return self._expanded(mixed, points).T

    @abstractmethod
    def _expanded(self, core: Float[Tensor, "k *ranks"], points: Float[Tensor, "m d"]) -> Float[Tensor, "m k"]:
        """Functions by their cores, at points."""

    def _factor(self, axis: int) -> Tensor:
        factor: Tensor = getattr(self, f"factor{axis}")
        return factor


class SeparableModes(FactoredModes):
    """Modes in Tucker form on a tensor-product grid of at least four points an axis.

    Args:
        domain: a `Grid`, or a product of grids such as space x time.
        ranks: number of one-dimensional factors along every axis.
        rank: number of modes.
    """

    def __init__(self, domain: Domain, ranks: Sequence[int], rank: int) -> None:
        super().__init__(domain, ranks, (rank, *ranks))

    @classmethod
    def of(cls, domain: Domain, values: Float[Tensor, "rank n"], tolerance: float) -> "SeparableModes":
        """Truncated higher-order SVD of modes: relative error at most `tolerance` in the Frobenius norm of `values`.

        Points of no quadrature weight, such as those outside a mask, do not count; there the modes are continued.
        """
        axes = grid_axes(domain)
        shape = tuple(axis.size for axis in axes)
        inside = (domain.weights() > 0).reshape(shape)
        fields = values.double().reshape(-1, *shape)
        allowed = tolerance * (fields * inside).norm() / math.sqrt(len(shape))
        filled = continued(fields, inside, axes)
        core, factors = filled, []
        for axis in range(1, len(shape) + 1):
            factor = leading(filled.movedim(axis, 0).flatten(1), float(allowed))
            factors.append(factor)
            core = torch.tensordot(core, factor, dims=([axis], [0])).movedim(-1, axis)
        modes = cls(domain, core.shape[1:], len(core))
        modes.core = core.to(values.dtype)
        for i, factor in enumerate(factors):
            setattr(modes, f"factor{i}", factor.to(values.dtype).contiguous())
        return modes

    def on_domain(self) -> Float[Tensor, "n rank"]:
        values = self.core
        for i in range(len(self.axes)):
            # axis i goes last: the order is kept
            values = torch.tensordot(values, self._factor(i), dims=([1], [1]))
        return values.flatten(1).T

    def _expanded(self, core: Float[Tensor, "k *ranks"], points: Float[Tensor, "m d"]) -> Float[Tensor, "m k"]:
        """Functions in Tucker form, by their cores, at points: one large matrix product, then the last axis."""
        *rows, last = [interpolated(self._factor(i), axis, points[:, i]) for i, axis in enumerate(self.axes)]
        outer = outer_product(rows, last)
        partial = outer @ core.movedim(0, -2).flatten(-2).reshape(outer.shape[-1], -1)
        return (partial.unflatten(-1, (-1, last.shape[-1])) * last.unsqueeze(-2)).sum(-1)


def grid_axes(domain: Domain) -> tuple[Axis, ...]:
    """Axes of a grid or of a product of grids; raises ValueError for other domains."""
    if isinstance(domain, Product):
        return grid_axes(domain.first) + grid_axes(domain.second)
    if not isinstance(domain, Grid):
        raise ValueError(f"a {domain.kind} is no tensor product of axes: use DenseModes")
    return domain.axes


def leading(unfolded: Float[Tensor, "m n"], allowed: float) -> Float[Tensor, "m width"]:
    """The fewest left singular vectors, one at least, that leave out no more than `allowed` in the Frobenius norm."""
    wide = unfolded.shape[0] < unfolded.shape[1]
    square = torch.linalg.qr(unfolded.mT, mode="r").R.mT if wide else unfolded  # has the same left vectors
    left, singular, _ = torch.linalg.svd(square, full_matrices=False)
    tail = singular.square().flip(0).cumsum(0).flip(0).sqrt()
    return left[:, : max(1, int((tail > allowed).sum()))]


def outer_product(rows: Sequence[Float[Tensor, "m _"]], like: Float[Tensor, "m _"]) -> Float[Tensor, "m product"]:
    """All products of one entry of each of `rows`, point by point; ones if there are none, of the kind of `like`."""
    outer = torch.ones_like(like[:, :1])
    for row in rows:
        outer = (outer.unsqueeze(-1) * row.unsqueeze(-2)).flatten(1)
    return outer


# coefficients of 1, u, u², u³ of the cubics that are 1 at one of u = -1, 0, 1, 2 and 0 at the others
_CUBIC = (
    (0.0, 1.0, 0.0, 0.0),
    (-1 / 3, -1 / 2, 1.0, -1 / 6),
    (1 / 2, -1.0, 1 / 2, 0.0),
    (-1 / 6, 1 / 2, -1 / 2, 1 / 6),
)


def interpolated(factor: Float[Tensor, "n r"], axis: Axis, at: Float[Tensor, " m"]) -> Float[Tensor, "m r"]:
    """Rows of a factor (n, r) between its points, by the cubic through the four nearest: error O(h⁴)."""
    position = (at - axis.lower) / axis.spacing
    if axis.periodic:
        lower = position.floor()
        base = lower.long()
    else:
        position = position.clamp(0, axis.size - 1)
        lower = position.floor().clamp(1, axis.size - 3)
        base = lower.long()
    u = position - lower
    nearest = base.unsqueeze(-1) + torch.tensor([-1, 0, 1, 2], device=base.device)
    if axis.periodic:
        nearest = nearest.remainder(axis.size)
    cubics = torch.tensor(_CUBIC, dtype=u.dtype, device=u.device)
    weights = torch.stack([torch.ones_like(u), u, u * u, u * u * u], -1) @ cubics
    return (weights.unsqueeze(-1) * factor[nearest]).sum(1)
