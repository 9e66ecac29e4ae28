import math
from itertools import pairwise

import pytest
import torch

from fredholm.fields import SphereGrid
from fredholm.layers.icosphere import icospheres

MESHES = icospheres(3)


def unit(count: int) -> torch.Tensor:
    points = torch.randn(count, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.nn.functional.normalize(points, dim=-1)


@pytest.mark.parametrize(("level", "vertices"), enumerate([12, 42, 162, 642]))
def test_vertices_edges_and_triangles_count_as_on_a_sphere(level: int, vertices: int) -> None:
    """Euler: V - E + F = 2."""
    mesh = MESHES[level]
    edges = mesh.edges()
    assert len(mesh.vertices) == vertices == 10 * 4**level + 2
    assert vertices - edges.shape[1] // 2 + len(mesh.triangles) == 2
    assert edges.shape[1] == len({tuple(edge) for edge in edges.T.tolist()})
    degree = torch.bincount(edges[1])
    assert sorted(degree.tolist()) == [5] * 12 + [6] * (vertices - 12)
    assert bool((edges[1].diff() >= 0).all())


def test_vertices_are_on_the_sphere_nested_and_apart_from_the_poles() -> None:
    for coarse, fine in pairwise(MESHES):
        torch.testing.assert_close(fine.vertices[: len(coarse.vertices)], coarse.vertices)
    finest = MESHES[-1].vertices
    torch.testing.assert_close(finest.norm(dim=-1), torch.ones(642, dtype=torch.float64))
    assert float(finest[:, 2].abs().max()) < 1 - 1e-3


def test_areas_integrate_constants_and_odd_functions_exactly() -> None:
    areas, vertices = MESHES[2].areas(), MESHES[2].vertices
    assert float(areas.sum()) == pytest.approx(4 * math.pi)
    torch.testing.assert_close(areas @ vertices, torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-12)
    assert float(areas @ vertices[:, 2].square()) == pytest.approx(4 * math.pi / 3, rel=1e-2)


def test_edges_of_the_icosahedron_and_their_duals_are_those_of_platonic_solids() -> None:
    mesh = MESHES[0]
    a, b = mesh.vertices[mesh.edges()]
    icosahedron = 4 / math.sqrt(10 + 2 * math.sqrt(5))  # edge over circumradius
    torch.testing.assert_close((a - b).norm(dim=-1), torch.full((60,), icosahedron, dtype=torch.float64))
    dodecahedron = 4 / (math.sqrt(3) * (1 + math.sqrt(5)))
    torch.testing.assert_close(mesh.dual_lengths(), torch.full((60,), dodecahedron, dtype=torch.float64))


@pytest.mark.parametrize("level", [0, 3])
def test_every_point_lies_in_its_triangle(level: int) -> None:
    mesh = MESHES[level]
    latitude, longitude = SphereGrid.equiangular(6, 12).coordinates().T
    grid = torch.stack([latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(), latitude.sin()], -1)
    points = torch.cat([unit(200), grid, mesh.vertices])
    corners, weights = mesh.containing(points)
    assert bool((weights >= 0).all())
    torch.testing.assert_close(weights.sum(-1), torch.ones(len(points), dtype=torch.float64))
    inside = torch.nn.functional.normalize((weights[..., None] * mesh.vertices[corners]).sum(1), dim=-1)
    torch.testing.assert_close(inside, points, rtol=0, atol=1e-9)
