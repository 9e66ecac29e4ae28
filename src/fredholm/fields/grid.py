"""Regular grids in any dimension, periodic or not, with an optional mask.

Quadrature is the trapezoidal rule, cell by cell: each grid cell whose corners all belong to the domain gives
volume / 2ᵈ to each of them. That is second order on a box or any union of cells, and spectrally accurate on periodic
axes. Interpolation is multilinear (second order); between periodic grids `fields.spectral` is exact for
band-limited functions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fredholm.fields.domain import Coordinate, Domain, Stencil
from fredholm.fields.encoding import decode_array, encode_array

_TOLERANCE = 1e-4  # of a grid spacing: coordinates rounded to float32 do not fall off the grid


@dataclass(frozen=True)
class Axis:
    """`size` equidistant points on [lower, upper]; a periodic axis leaves the upper end out, being the lower again.

    >>> Axis("t", 0.0, 1.0, 5, units="s").spacing
    0.25
    >>> Axis("x", 0.0, 1.0, 4, periodic=True).points().tolist()
    [0.0, 0.25, 0.5, 0.75]
    """

    name: str
    lower: float
    upper: float
    size: int
    units: str = ""
    periodic: bool = False

    def __post_init__(self) -> None:
        if not self.upper > self.lower:
            raise ValueError(f"axis {self.name!r}: upper end {self.upper} is not above lower end {self.lower}")
        if self.size < (1 if self.periodic else 2):
            raise ValueError(f"axis {self.name!r}: {self.size} points are too few")

    @property
    def spacing(self) -> float:
        """Distance of neighbouring points."""
        return (self.upper - self.lower) / (self.size if self.periodic else self.size - 1)

    def points(self) -> Float[Tensor, " n"]:
        """The points, ascending."""
        return self.lower + self.spacing * torch.arange(self.size, dtype=torch.float64)

    def coordinate(self) -> Coordinate:
        """The axis without its sampling."""
        return Coordinate(self.name, self.lower, self.upper, self.units, self.periodic)


class Grid(Domain):
    """Tensor product of axes; `mask` tells which points belong to the domain (all, if None).

    >>> grid = Grid(Axis("x", 0, 1, 11), Axis("y", 0, 2, 21))
    >>> grid.shape, round(float(grid.weights().sum()), 12)
    ((11, 21), 2.0)
    """

    kind = "grid"

    def __init__(self, *axes: Axis, mask: Bool[Tensor, "*shape"] | None = None) -> None:
        if not axes:
            raise ValueError("a grid needs at least one axis")
        self.axes = axes
        shape = tuple(axis.size for axis in axes)
        if mask is not None and tuple(mask.shape) != shape:
            raise ValueError(f"mask has shape {tuple(mask.shape)}, the grid {shape}")
        self.mask = mask

    @property
    def coordinate_axes(self) -> tuple[Coordinate, ...]:
        return tuple(axis.coordinate() for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(axis.size for axis in self.axes)

    def coordinates(self) -> Float[Tensor, "n d"]:
        mesh = torch.meshgrid(*(axis.points() for axis in self.axes), indexing="ij")
        return torch.stack([values.reshape(-1) for values in mesh], dim=-1)

    def weights(self) -> Float[Tensor, " n"]:
        cells = self.cells().to(torch.float64)
        share = 1.0
        for axis in self.axes:
            share *= axis.spacing / 2
        weights = torch.zeros(self.shape, dtype=torch.float64)
        for corner in product((0, 1), repeat=len(self.axes)):
            # roll the cell flags onto this corner: cells end before the last point, so nothing wraps wrongly
            weights += share * cells.roll(corner, tuple(range(len(self.axes))))
        return weights.reshape(-1)

    def contains(self, points: Float[Tensor, "m d"]) -> Bool[Tensor, " m"]:
        inside = torch.isfinite(points).all(-1)
        for axis, position in zip(self.axes, self._positions(points), strict=True):
            if not axis.periodic:
                inside &= (position >= -_TOLERANCE) & (position <= axis.size - 1 + _TOLERANCE)
        if self.mask is None:
            return inside
        corners = self._multilinear(points)
        served = self.mask.reshape(-1)[corners.indices] | (corners.weights <= _TOLERANCE)
        return inside & served.all(-1)

    def stencil(self, points: Float[Tensor, "m d"]) -> Stencil:
        """Multilinear; a corner beyond the mask, which only a point on its edge can have, is not read."""
        self.require_contains(points)
        corners = self._multilinear(points)
        if self.mask is None:
            return corners
        weights = torch.where(self.mask.reshape(-1)[corners.indices], corners.weights, 0.0)
        nearest = corners.indices.gather(-1, weights.argmax(-1, keepdim=True))
        indices = torch.where(weights > 0, corners.indices, nearest)
        return Stencil(indices, weights / weights.sum(-1, keepdim=True))

    def _multilinear(self, points: Float[Tensor, "m d"]) -> Stencil:
        indices = torch.zeros(len(points), 1, dtype=torch.int64)
        weights = torch.ones(len(points), 1, dtype=torch.float64)
        for axis, position in zip(self.axes, self._positions(points), strict=True):
            last = axis.size - 1 if axis.periodic else axis.size - 2
            lower = position.floor().to(torch.int64).clamp(0, last)
            fraction = (position - lower).clamp(0.0, 1.0)
            along = torch.stack([lower, (lower + 1) % axis.size], dim=-1)
            part = torch.stack([1 - fraction, fraction], dim=-1)
            indices = (indices[:, :, None] * axis.size + along[:, None, :]).flatten(1)
            weights = (weights[:, :, None] * part[:, None, :]).flatten(1)
        return Stencil(indices, weights)

    def to_json(self) -> dict[str, Any]:
        description: dict[str, Any] = {"kind": self.kind, "axes": [vars(axis) for axis in self.axes]}
        if self.mask is not None:
            description["mask"] = encode_array(self.mask)
        return description

    @classmethod
    def _from_json(cls, description: Mapping[str, Any]) -> "Grid":
        mask = decode_array(description["mask"]) if "mask" in description else None
        return cls(*(Axis(**axis) for axis in description["axes"]), mask=mask)

    def _positions(self, points: Tensor) -> list[Tensor]:
        """Coordinates counted in grid spacings from the lower end; periodic ones wrapped."""
        positions = []
        for column, axis in enumerate(self.axes):
            position = (points[:, column].to(torch.float64) - axis.lower) / axis.spacing
            positions.append(position.remainder(axis.size) if axis.periodic else position)
        return positions

    def cells(self) -> Bool[Tensor, "*shape"]:
        """Cells (named by their lower corner) of which all corners belong to the domain."""
        mask = torch.ones(self.shape, dtype=torch.bool) if self.mask is None else self.mask
        cells = mask.clone()
        for dim, axis in enumerate(self.axes):
            cells = cells & cells.roll(-1, dim)
            if not axis.periodic:
                cells.select(dim, axis.size - 1).fill_(False)
        return cells
