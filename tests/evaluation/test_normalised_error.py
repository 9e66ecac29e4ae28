"""Normalised errors: of scaled fields, by step, pooled; and the loss that is their mean."""

import pytest
import torch

from fredholm.data.batch import Batch
from fredholm.data.dataset import Dataset
from fredholm.evaluation.normalised_error import NormalisedErrors, normalised_errors
from fredholm.fields import Axis, DomainType, Function, Grid, Quantity, Signature
from fredholm.operators.baselines import Identity
from fredholm.training.normalised_loss import NormalisedSquaredError


def fields(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_a_field_that_is_off_by_a_tenth_has_an_error_of_a_hundredth() -> None:
    truth = fields(5, 7, 2, 4, 4)
    errors = NormalisedErrors.of(1.1 * truth, truth, steps=1)
    assert errors.each.shape == (5, 7)
    for measure in (errors.each, errors.mean(), errors.pooled()):
        torch.testing.assert_close(measure, torch.full_like(measure, 0.01), rtol=1e-4, atol=0)


def test_the_mean_weighs_samples_alike_and_the_pooled_value_by_their_size() -> None:
    truth = fields(2, 1, 8, 8)
    truth /= truth.flatten(1).norm(dim=1).reshape(2, 1, 1, 1)
    size = torch.tensor([1.0, 100.0]).reshape(2, 1, 1, 1)
    off = torch.tensor([2.0, 1.0]).reshape(2, 1, 1, 1)  # only the small one is wrong, by all of itself
    errors = NormalisedErrors.of(size * off * truth, size * truth)
    assert float(errors.mean()) == pytest.approx(0.5)
    assert float(errors.pooled()) == pytest.approx(1 / 10001, rel=1e-5)


def test_the_loss_is_the_mean_error_and_knows_no_scale() -> None:
    truth, guess = fields(3, 2, 4, 4), fields(6, 2, 4, 4)[3:]
    batch = Batch({}, None, truth, torch.ones(4, 4), torch.arange(3))
    loss = float(NormalisedSquaredError()(guess, batch))
    assert loss == pytest.approx(float(NormalisedErrors.of(guess, truth).mean()), rel=1e-5)
    scaled = Batch({}, None, 1e3 * truth, torch.ones(4, 4), torch.arange(3))
    assert float(NormalisedSquaredError()(1e3 * guess, scaled)) == pytest.approx(loss, rel=1e-5)
    nothing = Batch({}, None, torch.zeros(3, 2, 4, 4), torch.ones(4, 4), torch.arange(3))
    assert float(NormalisedSquaredError()(torch.zeros(3, 2, 4, 4), nothing)) == 0


def test_an_operator_is_measured_on_one_channel_of_a_data_set() -> None:
    line = Grid(Axis("x", 0.0, 1.0, 8))
    flow = Function((Quantity("u"), Quantity("v")), DomainType.of(line))
    signature = Signature({"flow": flow}, flow)
    u = fields(70, 2, 8)
    after = torch.stack([u[:, 0] / 1.1, u[:, 1] / 3], 1)
    data = Dataset.from_arrays(signature, line, {"flow": u}, after)
    identity = Identity(signature, line, "flow")
    assert float(normalised_errors(identity, data).mean()) == pytest.approx(0.01, rel=1e-4)
    assert float(normalised_errors(identity, data, channel=1).pooled()) == pytest.approx(4.0, rel=1e-4)
