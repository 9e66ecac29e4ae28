"""U-Nets on the grids they can halve, and errors that say why not on others."""

import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.fields.grid import Axis, Grid
from fredholm.layers.extent import Extent
from fredholm.layers.perceptron import initialised
from fredholm.operators.unet import IntegralUNet, Level, ModernUNet, UNet


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
    with pytest.raises(SignatureError, match="axis 'x' has 4 points, of which 1 are left"):
        net.require(square(4, 16))
    with pytest.raises(SignatureError, match=r"axis 'x' is not periodic.*build it with periodic=\(False, False\)"):
        net.require(square(16, 16, periodic=False))
    with pytest.raises(SignatureError, match="was made for 2 axes"):
        net.require(Grid(Axis("x", 0, 1, 16, periodic=True)))


def test_the_modern_network_has_the_published_size() -> None:
    net = ModernUNet(3, 1, width=19, multipliers=(1, 2, 2, 3), kernel=9, blocks=2)
    assert sum(parameter.numel() for parameter in net.parameters()) == 65_502_463


@pytest.mark.parametrize("periodic", [(True, False), (True,), (False, True, False)])
def test_the_modern_network_commutes_with_shifts_of_periodic_axes(periodic: tuple[bool, ...]) -> None:
    with initialised(0):
        net = ModernUNet(1, 2, width=4, multipliers=(1, 2), blocks=1, periodic=periodic).double()
    x = torch.randn(1, 1, *[8] * len(periodic), dtype=torch.float64)
    for dim, closes in enumerate(periodic, start=2):
        assert torch.allclose(net(x.roll(2, dim)), net(x).roll(2, dim)) == closes


def levels(coarse: int) -> list[Level]:
    return [Level(4, 0.2), Level(6, 0.4, (coarse, coarse))]


def test_the_network_between_functions_refuses_what_its_radii_do_not_fit() -> None:
    box = Extent([1.0, 1.0], [True, True])
    net = IntegralUNet(1, 1, box, levels(8))
    net.require(square(16, 11))
    with pytest.raises(SignatureError, match=r"axis 0 has a spacing of 0\.2, too coarse"):
        net.require(square(5, 16))
    with pytest.raises(SignatureError, match=r"axis 'x' is 2 long.*made for a length of 1"):
        net.require(Grid(*(Axis(name, 0, 2, 16, periodic=True) for name in "xy")))
    with pytest.raises(SignatureError, match="axis 0 has a spacing"):
        IntegralUNet(1, 1, box, levels(2))
    with pytest.raises(ValueError, match="the finest level lives on the input's grid"):
        IntegralUNet(1, 1, box, levels(8)[::-1])


@pytest.mark.parametrize("periodic", [True, False])
def test_the_network_between_functions_converges_under_refinement(periodic: bool) -> None:
    with initialised(0):
        net = IntegralUNet(1, 1, Extent([1.0], [periodic]), [Level(4, 0.2), Level(6, 0.4, (9,))]).double()

    def answer(n: int) -> torch.Tensor:
        x = Axis("x", 0, 1, n if periodic else n + 1, periodic=periodic).points()
        values = (2 * torch.pi * x).sin() + 0.5 * (4 * torch.pi * x).cos()
        return net(values[None, None])[..., :: n // 16].detach()

    finest = answer(1024)
    coarse, fine = ((answer(n) - finest).norm() / finest.norm() for n in (32, 128))
    assert fine < coarse / 8
