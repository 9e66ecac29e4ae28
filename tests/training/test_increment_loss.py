"""Errors in units of what a step changes: the identity scores one, and no channel is favoured."""

import pytest
import torch

from fredholm.data.batch import Batch
from fredholm.training.increment_loss import IncrementError


def batch_of(target: torch.Tensor, weights: torch.Tensor) -> Batch:
    return Batch({}, None, target, weights, torch.arange(len(target)))


def test_predicting_no_change_costs_one_whatever_the_units() -> None:
    generator = torch.Generator().manual_seed(0)
    before = torch.randn(20, 3, 50, generator=generator)
    change = torch.randn(20, 3, 50, generator=generator) * torch.tensor([0.1, 1.0, 7.0])[:, None]
    loss = IncrementError.of(before, before + change)
    assert float(loss(before, batch_of(before + change, torch.ones(50)))) == pytest.approx(1, rel=1e-5)
    assert float(loss(before + change, batch_of(before + change, torch.ones(50)))) == 0
    half = before + 0.5 * change
    assert float(loss(half, batch_of(before + change, torch.ones(50)))) == pytest.approx(0.25, rel=1e-5)


def test_errors_are_integrated_by_the_weights_of_the_points() -> None:
    target, prediction = torch.zeros(1, 1, 2), torch.tensor([[[1.0, 3.0]]])
    value = float(IncrementError([2.0])(prediction, batch_of(target, torch.tensor([3.0, 1.0]))))
    assert value == pytest.approx((3 * 1 + 9) / 4 / 4)


def test_a_channel_that_stands_still_gets_no_infinite_weight() -> None:
    before = torch.zeros(1, 2, 4)
    after = torch.tensor([1.0, 0.0])[None, :, None].expand(1, 2, 4)
    assert IncrementError.of(before, after).deviations == pytest.approx((1.0, 0.01))
    with pytest.raises(ValueError, match="every channel has to change"):
        IncrementError([1.0, 0.0])
