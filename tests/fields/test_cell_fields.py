"""Gaussian fields at cell centres: the cosine series, whatever the resolution."""

import math

import pytest
import torch

from fredholm.fields import Axis, CellNeumannGaussianField, Grid


def cells(size: int, length: float = 1.0, name: str = "x") -> Axis:
    return Axis(name, 0.5 * length / size, length - 0.5 * length / size, size)


def test_covariance_is_the_cosine_series() -> None:
    length, n = 1.5, 12
    axis = cells(n, length)
    x, exact = axis.points(), torch.zeros(n, n, dtype=torch.float64)
    for order in range(n):
        k = math.pi * order / length
        square = (1 if order == 0 else 2) / length
        exact += square * 4.0 * (k**2 + 9.0) ** -1.5 * torch.outer(torch.cos(k * x), torch.cos(k * x))
    field = CellNeumannGaussianField(Grid(axis), exponent=1.5, inverse_length=3.0, scale=2.0)
    torch.testing.assert_close(field.covariance(), exact, atol=1e-12, rtol=0)


def test_variance_does_not_depend_on_the_resolution() -> None:
    def middle(size: int) -> float:
        grid = Grid(cells(size), cells(size, name="y"))
        return float(CellNeumannGaussianField(grid, 4.0, 2.0).covariance().diagonal()[grid.size // 2])

    assert middle(9) == pytest.approx(middle(27), rel=1e-4)


def test_periodic_axes_are_refused() -> None:
    with pytest.raises(ValueError, match="axis 'x' is periodic"):
        CellNeumannGaussianField(Grid(Axis("x", 0.0, 1.0, 4, periodic=True)), 2.0, 3.0)
