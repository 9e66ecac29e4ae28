"""Differences: exact on parabolas, second order on smooth functions, at the ends as inside."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fredholm.fields.differences import first_derivative, second_derivative
from fredholm.fields.grid import Axis

Derivative = Callable[[Tensor, int, Axis], Tensor]


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(("derivative", "order"), [(first_derivative, 1), (second_derivative, 2)])
def test_second_order_everywhere(derivative: Derivative, order: int, periodic: bool) -> None:
    def error(size: int) -> float:
        axis = Axis("x", 0.0, 1.0 if periodic else 0.8, size, periodic=periodic)
        phase = 2 * math.pi * axis.points() + 0.3
        exact = (2 * math.pi) ** order * (phase.cos() if order == 1 else -phase.sin())
        return float((derivative(phase.sin(), 0, axis) - exact).abs().max())

    assert math.log2(error(81) / error(161)) == pytest.approx(2, abs=0.1)


def test_parabolas_are_differentiated_exactly_along_any_dimension() -> None:
    axis = Axis("y", -1.0, 2.0, 7)
    y = axis.points()
    values = (3 * y**2 - y).expand(2, 4, -1)
    torch.testing.assert_close(first_derivative(values, 2, axis), (6 * y - 1).expand(2, 4, -1))
    torch.testing.assert_close(second_derivative(values.mT, 1, axis), torch.full((2, 7, 4), 6.0, dtype=torch.float64))


def test_derivatives_are_linear_maps_with_exact_gradients() -> None:
    axis = Axis("x", 0.0, 1.0, 6)
    values = torch.rand(6, dtype=torch.float64, requires_grad=True)
    for derivative in (first_derivative, second_derivative):
        assert torch.autograd.gradcheck(lambda f, d=derivative: d(f, 0, axis), values)


def test_another_axis_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dimension 1 of \(2, 5\) must hold the 6 points of axis 'x'"):
        first_derivative(torch.zeros(2, 5), 1, Axis("x", 0.0, 1.0, 6))
