"""Modes: compressed within their tolerance, and evaluated between points at the order that is claimed."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import OutsideDomainError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.point_cloud import PointCloud
from fredholm.operators.deeponet import DenseModes, Modes, SeparableModes
from fredholm.operators.deeponet.continuation import continued

SPACE_TIME = Grid(Axis("x", 0.0, 2.0, 9), Axis("y", 0.0, 1.0, 7)) * Grid(Axis("t", 0.0, 0.5, 6))


def waves(points: torch.Tensor) -> torch.Tensor:
    """Three functions that no product of functions of one variable is equal to, (..., 3)."""
    x, y, t = points.double().unbind(-1)
    return torch.stack([torch.cos(2 * x + y - 3 * t), torch.sin(x * y + t), torch.exp(-((x - y - t) ** 2))], dim=-1)


def separable(domain: Domain, tolerance: float = 1e-12) -> SeparableModes:
    return SeparableModes.of(domain, waves(domain.coordinates()).T.contiguous(), tolerance).double()


@settings(deadline=None, max_examples=30)
@given(st.floats(1e-6, 0.9), st.integers(0, 10**6))
def test_compression_keeps_to_its_tolerance(tolerance: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(4, SPACE_TIME.size, generator=generator, dtype=torch.float64)
    compressed = SeparableModes.of(SPACE_TIME, values, tolerance).on_domain().T
    assert float((compressed - values).norm() / values.norm()) <= tolerance * (1 + 1e-9)


def test_a_product_of_functions_needs_one_factor_an_axis() -> None:
    x, y, t = SPACE_TIME.coordinates().T
    modes = SeparableModes.of(SPACE_TIME, (torch.sin(x) * torch.exp(y) * (1 + t))[None], 1e-10)
    assert modes.core.shape == (1, 1, 1, 1)


def test_compression_pays_for_smooth_functions() -> None:
    modes = separable(SPACE_TIME, 1e-3)
    assert sum(buffer.numel() for buffer in modes.buffers()) < 0.5 * 3 * SPACE_TIME.size
    assert dense(SPACE_TIME).state_dict()["values"].numel() == 3 * SPACE_TIME.size


def dense(domain: Domain) -> DenseModes:
    return DenseModes.of(domain, waves(domain.coordinates()).T)


@pytest.mark.parametrize("form", [separable, dense])
def test_modes_at_the_grid_are_the_modes(form: Callable[[Domain], Modes]) -> None:
    modes, points = form(SPACE_TIME), SPACE_TIME.coordinates()
    torch.testing.assert_close(modes.on_domain(), waves(points), rtol=0, atol=1e-10)
    torch.testing.assert_close(modes.at(points), waves(points), rtol=0, atol=1e-10)
    torch.testing.assert_close(modes.at(points.reshape(9, 42, 3)), waves(points.reshape(9, 42, 3)), rtol=0, atol=1e-10)


def error_between_points(size: int, form: Callable[[Domain], Modes]) -> float:
    grid = Grid(Axis("x", 0.0, 2.0, size), Axis("y", 0.0, 1.0, size)) * Grid(Axis("t", 0.0, 0.5, size))
    points = torch.rand(500, 3, generator=torch.Generator().manual_seed(0)).double() * torch.tensor([2.0, 1.0, 0.5])
    return float((form(grid).at(points) - waves(points)).square().mean().sqrt())


@pytest.mark.parametrize(("form", "order"), [(separable, 4), (dense, 2)])
def test_order_of_interpolation(form: Callable[[Domain], Modes], order: int) -> None:
    errors = [error_between_points(size, form) for size in (9, 17, 33)]
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert min(orders) > order - 0.4


@given(st.lists(st.floats(-2, 2), min_size=4, max_size=4), st.floats(0, 1))
@settings(deadline=None, max_examples=50)
def test_cubics_are_interpolated_exactly_up_to_the_ends(c: list[float], at: float) -> None:
    line = Grid(Axis("x", 0.0, 1.0, 5))
    x = line.coordinates()[:, 0]
    values = sum(coefficient * x**k for k, coefficient in enumerate(c)) + torch.zeros(5)
    modes = SeparableModes.of(line, values[None].double(), 1e-15).double()
    expected = sum(coefficient * at**k for k, coefficient in enumerate(c))
    assert float(modes.at(torch.tensor([[at]], dtype=torch.float64))) == pytest.approx(expected, abs=1e-12)


def test_periodic_axes_close_on_themselves() -> None:
    circle = Grid(Axis("a", 0.0, 2 * math.pi, 64, periodic=True))
    values = torch.cos(circle.coordinates()[:, 0] - 1)[None]
    modes = SeparableModes.of(circle, values, 1e-12).double()
    at = torch.linspace(-7, 14, 200, dtype=torch.float64)[:, None]
    torch.testing.assert_close(modes.at(at)[:, 0], torch.cos(at[:, 0] - 1), rtol=0, atol=1e-5)


def l_shape(size: int) -> Grid:
    axes = Axis("x", 0.0, 1.0, size), Axis("y", 0.0, 1.0, size)
    x, y = Grid(*axes).coordinates().T
    return Grid(*axes, mask=((x <= 0.5) | (y <= 0.5)).reshape(size, size))


def standing_wave(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """One with walls at 0, 1/2 and 1, around a mean of 1."""
    return 1 + 0.1 * torch.cos(2 * math.pi * x) * torch.cos(2 * math.pi * y)


def test_beyond_a_wall_modes_continue_those_inside() -> None:
    """A field of zeros behind the wall would spoil what is interpolated before it."""
    room = l_shape(17)
    x, y = room.coordinates().T
    inside = room.mask.reshape(-1)
    values = torch.where(inside, standing_wave(x, y), 0.0)
    domain = room * Grid(Axis("t", 0.0, 1.0, 4))
    modes = SeparableModes.of(domain, values.repeat_interleave(4)[None], 1e-9).double()
    points = torch.rand(2000, 3, generator=torch.Generator().manual_seed(0)).double()
    points = points[room.contains(points[:, :2])]
    error = modes.at(points)[:, 0] - standing_wave(points[:, 0], points[:, 1])
    assert float(error.abs().max()) < 2e-4  # as far from walls: zeros behind them would cost 6e-2
    kept = modes.on_domain()[inside.repeat_interleave(4), 0]
    torch.testing.assert_close(kept, values.repeat_interleave(4)[inside.repeat_interleave(4)], rtol=0, atol=1e-8)


@pytest.mark.parametrize("periodic", [False, True])
def test_the_layer_behind_a_wall_continues_cubics(periodic: bool) -> None:
    axes = Axis("x", 0.0, 1.0, 13, periodic=periodic), Axis("y", 0.0, 1.0, 9)
    x, y = (column.reshape(13, 9) for column in Grid(*axes).coordinates().T)
    inside = torch.ones(13, 9, dtype=torch.bool)
    inside[7:, 5:] = False
    cubic = (1 + x - 2 * x**2 + x**3) * (1 - y**3)
    behind = continued(torch.where(inside, cubic, 0.0)[None], inside, axes)[0]
    assert torch.equal(behind[inside], cubic[inside])
    torch.testing.assert_close(behind[7, 6:], cubic[7, 6:], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(behind[8:12, 5], cubic[8:12, 5], rtol=1e-10, atol=1e-10)


def test_walls_cost_few_factors() -> None:
    """Plane waves in an L need hardly more factors than in the box, and fewer than with zeros behind the walls."""
    room = l_shape(33)
    x, y = room.coordinates().T
    angles = torch.tensor([0.3, 1.0, 2.0, 3.0]).double()[:, None]
    box = torch.cos(6 * (x * angles.cos() + y * angles.sin()) + angles)
    walled = torch.where(room.mask.reshape(-1), box, 0.0)
    in_room = SeparableModes.of(room, walled, 0.01)
    with_zeros, in_box = (SeparableModes.of(Grid(*room.axes), values, 0.01) for values in (walled, box))
    assert in_room.core.numel() <= 1.5 * in_box.core.numel()
    assert in_room.core.numel() <= 0.7 * with_zeros.core.numel()
    inside = room.mask.reshape(-1)
    kept = in_room.on_domain().T - walled
    assert float((kept * inside).norm() / walled.norm()) <= 0.01


def test_modes_on_scattered_points_are_dense() -> None:
    cloud = PointCloud(torch.rand(30, 2, generator=torch.Generator().manual_seed(0)).double(), ("x", "y"))
    with pytest.raises(ValueError, match="no tensor product of axes: use DenseModes"):
        SeparableModes(cloud, (1, 1), 2)
    modes = DenseModes.of(cloud, torch.randn(2, 30))
    assert torch.equal(modes.at(cloud.coordinates()), modes.on_domain())


def test_short_axes_and_points_outside_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 4 points along 'x'"):
        SeparableModes(Grid(Axis("x", 0.0, 1.0, 3)), (1,), 1)
    with pytest.raises(OutsideDomainError):
        DenseModes(SPACE_TIME, 2).at(torch.tensor([[2.5, 0.5, 0.1]]))


def test_mixing_cores_first_is_the_same_sum() -> None:
    domain = Grid(Axis("x", 0.0, 1.0, 9), Axis("y", 0.0, 2.0, 8)) * Grid(Axis("t", 0.0, 1.0, 7))
    values = torch.randn(6, domain.size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    modes = SeparableModes.of(domain, values, tolerance=0.1)
    lower, upper = domain.bounds
    points = lower + (upper - lower) * torch.rand(50, 3, generator=torch.Generator().manual_seed(1)).double()
    for batch in (1, 5, 6, 20):  # fewer sums than modes, as many, more
        coefficients = torch.randn(batch, 6, generator=torch.Generator().manual_seed(batch), dtype=torch.float64)
        direct = coefficients @ modes.at(points).T
        torch.testing.assert_close(modes.combined(coefficients, points), direct, atol=1e-12, rtol=0)
