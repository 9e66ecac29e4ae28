"""Values of a function anywhere, from those on its grid: nearest, multilinear, or by the cosines that make it.

A weak form asks for a coefficient at points that no grid has. Which rule is right depends on what the coefficient is:
phases with sharp edges keep their two values with the nearest point; a smooth one that cosines made is known exactly.
"""

import math
from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.grid import Axis, Grid


class Pointwise(ABC):
    """How functions on a domain are evaluated between its points."""

    @abstractmethod
    def at(self, values: Float[Tensor, "batch n"], points: Float[Tensor, "m d"]) -> Float[Tensor, "batch m"]:
        """The functions with these values on the domain, at other points."""


class Multilinear(Pointwise):
    """By the grid's own stencil; a point beyond the grid takes the value of its edge.

    >>> line = Grid(Axis("x", 0.0, 1.0, 2))
    >>> Multilinear(line).at(torch.tensor([[0.0, 4.0]]), torch.tensor([[0.25], [1.1]])).tolist()
    [[1.0, 4.0]]
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid

    def at(self, values: Float[Tensor, "batch n"], points: Float[Tensor, "m d"]) -> Float[Tensor, "batch m"]:
        inside = points.double().clone()
        for column, axis in enumerate(self.grid.axes):
            if not axis.periodic:
                inside[:, column].clamp_(axis.lower, axis.upper)
        return self.grid.stencil(inside).apply(values)


class Nearest(Pointwise):
    """The value at the nearest point of a grid; a point beyond the grid takes that of its edge.

    >>> line = Grid(Axis("x", 0.0, 1.0, 2))
    >>> Nearest(line).at(torch.tensor([[0.0, 4.0]]), torch.tensor([[0.4], [0.6]])).tolist()
    [[0.0, 4.0]]
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid

    def at(self, values: Float[Tensor, "batch n"], points: Float[Tensor, "m d"]) -> Float[Tensor, "batch m"]:
        index = torch.zeros(len(points), dtype=torch.int64, device=points.device)
        for column, axis in enumerate(self.grid.axes):
            place = ((points[:, column] - axis.lower) / axis.spacing + 0.5).floor().long()
            place = place % axis.size if axis.periodic else place.clamp(0, axis.size - 1)
            index = index * axis.size + place
        return values[:, index]


class Cosines(Pointwise):
    """exp Σ_k c_k Π cos(π kᵢ xᵢ / Lᵢ) through positive values at the centres of the cells of a box.

    The logarithm is taken apart into cosines, of which the lowest `modes` along each axis are kept: exact for the
    logarithm of a `CellNeumannGaussianField` that has no more, anywhere in the box, walls included.

    Args:
        grid: the centres of the cells.
        modes: kept along each axis; all, if not given.
    """

    def __init__(self, grid: Grid, modes: int | None = None) -> None:
        if len(grid.axes) != 2:
            raise ValueError(f"a series of cosines is for the plane here, and the grid has {len(grid.axes)} axes")
        self.grid, self.modes = grid, modes
        self._analysis = [self._cosines(axis, axis.points()) * self._weights(axis) for axis in grid.axes]

    def at(self, values: Float[Tensor, "batch n"], points: Float[Tensor, "m d"]) -> Float[Tensor, "batch m"]:
        first, second = (matrix.to(values) for matrix in self._analysis)
        coefficients = torch.einsum("bij,ik,jl->bkl", values.log().unflatten(1, self.grid.shape), first, second)
        x, y = (self._cosines(axis, points[:, i].double()).to(values) for i, axis in enumerate(self.grid.axes))
        products = (x[:, :, None] * y[:, None, :]).flatten(1)
        return (coefficients.flatten(1) @ products.T).exp()

    def _cosines(self, axis: Axis, points: Float[Tensor, " m"]) -> Float[Tensor, "m k"]:
        order = torch.arange(min(self.modes or axis.size, axis.size), dtype=torch.float64)
        start = axis.lower - axis.spacing / 2
        return torch.cos(math.pi * order * (points[:, None] - start) / (axis.size * axis.spacing))

    def _weights(self, axis: Axis) -> Float[Tensor, " k"]:
        weights = torch.full((min(self.modes or axis.size, axis.size),), 2.0 / axis.size, dtype=torch.float64)
        weights[0] /= 2
        return weights
