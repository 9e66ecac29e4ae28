"""Domains: quadrature is exact or of its order, stencils reproduce what they should, and JSON loses nothing."""

import itertools
import json
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import DataError, OutsideDomainError, UnknownNameError
from fredholm.fields import Axis, Domain, Grid, Mesh, PointCloud, SphereGrid
from fredholm.fields.encoding import decode_array, encode_array


def l_shape(n: int) -> Grid:
    mask = torch.ones(n + 1, n + 1, dtype=torch.bool)
    mask[n // 2 + 1 :, n // 2 + 1 :] = False
    return Grid(Axis("x", 0, 1, n + 1), Axis("y", 0, 1, n + 1), mask=mask)


def triangles(n: int) -> Mesh:
    """The unit square cut into 2 n² triangles, its inner vertices moved a little."""
    grid = Grid(Axis("x", 0, 1, n + 1), Axis("y", 0, 1, n + 1))
    points = grid.coordinates().clone()
    inner = ((points > 0) & (points < 1)).all(-1)
    points[inner] += 0.2 / n * torch.sin(37 * points[inner])
    corner = torch.cartesian_prod(torch.arange(n), torch.arange(n)) @ torch.tensor([n + 1, 1])
    lower = torch.stack([corner, corner + 1, corner + n + 2], -1)
    upper = torch.stack([corner, corner + n + 2, corner + n + 1], -1)
    return Mesh(points, torch.cat([lower, upper]), ("x", "y"))


def tetrahedra() -> Mesh:
    """The unit cube in six tetrahedra around its diagonal."""
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3)
    paths = [[0, a, a + b, 7] for a, b, _ in itertools.permutations((4, 2, 1))]
    return Mesh(corners, torch.tensor(paths), ("x", "y", "z"))


DOMAINS = {
    "grid": Grid(Axis("x", -1, 2, 7), Axis("y", 0, 1, 5)),
    "L-shape": l_shape(8),
    "periodic": Grid(Axis("x", 0, 1, 8, periodic=True)),
    "product": Grid(Axis("x", 0, 1, 5), Axis("y", 0, 2, 6)) * Grid(Axis("t", 0, 3, 4, "s")),
    "triangles": triangles(6),
    "tetrahedra": tetrahedra(),
    "cloud": PointCloud(torch.rand(40, 2, generator=torch.Generator().manual_seed(0)), ("x", "y")),
    "Gauss-Legendre sphere": SphereGrid.gauss_legendre(6, 12),
    "equiangular sphere": SphereGrid.equiangular(6, 12),
}
VOLUMES = {
    "grid": 3.0,
    "L-shape": 0.75,
    "periodic": 1.0,
    "product": 6.0,
    "triangles": 1.0,
    "tetrahedra": 1.0,
    "Gauss-Legendre sphere": 4 * math.pi,
    "equiangular sphere": 4 * math.pi,
}
named = pytest.mark.parametrize("name", DOMAINS)


@pytest.mark.parametrize("name", VOLUMES)
def test_weights_sum_to_the_volume(name: str) -> None:
    weights = DOMAINS[name].weights()
    assert bool((weights >= 0).all())
    assert float(weights.sum()) == pytest.approx(VOLUMES[name], rel=1e-12)


@named
def test_json_makes_an_equal_domain(name: str) -> None:
    domain = DOMAINS[name]
    back = Domain.from_json(json.loads(json.dumps(domain.to_json())))
    assert back == domain
    assert hash(back) == hash(domain)
    assert torch.equal(back.coordinates(), domain.coordinates())
    assert domain != DOMAINS["grid" if name != "grid" else "product"]


@named
def test_own_points_are_interpolated_exactly(name: str) -> None:
    domain = DOMAINS[name]
    values = torch.rand(3, domain.size, dtype=torch.float64)
    belongs = domain.weights() > 0
    torch.testing.assert_close(
        domain.stencil(domain.coordinates()[belongs]).apply(values), values[:, belongs], atol=1e-7, rtol=0
    )


