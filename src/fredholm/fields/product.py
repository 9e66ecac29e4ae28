"""Product domains, such as space x time: (x, t) for x in one domain and t in another."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Coordinate, Domain, Stencil
from fredholm.fields.grid import Axis, Grid


class Product(Domain):
    """All pairs of points of two domains; weights multiply, stencils are outer products.

    >>> from fredholm.fields.grid import Axis, Grid
    >>> (Grid(Axis("x", 0, 1, 5)) * Grid(Axis("t", 0, 1, 3))).shape
    (5, 3)
    """

    kind = "product"

    def __init__(self, first: Domain, second: Domain) -> None:
        self.first, self.second = first, second

    @property
    def coordinate_axes(self) -> tuple[Coordinate, ...]:
        return self.first.coordinate_axes + self.second.coordinate_axes

    @property
    def shape(self) -> tuple[int, ...]:
        return self.first.shape + self.second.shape

    def coordinates(self) -> Float[Tensor, "n d"]:
        first, second = self.first.coordinates(), self.second.coordinates()
        return torch.cat([first.repeat_interleave(len(second), 0), second.repeat(len(first), 1)], dim=-1)

    def weights(self) -> Float[Tensor, " n"]:
        return torch.outer(self.first.weights(), self.second.weights()).reshape(-1)

    def contains(self, points: Float[Tensor, "m d"]) -> Bool[Tensor, " m"]:
        first, second = self._split(points)
        return self.first.contains(first) & self.second.contains(second)

    def stencil(self, points: Float[Tensor, "m d"]) -> Stencil:
        self.require_contains(points)
        a, b = (part.stencil(p) for part, p in zip((self.first, self.second), self._split(points), strict=True))
        indices = (a.indices[:, :, None] * self.second.size + b.indices[:, None, :]).flatten(1)
        return Stencil(indices, (a.weights[:, :, None] * b.weights[:, None, :]).flatten(1))

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "first": self.first.to_json(), "second": self.second.to_json()}

    @classmethod
    def _from_json(cls, description: Mapping[str, Any]) -> "Product":
        return cls(Domain.from_json(description["first"]), Domain.from_json(description["second"]))

    def _split(self, points: Tensor) -> tuple[Tensor, Tensor]:
        return points[:, : self.first.dimension], points[:, self.first.dimension :]


def grid_axes(domain: Domain) -> tuple[Axis, ...]:
    """The axes of a grid or of a product of grids; raises SignatureError for any other domain.

    >>> [axis.name for axis in grid_axes(Grid(Axis("x", 0, 1, 5)) * Grid(Axis("t", 0, 1, 3)))]
    ['x', 't']
    """
    if isinstance(domain, Grid):
        return domain.axes
    if isinstance(domain, Product):
        return grid_axes(domain.first) + grid_axes(domain.second)
    raise SignatureError(f"{domain!r} has no axes: expected a Grid, or a product of grids; interpolate onto one first")
