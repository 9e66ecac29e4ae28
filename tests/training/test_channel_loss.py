"""The loss of channels in their deviations: units do not matter, and the mean predicts with loss one."""

import pytest
import torch
from torch import Tensor

from fredholm.data.batch import Batch
from fredholm.training.channel_loss import ChannelSquaredError


def batch(target: Tensor) -> Batch:
    return Batch({}, None, target, torch.ones(target.shape[-1]), torch.arange(len(target)))


def test_units_do_not_matter() -> None:
    torch.manual_seed(0)
    truth, guess = torch.randn(5, 3, 7, dtype=torch.float64), torch.randn(5, 3, 7, dtype=torch.float64)
    units = torch.tensor([1e5, 1.0, 1e-3], dtype=torch.float64)[:, None]
    plain = ChannelSquaredError.of(truth)(guess, batch(truth))
    torch.testing.assert_close(ChannelSquaredError.of(units * truth)(units * guess, batch(units * truth)), plain)


def test_the_mean_has_loss_one() -> None:
    torch.manual_seed(1)
    truth = 3 + 2e4 * torch.randn(50, 2, 9, dtype=torch.float64)
    mean = truth.mean((0, 2), keepdim=True).expand_as(truth)
    assert float(ChannelSquaredError.of(truth)(mean, batch(truth))) == pytest.approx(1, rel=1e-6)


def test_a_channel_that_never_varies_is_refused() -> None:
    with pytest.raises(ValueError, match="deviations of channels must be positive"):
        ChannelSquaredError.of(torch.ones(2, 1, 3))
