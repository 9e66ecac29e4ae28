"""Truncated layers keep the sum of variances if and only if their weights are drawn as wide as the formula says."""

import math

import pytest
import torch

from fredholm.layers.perceptron import initialised
from fredholm.layers.transform_bases import Cosine
from fredholm.layers.variance_preserving import (
    Initialisation,
    Kaiming,
    Naive,
    VariancePreserving,
    variance_preserving_,
)

POINTS, MODES, CHANNELS = 1000, 100, 48


def kept(weight: torch.Tensor) -> float:
    """Sum of variances of white noise after transform, cut, mixing of channels and inverse, over that before."""
    noise = torch.randn(100, CHANNELS, POINTS)
    analysis, functions = (matrix(POINTS, MODES, like=noise) for matrix in (Cosine().analysis, Cosine().functions))
    mixed = torch.einsum("bik,koi->bok", noise @ analysis.T, weight)
    return float((mixed @ functions.T).square().mean() / noise.square().mean())


def test_of_a_thousand_points_and_a_hundred_modes_all_variance_is_kept() -> None:
    with initialised(0):
        weight = torch.empty(MODES, CHANNELS, CHANNELS)
        assert kept(variance_preserving_(weight, POINTS, MODES, CHANNELS)) == pytest.approx(1.0, abs=0.05)
        Kaiming().draw_(weight, CHANNELS, MODES, 1)
        assert kept(weight) == pytest.approx(MODES / POINTS, rel=0.05)
        Naive().draw_(weight, CHANNELS, MODES, 1)
        assert kept(weight) == pytest.approx(MODES / POINTS / CHANNELS**3, rel=0.05)


def test_a_dense_matrix_over_the_modes_has_every_mode_as_a_channel() -> None:
    """Var(A) = N / M²."""
    with initialised(0):
        matrix = variance_preserving_(torch.empty(MODES, MODES), POINTS, 1, inputs=MODES) / MODES**0.5
        noise = torch.randn(2000, POINTS)
        mixed = noise @ Cosine().analysis(POINTS, MODES, like=noise).T @ matrix.T
        after = mixed @ Cosine().functions(POINTS, MODES, like=noise).T
    assert float(after.square().mean() / noise.square().mean()) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("layers", [8, 32])
@pytest.mark.parametrize(
    ("initialisation", "least", "most"),
    [(VariancePreserving(), 1.5, 3.0), (Kaiming(), 10.0, math.inf), (Naive(), 1.0, 1.01)],
    ids=["variance preserving", "kaiming", "naive"],
)
def test_residual_layers_multiply_variance_by_about_e_at_most_whatever_their_number(
    initialisation: Initialisation, least: float, most: float, layers: int
) -> None:
    with initialised(0):
        z = torch.randn(64, CHANNELS, 50)
        before = float(z.var())
        for _ in range(layers):
            weight = torch.empty(64, CHANNELS, CHANNELS)
            initialisation.draw_(weight, CHANNELS, 64, layers)
            rotation = torch.linalg.qr(torch.randn(64, 64))[0]
            z = z + torch.einsum("kl,lcb->kcb", rotation, torch.nn.functional.gelu(weight @ z))
    assert least <= float(z.var()) / before <= most
