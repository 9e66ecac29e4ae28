"""Finite-difference layers: exact on polynomials, convergent to the derivative that their moments name."""

import math
from itertools import product

import pytest
import torch

from fredholm.layers.extent import Extent
from fredholm.layers.finite_difference import FiniteDifferenceConvolution
from fredholm.layers.perceptron import initialised


def moments(layer: FiniteDifferenceConvolution) -> tuple[torch.Tensor, torch.Tensor]:
    """Σ K o and Σ K o oᵀ of a layer with one input and output."""
    offsets = torch.tensor([o for o in product((-1.0, 0.0, 1.0), repeat=layer.extent.dimension) if any(o)]).double()
    kernel = layer.weight[0, 0]
    return kernel @ offsets, torch.einsum("k,ki,kj->ij", kernel, offsets, offsets)


def layer(extent: Extent, order: int) -> FiniteDifferenceConvolution:
    with initialised(order):
        return FiniteDifferenceConvolution(1, 1, extent, order).double()  # type: ignore[arg-type]


def coordinates(extent: Extent, shape: tuple[int, ...]) -> list[torch.Tensor]:
    axes = [h * torch.arange(n, dtype=torch.float64) for h, n in zip(extent.spacing(shape), shape, strict=True)]
    return list(torch.meshgrid(*axes, indexing="ij"))


@pytest.mark.parametrize("shape", [(9,), (9, 6), (5, 6, 7)])
def test_first_order_is_exact_on_linear_functions_up_to_the_walls(shape: tuple[int, ...]) -> None:
    box = Extent([1.0, 3.0, 2.0][: len(shape)], [False] * len(shape))
    difference = layer(box, 1)
    slope, _ = moments(difference)
    direction = torch.tensor([2.0, -1.0, 0.5][: len(shape)], dtype=torch.float64)
    values = 4.0 + sum(c * x for c, x in zip(direction, coordinates(box, shape), strict=True))
    found = difference(values[None, None])
    torch.testing.assert_close(found, torch.full_like(found, float(slope @ direction)))


@pytest.mark.parametrize("shape", [(9,), (9, 6), (5, 6, 7)])
def test_second_order_is_exact_on_quadratic_functions_up_to_the_walls(shape: tuple[int, ...]) -> None:
    box = Extent([1.0, 3.0, 2.0][: len(shape)], [False] * len(shape))
    difference = layer(box, 2)
    _, second = moments(difference)
    x = coordinates(box, shape)
    hessian = torch.randn(len(shape), len(shape), dtype=torch.float64)
    hessian = hessian + hessian.T
    values = 1.0 + 5 * x[0] + sum(0.5 * hessian[i, j] * x[i] * x[j] for i, j in product(range(len(shape)), repeat=2))
    found = difference(values[None, None])
    torch.testing.assert_close(found, torch.full_like(found, float(0.5 * (second * hessian).sum())))


def test_on_square_cells_it_is_the_stencil_without_its_sum_divided_by_the_spacing() -> None:
    difference = layer(Extent([1.0, 1.0], [True, True]), 1)
    values, kernel = torch.randn(1, 1, 8, 8, dtype=torch.float64), difference.weight[0, 0]
    kernel = torch.cat([kernel[:4], kernel.new_zeros(1), kernel[4:]]).reshape(1, 1, 3, 3)
    around = torch.nn.functional.pad(values, (1, 1, 1, 1), mode="circular")
    expected = (torch.nn.functional.conv2d(around, kernel) - kernel.sum() * values) * 8
    torch.testing.assert_close(difference(values), expected)


@pytest.mark.parametrize(("order", "rate"), [(1, 1), (2, 2)])
def test_refinement_converges_to_the_derivative_named_by_the_moments(order: int, rate: int) -> None:
    box = Extent([1.0, 2.0], [True, False])
    difference = layer(box, order)
    slope, second = moments(difference)

    def error(n: int) -> float:
        x, y = coordinates(box, (n, 2 * n + 1))
        k = 2 * math.pi
        values, cosine = (k * x).sin() * y.exp(), (k * x).cos() * y.exp()
        if order == 1:
            exact = slope[0] * k * cosine + slope[1] * values
        else:
            exact = 0.5 * (-second[0, 0] * k**2 * values + second[1, 1] * values) + second[0, 1] * k * cosine
        off = difference(values[None, None])[0, 0] - exact
        return float(off[:, 1:-1].abs().max() / exact.abs().max())

    assert error(32) / error(64) == pytest.approx(2**rate, rel=0.15)
