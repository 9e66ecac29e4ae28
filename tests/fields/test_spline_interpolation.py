"""Splines between grids: exact for cubics, fourth order for smooth functions, periodic where the axis is."""

import math

import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.product import Product
from fredholm.fields.spline_interpolation import spline_between


def test_cubics_of_every_axis_are_exact_also_a_little_beyond_the_source() -> None:
    coarse = Product(Grid(Axis("x", 0.05, 0.95, 10), Axis("y", -1.0, 1.0, 7)), Grid(Axis("t", 0.0, 2.0, 6)))
    fine = Product(Grid(Axis("x", 0.0, 1.0, 23), Axis("y", -1.0, 1.0, 12)), Grid(Axis("t", 0.0, 2.0, 6)))

    def cubic(domain: Product) -> torch.Tensor:
        x, y, t = domain.coordinates().T
        return ((x**3 - x) * (1 + y**2) + t * y**3).reshape(1, 1, *domain.shape)

    torch.testing.assert_close(spline_between(cubic(coarse), coarse, fine), cubic(fine))


@pytest.mark.parametrize("periodic", [False, True])
def test_the_error_falls_with_the_fourth_power_of_the_spacing(periodic: bool) -> None:
    def error(points: int) -> float:
        grids = [Grid(Axis("x", 0.0, 1.0, n, periodic=periodic)) for n in (points, 1600)]
        values = [torch.sin(2 * math.pi * (grid.axes[0].points() + 0.1)) for grid in grids]
        return float((spline_between(values[0], *grids) - values[1]).abs().max())

    assert math.log2(error(40) / error(80)) == pytest.approx(4, abs=0.25)


def test_masks_and_other_axes_are_refused() -> None:
    line, square = Grid(Axis("x", 0.0, 1.0, 5)), Grid(Axis("x", 0.0, 1.0, 5), Axis("y", 0.0, 1.0, 5))
    masked = Grid(Axis("x", 0.0, 1.0, 5), mask=torch.tensor([True, True, True, True, False]))
    with pytest.raises(SignatureError, match="without masks"):
        spline_between(torch.zeros(5), masked, line)
    with pytest.raises(SignatureError, match="as many axes"):
        spline_between(torch.zeros(5), line, square)
