"""Test functions on balls: their gradient, what makes weak forms consistent, the order of the rules."""

import math

import pytest
import torch

from fredholm.fields.wendland import (
    BallRule,
    CorrectedMean,
    GaussBall,
    PlainMean,
    WendlandTests,
    wendland,
    wendland_gradient,
)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_the_gradient_is_that_of_automatic_differentiation(dimension: int) -> None:
    xi = 1.4 * torch.rand(50, dimension, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 0.7
    xi.requires_grad_()
    (expected,) = torch.autograd.grad(wendland(xi).sum(), xi)
    torch.testing.assert_close(wendland_gradient(xi.detach()), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("dimension", "points", "ratio"), [(2, 7, 0.98763), (2, 8, 1.00205), (2, 9, 0.99827), (1, 10, 1.00076)]
)
def test_plain_means_keep_the_identity_only_nearly(dimension: int, points: int, ratio: float) -> None:
    """⟨ξ₁ ∂₁v⟩ = -c₀ ⟨v⟩, with the constants of the published grids; the corrected rule keeps it exactly."""
    for rule, expected in ((PlainMean(points), ratio), (CorrectedMean(points), 1.0)):
        tests = WendlandTests(dimension, 0.3, rule)
        identity = -float((tests.offsets[:, 0] * tests.gradients[:, 0]).sum() / tests.values.sum())
        assert identity == pytest.approx(expected, abs=6e-6)


@pytest.mark.parametrize("dimension", [1, 2])
def test_gauss_rules_converge_to_exact_integrals(dimension: int) -> None:
    constants = [WendlandTests(dimension, 1.0, GaussBall(radial, 8)).constant for radial in (2, 3, 8)]
    errors = [abs(constant - 1) for constant in constants]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-12


@pytest.mark.parametrize("rule", [CorrectedMean(9), GaussBall(2, 4)], ids=str)
def test_the_residual_is_the_divergence_to_second_order(rule: BallRule) -> None:
    """⟨F · ∇v⟩ → -div F(c) with an error of O(R²)."""
    centre = torch.tensor([0.3, 0.6], dtype=torch.float64)

    def error(radius: float) -> float:
        tests = WendlandTests(2, radius, rule)
        x = centre + tests.offsets
        flux = torch.stack([torch.sin(3 * x[:, 0]) * x[:, 1], torch.exp(x[:, 0] - 2 * x[:, 1])], dim=-1)
        divergence = 3 * math.cos(0.9) * 0.6 - 2 * math.exp(0.3 - 1.2)
        return abs(float((flux * tests.gradients).sum()) + divergence)

    assert math.log2(error(0.1) / error(0.05)) == pytest.approx(2, abs=0.05)


def test_bad_rules_and_radii_are_refused() -> None:
    with pytest.raises(ValueError, match="radius of test functions must be positive"):
        WendlandTests(2, -1.0)
    with pytest.raises(ValueError, match="at least 4 points"):
        PlainMean(3)
    with pytest.raises(ValueError, match="not 3: take CorrectedMean"):
        GaussBall().nodes(3)
