import math

import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.fields import SphereGrid
from fredholm.layers.perceptron import initialised
from fredholm.operators.sphere.graphcast import GraphCast
from fredholm.operators.sphere.multimesh import local_offsets, multi_mesh, unit_vectors

GRIDS = pytest.mark.parametrize(
    ("grid", "level"),
    [
        (SphereGrid.equiangular(32, 64), 3),
        (SphereGrid.equiangular(8, 16), 3),
        (SphereGrid.gauss_legendre(8, 16), 0),
    ],
    ids=["as published", "mesh finer than the grid", "coarse"],
)


@GRIDS
def test_every_point_of_the_grid_sends_and_receives(grid: SphereGrid, level: int) -> None:
    mesh = multi_mesh(grid, level, reach=0.75)
    assert bool((torch.bincount(mesh.into_mesh.edges[0], minlength=grid.size) >= 1).all())
    assert bool((torch.bincount(mesh.out_of_mesh.edges[1], minlength=grid.size) == 3).all())
    for graph in (mesh.into_mesh, mesh.on_mesh, mesh.out_of_mesh):
        assert graph.edges.shape[1] == len({tuple(edge) for edge in graph.edges.T.tolist()})


def test_a_multi_mesh_has_the_edges_of_all_its_meshes() -> None:
    mesh = multi_mesh(SphereGrid.equiangular(8, 16), 3, reach=0.75)
    assert len(mesh.vertices) == 642
    assert mesh.on_mesh.edges.shape[1] == 2 * (30 + 120 + 480 + 1920)
    length = mesh.on_mesh.features[:, 0]
    assert float(length.min()) > 0.5  # in the longest edges of the finest mesh
    assert float(length.max()) == pytest.approx(4 / math.sqrt(10 + 2 * math.sqrt(5)) / 0.16, rel=0.1)


def test_offsets_are_east_north_and_up() -> None:
    """A short way along a meridian is north; rotating both ends about the axis changes nothing."""
    latitude, longitude, step = 0.7, 2.0, 1e-4

    def point(latitude: float, longitude: float) -> torch.Tensor:
        cosine = math.cos(latitude)
        return torch.tensor([[cosine * math.cos(longitude), cosine * math.sin(longitude), math.sin(latitude)]]).double()

    here = point(latitude, longitude)
    north = local_offsets(point(latitude + step, longitude), here)[0] / step
    east = local_offsets(point(latitude, longitude + step / math.cos(latitude)), here)[0] / step
    torch.testing.assert_close(north, torch.tensor([0.0, 1.0, 0.0]).double(), rtol=0, atol=1e-3)
    torch.testing.assert_close(east, torch.tensor([1.0, 0.0, 0.0]).double(), rtol=0, atol=1e-3)
    first = local_offsets(point(0.3, 1.0), point(-0.8, 2.5))
    turned = local_offsets(point(0.3, 1.0 + 1.3), point(-0.8, 2.5 + 1.3))
    torch.testing.assert_close(first, turned)
    assert float(first.norm()) == pytest.approx(float((point(0.3, 1.0) - point(-0.8, 2.5)).norm()))


def test_edges_from_the_mesh_interpolate_the_place_of_points() -> None:
    """Offsets of the three corners of a point's triangle have it between them."""
    grid = SphereGrid.equiangular(16, 32)
    mesh = multi_mesh(grid, 2, reach=0.75)
    points, vertices = unit_vectors(grid), mesh.vertices[:, 1:]
    corners = vertices[mesh.out_of_mesh.edges[0].reshape(-1, 3)]
    barycentric = torch.linalg.solve(corners.transpose(1, 2), points.unsqueeze(-1)).squeeze(-1)
    assert float(barycentric.min()) > -1e-9
    torch.testing.assert_close(mesh.out_of_mesh.edges[1], torch.arange(grid.size).repeat_interleave(3))


def test_information_goes_around_the_earth_in_a_few_steps() -> None:
    """From a midpoint to the icosahedron, by three of its edges to the other side, and to a midpoint there."""
    grid = SphereGrid.equiangular(8, 16)
    with initialised(0):
        net = GraphCast(1, 1, grid, width=8, layers=5, level=1).double()
    values = torch.randn(1, 1, 8, 16, dtype=torch.float64)
    changed = values.clone()
    changed[0, 0, 0, 0] += 1
    assert bool(((net(changed) - net(values)).abs() > 0).all())


def test_other_grids_are_refused() -> None:
    grid = SphereGrid.equiangular(4, 8)
    net = GraphCast(1, 1, grid, width=4, layers=1, level=0)
    net.require(SphereGrid.equiangular(4, 8))
    with pytest.raises(SignatureError, match="pass grid=domain"):
        net.require(SphereGrid.gauss_legendre(4, 8))
