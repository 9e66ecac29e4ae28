"""Resampling: exact where it promises to be, and as `fields.spectral` has it."""

import pytest
import torch

from fredholm.fields.grid import Axis, Grid
from fredholm.fields.spectral import resample
from fredholm.layers.resampling import BandLimited, Linear, Resampling


@pytest.mark.parametrize(("before", "after"), [(8, 4), (4, 8), (8, 6), (8, 7), (7, 8), (9, 6), (6, 9)])
def test_band_limited_is_the_trigonometric_interpolant(before: int, after: int) -> None:
    values = torch.randn(2, 3, before, 5, 4, dtype=torch.float64)

    def box(n: int) -> Grid:
        return Grid(*(Axis(name, 0, 1, size, periodic=True) for name, size in (("x", n), ("y", 5), ("z", 2 * n))))

    values = torch.randn(2, 3, *box(before).shape, dtype=torch.float64)
    found = BandLimited()(values, box(after).shape, (True, True, True))
    torch.testing.assert_close(found, resample(values, box(before), box(after)))


def test_linear_functions_stay_linear_between_walls() -> None:
    x, y = torch.linspace(0, 1, 7, dtype=torch.float64), torch.linspace(0, 1, 9, dtype=torch.float64)
    fine_x, fine_y = torch.linspace(0, 1, 11, dtype=torch.float64), torch.linspace(0, 1, 5, dtype=torch.float64)
    for interpolant in (Linear(), BandLimited()):
        found = interpolant((2 * x[:, None] - y)[None, None], (11, 5), (False, False))
        torch.testing.assert_close(found[0, 0], 2 * fine_x[:, None] - fine_y)


@pytest.mark.parametrize("interpolant", [Linear(), BandLimited()])
def test_to_the_same_grid_nothing_is_touched_and_every_other_point_is_read(interpolant: Linear | BandLimited) -> None:
    values = torch.randn(1, 1, 8, dtype=torch.float64)
    assert Resampling((8,), (True,), interpolant)(values) is values
    smooth = BandLimited()(torch.randn(1, 1, 4, dtype=torch.float64), (8,), (True,))
    torch.testing.assert_close(Resampling((4,), (True,), interpolant)(smooth), smooth[..., ::2])
