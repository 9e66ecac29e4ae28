"""Interpolation of what a network answers on a grid to points that come with the question, inside the graph.

    u(y) = Σ_corners  Π_axes (1 - |y - x_corner| / h)  u(x_corner)

Multilinear, so second order in the grid spacing; periodic axes close on themselves. Unlike `Domain.stencil`, which
prepares a fixed set of points in float64 and refuses those outside, it is differentiable in the points and part of
compiled and exported graphs; points beyond an end of an axis are answered as its end. Latitudes of a sphere need not be
equidistant.
"""

from itertools import product

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.fields.sphere_grid import SphereGrid


class GridInterpolation(nn.Module):
    """Values on a grid, a product of grids or a sphere grid to values at points.

    >>> from fredholm.fields.grid import Axis, Grid
    >>> at = GridInterpolation(Grid(Axis("x", 0.0, 1.0, 3)))
    >>> at(torch.tensor([[[0.0, 1.0, 4.0]]]), torch.tensor([[0.75]])).tolist()
    [[[2.5]]]
    """

    def __init__(self, domain: Domain) -> None:
        super().__init__()
        if isinstance(domain, SphereGrid):
            longitude = 2 * torch.pi * torch.arange(domain.longitudes + 1, dtype=torch.float64) / domain.longitudes
            knots, periods = [domain.latitudes, longitude], [False, True]
        else:
            axes = grid_axes(domain)
            knots = [torch.cat([a.points(), torch.tensor([a.upper])]) if a.periodic else a.points() for a in axes]
            periods = [axis.periodic for axis in axes]
        self.axes = nn.ModuleList(
            _Axis(points.float(), periodic) for points, periodic in zip(knots, periods, strict=True)
        )
        self.sizes = domain.shape

    def forward(
        self, values: Float[Tensor, "batch channels *shape"], points: Float[Tensor, "*batch m d"]
    ) -> Float[Tensor, "batch channels m"]:
        along = [axis(points[..., i]) for i, axis in enumerate(self.axes)]
        flat = values.flatten(2)
        total = torch.zeros((), dtype=values.dtype, device=values.device)
        for corner in product((0, 1), repeat=len(along)):
            index, weight = torch.zeros_like(along[0][0][0]), torch.ones_like(along[0][1][0])
            for side, size, (indices, weights) in zip(corner, self.sizes, along, strict=True):
                index, weight = index * size + indices[side], weight * weights[side]
            if points.ndim == 2:
                total = total + flat[..., index] * weight.to(values.dtype)
            else:
                picked = flat.gather(-1, index.unsqueeze(1).expand(-1, flat.shape[1], -1))
                total = total + picked * weight.unsqueeze(1).to(values.dtype)
        return total


class _Axis(nn.Module):
    """Between which knots a coordinate lies, and how far from each."""

    knots: Tensor

    def __init__(self, knots: Float[Tensor, " n"], periodic: bool) -> None:
        super().__init__()
        self.periodic, self.cells = periodic, len(knots) - 1
        self.lower, self.upper = float(knots[0]), float(knots[-1])
        self.equidistant = bool(torch.allclose(knots.diff(), knots.diff().mean(), rtol=1e-4))
        self.register_buffer("knots", knots, persistent=False)

    def forward(
        self, x: Float[Tensor, "*points"]
    ) -> tuple[tuple[Int[Tensor, "*points"], Int[Tensor, "*points"]], tuple[Tensor, Tensor]]:
        if self.periodic:
            x = self.lower + torch.remainder(x - self.lower, self.upper - self.lower)
        if self.equidistant:
            position = (x - self.lower) * (self.cells / (self.upper - self.lower))
            position = position.clamp(0, self.cells)
            left = position.detach().floor().clamp(max=self.cells - 1)
            fraction, left = position - left, left.to(torch.int64)
        else:
            left = (x.detach().unsqueeze(-1) >= self.knots[1:-1]).to(torch.int64).sum(-1)
            start, end = self.knots[left], self.knots[left + 1]
            fraction = ((x - start) / (end - start)).clamp(0, 1)
        right = (left + 1) % self.cells if self.periodic else left + 1
        return (left, right), (1 - fraction, fraction)