@given(name=st.sampled_from(["grid", "L-shape", "product", "triangles", "tetrahedra"]), seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_linear_functions_are_reproduced(name: str, seed: int) -> None:
    domain = DOMAINS[name]
    generator = torch.Generator().manual_seed(seed)
    lower, upper = domain.bounds
    points = lower + (upper - lower) * torch.rand(30, domain.dimension, generator=generator, dtype=torch.float64)
    # what lies beyond the inner wall of an L-shape by less than its tolerance is served as if on the wall
    beyond = ((points > 0.5) & (points < 0.5 + 1e-4)).any(-1)
    points = points[domain.contains(points) & ~beyond]
    slope = torch.randn(domain.dimension, generator=generator, dtype=torch.float64)
    stencil = domain.stencil(points)
    torch.testing.assert_close(stencil.weights.sum(-1), torch.ones(len(points), dtype=torch.float64))
    torch.testing.assert_close(stencil.apply(domain.coordinates() @ slope), points @ slope, atol=1e-9, rtol=0)


@given(name=st.sampled_from(sorted(DOMAINS)), seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_constants_are_reproduced(name: str, seed: int) -> None:
    domain = DOMAINS[name]
    lower, upper = domain.bounds
    uniform = torch.rand(30, domain.dimension, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    points = lower + (upper - lower) * uniform
    weights = domain.stencil(points[domain.contains(points)]).weights.sum(-1)
    torch.testing.assert_close(weights, torch.ones_like(weights), atol=1e-12, rtol=0)


@given(x=st.floats(-1, 2), turns=st.integers(-5, 5))
@settings(deadline=None)
def test_periodic_axes_wrap(x: float, turns: int) -> None:
    values = torch.sin(torch.arange(8.0, dtype=torch.float64))
    here, there = torch.tensor([[x], [x + turns]], dtype=torch.float64)[:, None]
    grid = DOMAINS["periodic"]
    torch.testing.assert_close(grid.stencil(here).apply(values), grid.stencil(there).apply(values), atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", ["grid", "L-shape", "product", "triangles", "cloud"])
def test_points_outside_are_named(name: str) -> None:
    domain = DOMAINS[name]
    points = domain.coordinates()[domain.weights() > 0][:2].clone()
    points[1, 0] = 17.0
    with pytest.raises(OutsideDomainError, match=r"point 1 \(x = 17.*expected a point inside"):
        domain.stencil(points)


@given(cell=st.integers(0, 5), offset=st.floats(-1e-3, 1e-3))
@settings(deadline=None)
def test_points_beside_a_node_are_interpolated_exactly(cell: int, offset: float) -> None:
    line = Grid(Axis("x", 0, 7, 8))
    point = torch.tensor([[cell + 1 + offset]], dtype=torch.float64)
    torch.testing.assert_close(line.stencil(point).apply(line.coordinates().T), point.T, atol=1e-12, rtol=0)


def test_values_beyond_a_mask_are_never_read() -> None:
    room = l_shape(8)
    inside = room.mask.reshape(-1)
    values = torch.where(inside, room.coordinates().sum(-1), torch.nan)
    walls = torch.tensor([[0.5, 0.5], [0.5, 0.8], [0.7, 0.5], [0.5 + 1e-6, 0.9], [1.0, 0.5]])
    torch.testing.assert_close(room.stencil(walls).apply(values), walls.double().sum(-1), atol=1e-5, rtol=0)
    assert torch.isfinite(room.stencil(room.coordinates()[inside]).apply(values)).all()


def test_the_missing_corner_of_an_l_shape_is_outside() -> None:
    points = torch.tensor([[0.75, 0.75], [0.25, 0.75], [0.5, 0.9], [0.56, 0.56]])
    assert l_shape(8).contains(points).tolist() == [False, True, True, False]


@pytest.mark.parametrize("make", [l_shape, triangles])
def test_quadrature_is_of_second_order(make: Callable[[int], Domain]) -> None:
    def error(n: int) -> float:
        domain = make(n)
        x, y = domain.coordinates().T
        exact = 0.75 if make is l_shape else 1.0  # of the constant part
        wave = torch.sin(3 * x) * torch.cos(2 * y)
        whole = (1 - math.cos(3)) / 3 * math.sin(2) / 2
        corner = (math.cos(1.5) - math.cos(3)) / 3 * (math.sin(2) - math.sin(1)) / 2
        integral = whole - (corner if make is l_shape else 0)
        return abs(float(domain.integrate(wave + 1)) - integral - exact)

    assert math.log2(error(16) / error(32)) > 1.8


def test_sphere_integrates_spherical_polynomials_exactly() -> None:
    for grid in (DOMAINS["Gauss-Legendre sphere"], DOMAINS["equiangular sphere"]):
        latitude, longitude = grid.coordinates().T
        z, x = latitude.sin(), latitude.cos() * longitude.cos()
        for values, exact in (
            (z**4, 4 * math.pi / 5),
            (x**2, 4 * math.pi / 3),
            (x**2 * z**2, 4 * math.pi / 15),
            (z, 0),
        ):
            assert float(grid.integrate(values)) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("make", [SphereGrid.gauss_legendre, SphereGrid.equiangular])
def test_sphere_interpolates_at_second_order(make: Callable[[int, int], SphereGrid]) -> None:
    generator = torch.Generator().manual_seed(0)
    latitude = 2.4 * (torch.rand(400, generator=generator, dtype=torch.float64) - 0.5)
    longitude = 20 * (torch.rand(400, generator=generator, dtype=torch.float64) - 0.5)

    def smooth(points: torch.Tensor) -> torch.Tensor:
        return points[:, 0].sin() + points[:, 0].cos() * (2 * points[:, 1]).cos()

    points = torch.stack([latitude, longitude], -1)
    errors = []
    for n in (16, 32):
        grid = make(n, 2 * n)
        errors.append(float((grid.stencil(points).apply(smooth(grid.coordinates())) - smooth(points)).abs().max()))
    assert math.log2(errors[0] / errors[1]) > 1.7


@pytest.mark.parametrize("make", [SphereGrid.gauss_legendre, SphereGrid.equiangular])
def test_sphere_continues_its_last_latitude_to_the_poles(make: Callable[[int, int], SphereGrid]) -> None:
    grid = make(6, 12)
    latitudes = grid.coordinates()[:, 0]
    poles = torch.tensor([[math.pi / 2, 0.3], [-math.pi / 2, 5.0]])
    torch.testing.assert_close(grid.stencil(poles).apply(latitudes), latitudes[[-1, 0]])


@given(latitudes=st.integers(2, 12), degree=st.integers(0, 24))
@settings(max_examples=60, deadline=None)
def test_latitude_weights_are_exact_to_their_degrees(latitudes: int, degree: int) -> None:
    # ∫ z^k over the sphere is 4π / (k + 1) for even k
    exact = 0.0 if degree % 2 else 4 * math.pi / (degree + 1)
    for make, highest in ((SphereGrid.gauss_legendre, 2 * latitudes - 1), (SphereGrid.equiangular, latitudes - 1)):
        grid = make(latitudes, 4)
        if degree <= highest:
            integral = float(grid.integrate(grid.coordinates()[:, 0].sin() ** degree))
            assert integral == pytest.approx(exact, abs=1e-11)


def test_bad_meshes_are_refused() -> None:
    square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    with pytest.raises(DataError, match="simplex 1 is degenerate"):
        Mesh(square, torch.tensor([[0, 1, 2], [0, 2, 3]]), ("x", "y"))
    with pytest.raises(DataError, match="simplex 0 refers to vertex 7; the vertices are 0 to 3"):
        Mesh(square, torch.tensor([[0, 1, 7]]), ("x", "y"))
    with pytest.raises(DataError, match="at least one simplex"):
        Mesh(square, torch.zeros(0, 3, dtype=torch.int64), ("x", "y"))
    with pytest.raises(DataError, match="vertex 2 is not finite"):
        Mesh(square.index_fill(0, torch.tensor([2]), torch.nan), torch.tensor([[0, 1, 3]]), ("x", "y"))
    with pytest.raises(DataError, match=r"vertices \(n, 2\) with triangles"):
        Mesh(square, torch.tensor([[0, 1, 2, 3]]), ("x", "y"))


def test_vertices_rounded_to_single_precision_stay_on_their_mesh() -> None:
    square = triangles(6)
    mesh = Mesh(0.37 * square.vertices + 0.11, square.simplices, ("x", "y"))
    values = mesh.vertices @ torch.tensor([1.0, -2.0], dtype=torch.float64)
    torch.testing.assert_close(mesh.stencil(mesh.vertices.float()).apply(values), values, atol=1e-7, rtol=0)


def test_slivers_far_from_a_point_are_still_found() -> None:
    # a long triangle holds points that are nearer to the centroids of a hundred small ones
    x = torch.linspace(0, 1, 102)
    low, high = torch.stack([x, 0 * x], -1), torch.stack([x, 0 * x + 0.01], -1)
    ring = torch.arange(101)
    first = torch.stack([ring, ring + 1, ring + 102], -1)
    second = torch.stack([ring + 1, ring + 103, ring + 102], -1)
    mesh = Mesh(
        torch.cat([low, high, torch.tensor([[0.5, 50.0]])]),
        torch.cat([first, second, torch.tensor([[102, 203, 204]])]),
        ("x", "y"),
    )
    point = torch.tensor([[0.5, 0.02]])
    torch.testing.assert_close(mesh.stencil(point).apply(mesh.vertices.T), point.double().T, atol=1e-7, rtol=0)


@pytest.mark.parametrize("name", DOMAINS)
def test_points_that_are_no_numbers_are_outside(name: str) -> None:
    domain = DOMAINS[name]
    assert domain.contains(torch.full((2, domain.dimension), torch.nan)).tolist() == [False, False]


def test_foreign_kinds_and_broken_arrays_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'grid'"):
        Domain.from_json({"kind": "gird"})
    with pytest.raises(DataError, match="not the description of a grid: KeyError"):
        Domain.from_json({"kind": "grid"})
    with pytest.raises(DataError, match="not the description of a grid: TypeError"):
        Domain.from_json({"kind": "grid", "axes": [{"name": "x"}]})
    encoded = encode_array(torch.arange(6.0))
    with pytest.raises(DataError, match="cannot hold"):
        decode_array({**encoded, "shape": [7]})
    with pytest.raises(DataError, match="not an encoded array"):
        decode_array({**encoded, "data": "@@@"})


@given(shape=st.lists(st.integers(0, 4), max_size=3), kind=st.sampled_from(["float64", "float32", "int64", "bool"]))
@settings(deadline=None)
def test_arrays_travel_in_json_and_truncation_is_noticed(shape: list[int], kind: str) -> None:
    values = (10 * torch.randn(shape, generator=torch.Generator().manual_seed(0))).to(getattr(torch, kind))
    encoded = json.loads(json.dumps(encode_array(values)))
    back = decode_array(encoded)
    assert back.dtype == values.dtype
    assert torch.equal(back, values)
    for length in range(0, len(encoded["data"]), 7):
        with pytest.raises(DataError, match=r"cannot hold|not an encoded array"):
            decode_array({**encoded, "data": encoded["data"][:length]})


def test_a_truncated_domain_is_refused() -> None:
    for name in ("L-shape", "triangles", "cloud", "equiangular sphere"):
        description = DOMAINS[name].to_json()
        entry = next(key for key, value in description.items() if isinstance(value, dict))
        description[entry] = {**description[entry], "data": description[entry]["data"][:-8]}
        with pytest.raises(DataError, match="cannot hold"):
            Domain.from_json(description)
