"""Convolutional networks: the one of pixels, and the one of local operators that has a limit."""

import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.fields.grid import Axis, Grid
from fredholm.layers.extent import Extent
from fredholm.layers.kernel_operators import Differential, KernelOperator, LocalIntegral, Spectral
from fredholm.layers.perceptron import initialised
from fredholm.operators.convolutional import ConvNet, LocalNO


def ring(n: int, length: float = 1.0, periodic: bool = True) -> Grid:
    return Grid(Axis("x", 0, length, n, periodic=periodic))


def wave(n: int) -> torch.Tensor:
    x = 2 * torch.pi * torch.arange(n, dtype=torch.float64) / n
    return (x.sin() + 0.5 * (2 * x).cos())[None, None]


@pytest.mark.parametrize(
    ("kind", "rate"),
    [(LocalIntegral(0.25), 3.0), (Differential(1), 1.7), (Differential(2), 3.0)],
    ids=["integral", "first", "second"],
)
def test_local_operators_converge_at_the_order_of_their_stencils(kind: KernelOperator, rate: float) -> None:
    with initialised(0):
        net = LocalNO(1, 1, Extent([1.0], [True]), [[kind]], width=6).double().requires_grad_(False)

    def change(n: int) -> float:
        return float((net(wave(n)) - net(wave(2 * n))[..., ::2]).norm() / net(wave(n)).norm())

    assert change(64) / change(128) > rate


def test_the_receptive_field_of_pixels_halves_with_the_spacing_and_that_of_a_radius_does_not() -> None:
    with initialised(0):
        pixels = ConvNet(1, 1, 4, 1, periodic=[True]).double()
        local = LocalNO(1, 1, Extent([1.0], [True]), [[LocalIntegral(0.2)]], width=4).double()
        pixels.blocks[0][0] = pixels.blocks[0][3] = torch.nn.Identity()  # norms see the whole grid

    def reach(net: torch.nn.Module, n: int) -> float:
        values = torch.zeros(1, 1, n, dtype=torch.float64, requires_grad=True)
        net(values)[0, 0, n // 2].backward()
        assert values.grad is not None
        return float((values.grad[0, 0].abs() > 0).sum()) / n

    assert reach(pixels, 32) == pytest.approx(2 * reach(pixels, 64))
    assert reach(local, 32) == pytest.approx(reach(local, 64), abs=2 / 32)


def test_every_block_may_have_kernels_of_several_kinds() -> None:
    blocks = [[Spectral([4, 4]), LocalIntegral(0.3)], [Spectral([4, 4]), Differential()]]
    net = LocalNO(2, 1, Extent([1.0, 1.0], [True, False]), blocks, width=4)
    assert net(torch.zeros(3, 2, 12, 9)).shape == (3, 1, 12, 9)


def test_grids_that_do_not_fit_are_refused() -> None:
    net = LocalNO(1, 1, Extent([1.0], [True]), [[LocalIntegral(0.2)]], width=4)
    net.require(ring(16))
    with pytest.raises(SignatureError, match="too coarse"):
        net.require(ring(4))
    with pytest.raises(SignatureError, match="is 2 long"):
        net.require(ring(16, length=2.0))
    with pytest.raises(SignatureError, match="is not periodic"):
        ConvNet(1, 1, 4, 1, periodic=[True]).require(ring(16, periodic=False))
