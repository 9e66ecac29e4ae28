"""Interpolated kernels: the trained layer on its grid, integrals or fixed offsets on finer ones."""

import math

import pytest
import torch
from torch import nn

from fredholm.layers.convolution import Convolution
from fredholm.layers.kernel_interpolation import (
    Density,
    FixedOffsets,
    KernelInterpolatedConvolution,
    KernelInterpolation,
    keeps_grid,
)
from fredholm.layers.perceptron import initialised

BOTH = pytest.mark.parametrize("interpolation", [Density(), FixedOffsets()])


def on(
    layer: nn.Module, shape: list[int], periodic: list[bool], how: KernelInterpolation
) -> KernelInterpolatedConvolution:
    assert isinstance(layer, Convolution | nn.Conv1d | nn.Conv2d | nn.Conv3d)
    return KernelInterpolatedConvolution(layer.double(), shape, periodic, how).requires_grad_(False)


@BOTH
def test_on_the_trained_grid_it_is_the_trained_layer_bit_for_bit(interpolation: KernelInterpolation) -> None:
    values = torch.randn(2, 4, 12, 9, dtype=torch.float64)
    for trained in (
        nn.Conv2d(4, 6, 3, padding="same", groups=2),
        nn.Conv2d(4, 2, (5, 3), padding=(4, 1), dilation=(2, 1), padding_mode="circular", bias=False),
        Convolution(4, 3, 5, (True, False)),
    ):
        layer = on(trained, [12, 9], [True, False], interpolation)
        assert torch.equal(layer(values), trained(values))
        assert sum(p.numel() for p in layer.parameters()) == sum(p.numel() for p in trained.parameters())


def wave(n: int) -> torch.Tensor:
    x = 2 * math.pi * torch.arange(n, dtype=torch.float64) / n
    return (x.sin() + 0.5 * (2 * x).cos())[None, None]


def test_at_fixed_offsets_nested_grids_agree_exactly_and_others_to_second_order() -> None:
    with initialised(0):
        layer = on(Convolution(1, 1, 5, [True]), [16], [True], FixedOffsets())
    for n in (32, 48):
        torch.testing.assert_close(layer(wave(n))[..., :: n // 16], layer(wave(16)))
    errors = []
    for n in (24, 88):  # half the offsets fall between grid points
        fine = layer(wave(16 * n))[..., :: 2 * n]
        errors.append(float((layer(wave(n))[..., :: n // 8] - fine).abs().max()))
    assert errors[1] < errors[0] / 8
    coarse = layer(wave(8))  # also where the offsets are less than a spacing
    assert float((coarse - layer(wave(16))[..., ::2]).abs().max()) < 1.0


def test_a_density_converges_to_the_integral_of_its_piecewise_linear_kernel() -> None:
    with initialised(0):
        layer = on(Convolution(1, 1, 3, [True], bias=False), [16], [True], Density())
    left, middle, right = layer.weight.flatten().tolist()
    y = torch.linspace(-1, 1, 20001, dtype=torch.float64)  # in trained spacings
    kernel = torch.where(y < 0, middle - y * (left - middle), middle + y * (right - middle))
    x = 2 * math.pi * (3 + y) / 16
    exact = float(torch.trapezoid(kernel * (x.sin() + 0.5 * (2 * x).cos()), y)) * 3 / 2
    errors = [abs(float(layer(wave(n))[0, 0, 3 * n // 16]) - exact) for n in (64, 256)]
    assert errors[1] < errors[0] / 3.5


@BOTH
@pytest.mark.parametrize("n", [8, 11, 23, 32, 40])
def test_grids_of_any_size_are_kept_and_constants_of_uniform_kernels_exact(
    interpolation: KernelInterpolation, n: int
) -> None:
    trained = Convolution(1, 1, 5, [True])
    nn.init.constant_(trained.kernel.weight, 0.25)
    layer = on(trained, [16], [True], interpolation)
    ones = torch.ones(1, 1, n, dtype=torch.float64)
    torch.testing.assert_close(layer(ones), 1.25 * ones + float(trained.kernel.bias.detach()))


def test_zeros_beyond_walls_reach_as_far_as_the_kernel() -> None:
    with initialised(0):
        layer = on(Convolution(1, 1, 3, [False]), [17], [False], FixedOffsets())
    x = torch.linspace(0, 1, 65, dtype=torch.float64)[None, None].exp()
    torch.testing.assert_close(layer(x)[..., ::4], layer(x[..., ::4]))


def test_which_convolutions_keep_their_grid() -> None:
    assert keeps_grid(nn.Conv1d(1, 1, 3, padding=1))
    assert keeps_grid(Convolution(1, 1, 3, [True]))
    for changes in (
        nn.Conv1d(1, 1, 3),
        nn.Conv1d(1, 1, 4, padding="same"),
        nn.Conv1d(1, 1, 3, padding=1, stride=2),
        nn.Conv1d(1, 1, 3, padding=1, padding_mode="reflect"),
        Convolution(1, 1, 3, [True], stride=2),
        nn.MaxPool1d(3, 1, 1),
    ):
        assert not keeps_grid(changes)
    with pytest.raises(ValueError, match="changes its grid"):
        KernelInterpolatedConvolution(Convolution(1, 1, 3, [True], stride=2), [8], [True], Density())
