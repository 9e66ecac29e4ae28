"""The Sobolev loss is the relative H1 norm of the fields, Parseval's sum on a torus, and has finite gradients."""

import math

import pytest
import torch

from fredholm.data.batch import Batch
from fredholm.errors import SignatureError
from fredholm.fields import Axis, Field, Grid, Quantity, h1_norm
from fredholm.training import RelativeL2, SobolevLoss

WALLED = Grid(Axis("x", 0.0, 2.0, 9), Axis("y", 0.5, 1.0, 7))
TORUS = Grid(Axis("x", 0.0, 2 * math.pi, 12, periodic=True), Axis("y", 0.0, 1.0, 8, periodic=True))
CHANNEL = Grid(Axis("x", 0.0, 3.0, 10, periodic=True), Axis("y", 0.0, 1.0, 6))


def fields(grid: Grid, n: int = 3, channels: int = 2) -> tuple[torch.Tensor, Batch]:
    generator = torch.Generator().manual_seed(0)
    prediction, target = torch.randn(2, n, channels, *grid.shape, generator=generator, dtype=torch.float64)
    return prediction, Batch({}, None, target, grid.weights().reshape(grid.shape), torch.arange(n))


@pytest.mark.parametrize("grid", [WALLED, TORUS, CHANNEL], ids=["walled", "torus", "channel"])
def test_it_is_the_relative_h1_norm(grid: Grid) -> None:
    prediction, batch = fields(grid)
    names = (Quantity("u"), Quantity("v"))
    error, norm = (h1_norm(Field(v, grid, names)).norm(dim=1) for v in (prediction - batch.target, batch.target))
    torch.testing.assert_close(SobolevLoss(grid)(prediction, batch), (error / norm).mean())


def test_on_a_torus_it_weighs_fourier_coefficients_with_their_wave_numbers() -> None:
    """By Parseval: Σ (1 + |k|²) |ê|², where k counts in radians a unit of length."""
    prediction, batch = fields(TORUS)
    order = [torch.fft.fftfreq(n, 1 / n, dtype=torch.float64) for n in TORUS.shape]
    for k, n in zip(order, TORUS.shape, strict=True):
        k[n // 2] = 0.0  # the slope of the Nyquist wave vanishes at the points
    weight = 1 + order[0][:, None] ** 2 + (2 * math.pi * order[1]) ** 2
    error, norm = (
        (weight * torch.fft.fft2(v).abs().square()).sum((1, 2, 3)) for v in (prediction - batch.target, batch.target)
    )
    torch.testing.assert_close(SobolevLoss(TORUS)(prediction, batch), (error / norm).sqrt().mean())


def test_a_length_balances_values_and_slopes() -> None:
    """Error and target of one wave number: (1 + (ℓ k)²) / (1 + (ℓ m)²), k and m counted in waves for ℓ = side / 2π."""
    unit = Grid(Axis("x", 0.0, 1.0, 16, periodic=True))
    x = 2 * math.pi * unit.axes[0].points()
    batch = Batch({}, None, torch.sin(x)[None, None], unit.weights(), torch.arange(1))
    counted = SobolevLoss(unit, length=1 / (2 * math.pi))
    assert float(counted(batch.target + torch.cos(3 * x), batch)) == pytest.approx(math.sqrt(10 / 2))
    with pytest.raises(ValueError, match="positive and finite, got 0"):
        SobolevLoss(unit, length=0.0)


def test_it_converges_to_its_integral_in_second_order() -> None:
    """ŝ - s = x² y on the unit square: ‖·‖₁² = 1/15 + 4/9 + 1/5 against s = y: 1/3 + 1."""

    def error(n: int) -> float:
        grid = Grid(Axis("x", 0.0, 1.0, n + 1), Axis("y", 0.0, 1.0, n + 1))
        x, y = grid.coordinates().T.reshape(2, 1, 1, n + 1, n + 1)
        batch = Batch({}, None, y, grid.weights().reshape(grid.shape), torch.arange(1))
        return abs(float(SobolevLoss(grid)(y + x**2 * y, batch)) - math.sqrt((1 / 15 + 4 / 9 + 1 / 5) / (4 / 3)))

    assert error(8) / error(16) == pytest.approx(4, rel=0.1)


def test_a_short_wave_costs_more_than_in_l2() -> None:
    x = TORUS.axes[0].points()[:, None].expand(TORUS.shape)
    batch = Batch({}, None, torch.sin(x)[None, None], TORUS.weights().reshape(TORUS.shape), torch.arange(1))
    for k, ratio in ((1, 1.0), (3, math.sqrt(5)), (5, math.sqrt(13))):  # ((1 + k²) / (1 + 1))^½
        prediction = batch.target + 0.1 * torch.cos(k * x)
        relative = float(SobolevLoss(TORUS)(prediction, batch)) / float(RelativeL2()(prediction, batch))
        assert relative == pytest.approx(ratio)


def test_a_sample_that_is_zero_has_finite_error_and_gradient() -> None:
    prediction = torch.full((1, 1, *WALLED.shape), 0.5, requires_grad=True)
    weights = WALLED.weights().float().reshape(WALLED.shape)
    SobolevLoss(WALLED)(prediction, Batch({}, None, torch.zeros_like(prediction), weights, torch.arange(1))).backward()
    assert prediction.grad is not None
    assert bool(prediction.grad.isfinite().all())


def test_the_gradient_of_the_loss_is_exact() -> None:
    prediction, batch = fields(CHANNEL, n=2, channels=1)
    loss = SobolevLoss(CHANNEL)
    assert torch.autograd.gradcheck(lambda values: loss(values, batch), prediction.requires_grad_())


def test_other_grids_are_refused() -> None:
    with pytest.raises(SignatureError, match="masked grid"):
        SobolevLoss(Grid(Axis("x", 0, 1, 3), mask=torch.tensor([True, True, False])))
    prediction, batch = fields(WALLED)
    with pytest.raises(SignatureError, match=r"shape \(3, 2, 9, 7\), and the loss wants \(batch, channels, 10, 6\)"):
        SobolevLoss(CHANNEL)(prediction, batch)
