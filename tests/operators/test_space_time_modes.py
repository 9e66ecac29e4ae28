"""Modes in hierarchical form: within their tolerance, the same functions as dense ones, smaller than in Tucker form."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.fields.grid import Axis, Grid
from fredholm.operators.deeponet import SeparableModes, SpaceTimeModes

ROOM = Grid(Axis("x", 0.0, 2.0, 7), Axis("y", 0.0, 1.0, 6), Axis("z", 0.0, 1.5, 5))
DOMAIN = ROOM * Grid(Axis("t", 0.0, 0.5, 8))


def waves(points: torch.Tensor) -> torch.Tensor:
    """Two functions that no product of functions of one variable is equal to, (..., 2)."""
    x, y, z, t = points.double().unbind(-1)
    return torch.stack([torch.cos(2 * x + y - z - 3 * t), torch.exp(-((x - y + z - t) ** 2))], dim=-1)


def hierarchical(tolerance: float = 1e-12) -> SpaceTimeModes:
    return SpaceTimeModes.of(DOMAIN, waves(DOMAIN.coordinates()).T.contiguous(), tolerance).double()


@settings(deadline=None, max_examples=15)
@given(st.floats(1e-6, 0.9), st.integers(0, 10**6))
def test_compression_keeps_to_its_tolerance(tolerance: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(4, DOMAIN.size, generator=generator, dtype=torch.float64)
    compressed = SpaceTimeModes.of(DOMAIN, values, tolerance).on_domain().T
    assert float((compressed - values).norm() / values.norm()) <= tolerance * (1 + 1e-9)


def test_modes_at_the_grid_are_the_modes() -> None:
    modes, points = hierarchical(), DOMAIN.coordinates()
    torch.testing.assert_close(modes.on_domain(), waves(points), rtol=0, atol=1e-10)
    torch.testing.assert_close(modes.at(points), waves(points), rtol=0, atol=1e-10)


def test_mixing_the_cores_first_gives_the_same_sums() -> None:
    modes, points = hierarchical(), DOMAIN.coordinates()[::17]
    few, many = torch.randn(1, 2, dtype=torch.float64), torch.randn(9, 2, dtype=torch.float64)
    for coefficients in (few, many):
        expected = coefficients @ waves(points).T
        torch.testing.assert_close(modes.combined(coefficients, points), expected, rtol=0, atol=1e-10)


def test_between_points_the_error_falls_with_the_fourth_power_of_the_spacing() -> None:
    def error(size: int) -> float:
        axes = [Axis(name, 0.0, 1.0, size) for name in "xyz"]
        domain = Grid(*axes) * Grid(Axis("t", 0.0, 0.5, size))
        points = torch.rand(300, 4, generator=torch.Generator().manual_seed(0)).double()
        points[:, 3] /= 2
        modes = SpaceTimeModes.of(domain, waves(domain.coordinates()).T.contiguous(), 1e-9).double()
        return float((modes.at(points) - waves(points)).square().mean().sqrt())

    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(error(size) for size in (5, 9, 17))]
    assert orders[-1] > 3.5


def test_a_standing_wave_needs_fewer_functions_of_space_than_products_of_factors() -> None:
    x, y, z, t = DOMAIN.coordinates().double().T
    parts = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 1), (0, 2, 1)]
    values = sum(
        torch.cos(a * math.pi * x / 2)
        * torch.cos(b * math.pi * y)
        * torch.cos(c * math.pi * z / 1.5)
        * torch.cos(k * t)
        for k, (a, b, c) in enumerate(parts, 1)
    )
    assert isinstance(values, torch.Tensor)
    modes, tucker = (kind.of(DOMAIN, values[None], 1e-9) for kind in (SpaceTimeModes, SeparableModes))
    assert len(modes.space) == len(parts)
    assert modes.core.numel() < tucker.core.numel()


def test_a_domain_that_is_no_space_and_time_is_refused() -> None:
    with pytest.raises(ValueError, match="no grid of space x time"):
        SpaceTimeModes.of(ROOM, torch.zeros(1, ROOM.size), 0.1)
