"""Activations are their formulas; the normalised one does not see units."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fredholm.layers.activations import NormalisedActivation, SiLUIdentity, SiLUSine, TanhSine
from fredholm.layers.architecture import build, describe

ALL = [TanhSine(), SiLUSine(), SiLUIdentity(), NormalisedActivation(nn.ReLU())]


@settings(deadline=None, max_examples=30)
@given(st.floats(-5, 5))
def test_they_are_their_formulas(x: float) -> None:
    sine, at = math.sin(math.pi * (x + 1)), torch.tensor([x], dtype=torch.float64)
    assert float(TanhSine()(at)) == pytest.approx(math.tanh(sine) + x, abs=1e-12)
    assert float(SiLUSine()(at)) == pytest.approx(sine / (1 + math.exp(-sine)) + x, abs=1e-12)
    assert float(SiLUIdentity()(at)) == pytest.approx(x / (1 + math.exp(-x)) + x, abs=1e-12)


def test_they_have_the_slope_of_the_identity_on_average() -> None:
    """A period of the sine adds nothing: what stays is x, so that deep networks of them neither die nor explode."""
    x = torch.linspace(-3, 3, 7, dtype=torch.float64)
    for activation in (TanhSine(), SiLUSine()):
        torch.testing.assert_close(activation(x + 2) - activation(x), torch.full_like(x, 2.0), rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.01, 100), st.floats(-100, 100), st.integers(0, 10**6))
def test_a_normalised_activation_commutes_with_units(scale: float, shift: float, seed: int) -> None:
    x = torch.randn(4, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    activation = NormalisedActivation(nn.ReLU())
    torch.testing.assert_close(activation(scale * x + shift), scale * activation(x) + shift, rtol=1e-6, atol=1e-6)


def test_a_normalised_activation_sees_each_point_alone() -> None:
    x, activation = torch.randn(3, 4, 7), NormalisedActivation(nn.Tanh())
    torch.testing.assert_close(activation(x)[1, 2], activation(x[1, 2]))
    mean, deviation = x.mean(-1, keepdim=True), x.std(-1, correction=0, keepdim=True)
    torch.testing.assert_close(activation(x), torch.tanh((x - mean) / deviation) * deviation + mean)
    equal = torch.full((2, 5), 3.0, requires_grad=True)  # no deviation to divide by
    activation(equal).sum().backward()
    assert torch.isfinite(equal.grad).all()
    torch.testing.assert_close(activation(equal), equal)


@pytest.mark.parametrize("activation", ALL, ids=lambda a: type(a).__name__)
def test_they_are_differentiable_and_built_again(activation: nn.Module) -> None:
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(activation, x)
    torch.testing.assert_close(build(describe(activation))(x), activation(x), rtol=0, atol=0)
