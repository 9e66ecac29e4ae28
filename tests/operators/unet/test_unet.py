"""U-Nets on the grids they can halve, and errors that say why not on others."""

import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.fields.grid import Axis, Grid
from fredholm.layers.perceptron import initialised
from fredholm.operators.unet import UNet


def square(x: int, y: int, periodic: bool = True) -> Grid:
    return Grid(Axis("x", 0, 1, x, periodic=periodic), Axis("y", 0, 1, y, periodic=periodic))


@pytest.mark.parametrize("periodic", [(False,), (True, True), (True, False), (True, False, False)])
def test_the_grid_is_kept(periodic: tuple[bool, ...]) -> None:
    net = UNet(2, 3, width=4, multipliers=(1, 2), periodic=periodic)
    assert net(torch.zeros(2, 2, *[8] * len(periodic))).shape == (2, 3, *[8] * len(periodic))


def test_commutes_with_shifts_of_periodic_axes_by_the_coarsest_spacing() -> None:
    with initialised(0):
        net = UNet(1, 1, width=4, multipliers=(1, 2, 2), kernel=5, periodic=(True, False)).double()
    x = torch.randn(1, 1, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(net(x.roll(4, 2)), net(x).roll(4, 2))
    assert not torch.allclose(net(x.roll(1, 2)), net(x).roll(1, 2))  # pooling is bound to the grid
    assert not torch.allclose(net(x.roll(4, 3)), net(x).roll(4, 3))  # zeros beyond the walls


def test_refuses_grids_it_cannot_halve() -> None:
    net = UNet(1, 1, width=4, multipliers=(1, 2, 2), kernel=5, periodic=(True, True))
    net.require(square(16, 12))
    with pytest.raises(SignatureError, match="axis 'y' has 18 points: expected a multiple of 4"):
        net.require(square(16, 18))
    with pytest.raises(SignatureError, match="axis 'x' has 8 points, of which 2 are left"):
        net.require(square(8, 16))
    with pytest.raises(SignatureError, match=r"axis 'x' is not periodic.*pass periodic=\(False, False\)"):
        net.require(square(16, 16, periodic=False))
    with pytest.raises(SignatureError, match="was made for 2 axes"):
        net.require(Grid(Axis("x", 0, 1, 16, periodic=True)))
