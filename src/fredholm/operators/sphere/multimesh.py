"""Graphs between a grid of latitudes and longitudes and an icosahedral multi-mesh.

The multi-mesh has the vertices of the finest icosahedral mesh and the edges of all meshes up to it, so that a few steps
along coarse edges go around the earth. Grid points send to all vertices near them, and receive from the corners of the
triangle in which they lie.

Edges have features: length and offset of the sender as the receiver sees it, to its east, to its north and up, in units
of the longest edge of the finest mesh.

Source: Lam et al., "Learning skillful medium-range global weather forecasting", Science 382 (2023).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fredholm.fields.sphere_grid import SphereGrid
from fredholm.layers.icosphere import SphereMesh, icospheres
from fredholm.layers.radius_graph import radius_graph


@dataclass(frozen=True)
class Graph:
    """Edges (sender, receiver) and their features."""

    edges: Int[Tensor, "2 e"]
    features: Float[Tensor, "e features"]


@dataclass(frozen=True)
class MultiMesh:
    """The three graphs, and features of grid points and vertices: relative area and the unit vector."""

    grid: Float[Tensor, "points 4"]
    vertices: Float[Tensor, "vertices 4"]
    into_mesh: Graph
    on_mesh: Graph
    out_of_mesh: Graph


def unit_vectors(grid: SphereGrid) -> Float[Tensor, "points 3"]:
    """The grid's points in space."""
    latitude, longitude = grid.coordinates().T
    return torch.stack([latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(), latitude.sin()], -1)


def multi_mesh(grid: SphereGrid, level: int, reach: float) -> MultiMesh:
    """Meshes of levels 0 to `level`; grid points send as far as `reach` times the longest edge of the finest."""
    meshes, points = icospheres(level), unit_vectors(grid)
    finest = meshes[-1]
    a, b = finest.vertices[finest.edges()]
    unit = float((a - b).norm(dim=-1).max())
    edges = torch.cat([mesh.edges() for mesh in meshes], dim=1)
    dual = torch.cat([mesh.dual_lengths() for mesh in meshes])
    order = edges[1].argsort(stable=True)
    on_mesh = _graph(edges[:, order], finest.vertices, finest.vertices, unit)
    with_duals = torch.cat([on_mesh.features, dual[order, None] / unit], dim=1)
    return MultiMesh(
        torch.cat([_relative(grid.weights()), points], dim=1),
        torch.cat([_relative(finest.areas()), finest.vertices], dim=1),
        _graph(_into(points, finest, reach * unit), points, finest.vertices, unit),
        Graph(on_mesh.edges, with_duals),
        _graph(_out_of(points, finest), finest.vertices, points, unit),
    )


def local_offsets(senders: Float[Tensor, "e 3"], receivers: Float[Tensor, "e 3"]) -> Float[Tensor, "e 3"]:
    """Sender minus receiver along the receiver's east, north and up."""
    up = receivers
    east = torch.stack([-up[:, 1], up[:, 0], torch.zeros_like(up[:, 0])], -1)
    east = east / east.norm(dim=-1, keepdim=True)
    frame = torch.stack([east, torch.linalg.cross(up, east), up], dim=1)
    return (frame @ (senders - receivers).unsqueeze(-1)).squeeze(-1)


def _into(points: Tensor, mesh: SphereMesh, radius: float) -> Tensor:
    """From grid points to all vertices within the radius, or to the nearest where there is none."""
    edges = radius_graph(points, radius, mesh.vertices)
    left = torch.ones(len(points), dtype=torch.bool)
    left[edges[0]] = False
    alone = left.nonzero()[:, 0]
    nearest = torch.cdist(points[alone], mesh.vertices).argmin(1)
    edges = torch.cat([edges, torch.stack([alone, nearest])], dim=1)
    return edges[:, edges[1].argsort(stable=True)]


def _out_of(points: Tensor, mesh: SphereMesh) -> Tensor:
    """To every grid point from the corners of its triangle."""
    corners, _ = mesh.containing(points)
    return torch.stack([corners.flatten(), torch.arange(len(points)).repeat_interleave(3)])


def _graph(edges: Tensor, senders: Tensor, receivers: Tensor, unit: float) -> Graph:
    offsets = local_offsets(senders[edges[0]], receivers[edges[1]]) / unit
    return Graph(edges, torch.cat([offsets.norm(dim=-1, keepdim=True), offsets], dim=1))


def _relative(areas: Tensor) -> Tensor:
    return (areas / areas.mean())[:, None]
