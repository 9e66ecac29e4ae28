"""Errors against closed forms, and the identities norms obey."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.data import Dataset
from fredholm.evaluation import energy_decay_decibels, measure
from fredholm.evaluation.metrics import window_edges
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Quantity, Signature

GRID = Grid(Axis("x", 0.0, 1.0, 201), Axis("t", 0.0, 2.0, 41, units="s"))


def data_of(outputs: torch.Tensor) -> Dataset:
    field = Function((Quantity("u", "Pa"),), DomainType.of(GRID))
    inputs = torch.zeros(len(outputs), 1, *GRID.shape)
    return Dataset.from_arrays(Signature({"u": field}, field), GRID, {"u": inputs}, outputs)


def field(function: object) -> torch.Tensor:
    x, t = GRID.coordinates().T
    return function(x, t).reshape(1, 1, *GRID.shape).float()  # type: ignore[operator]


def test_errors_are_integrals() -> None:
    truth = field(lambda x, t: torch.sin(math.pi * x) + 0 * t)
    data = data_of(truth)
    errors = measure(lambda samples: truth[samples] + 0.1, data)
    # ‖0.1‖² over [0, 1] x [0, 2] is 0.02; ‖sin πx‖² is 1
    assert errors.mean == pytest.approx(math.sqrt(0.02), rel=1e-4)
    assert errors.total_rmse == pytest.approx(0.1, rel=1e-5)
    assert float(errors.largest) == pytest.approx(0.1, rel=1e-4)


def test_windows_see_where_the_error_is() -> None:
    truth = field(lambda x, t: torch.ones_like(t))
    wrong = truth.clone()
    wrong[..., 21:] += 0.5  # the second half of the time
    errors = measure(lambda samples: wrong[samples], data_of(truth), windows=2)
    assert errors.windows[0, 0].item() == pytest.approx(0.0, abs=1e-6)
    assert errors.windows[0, 1].item() == pytest.approx(0.5, rel=1e-5)
    assert window_edges(data_of(truth), 2)[1][1] == pytest.approx(2.0)


@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_relative_error_does_not_depend_on_the_scale(scale: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    truth, guess = (torch.randn(2, 1, *GRID.shape, generator=generator) for _ in range(2))
    plain = measure(lambda samples: guess[samples], data_of(truth)).relative_l2
    scaled = measure(lambda samples: scale * guess[samples], data_of(scale * truth)).relative_l2
    torch.testing.assert_close(plain, scaled, rtol=1e-4, atol=0)


def test_decay_curve_of_an_exponential_is_a_straight_line() -> None:
    t = torch.arange(4000) * 1e-3
    curve = energy_decay_decibels(torch.exp(-3.0 * t))
    slope = (curve[1000] - curve[0]) / (t[1000] - t[0])
    assert slope.item() == pytest.approx(-60 / math.log(10), rel=1e-3)  # 10 log10 of exp(-6 t)
