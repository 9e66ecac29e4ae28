"""Losses are the norms they say, by quadrature, and validation agrees with them."""

import pytest
import torch
from least_squares import LINE, POINTS, SIGNATURE, Matrix, data

from fredholm.data import CartesianPoints, WholeFields
from fredholm.data.batch import Batch
from fredholm.fields.grid import Axis, Grid
from fredholm.problems.problem import generator_of
from fredholm.training import MeanSquaredError, QuadratureSquaredError, RelativeL2, Validation


def batch_on(n: int) -> tuple[torch.Tensor, Batch]:
    """s = sin πx and ŝ = s + x² for two samples, on n points of [0, 1]."""
    line = Grid(Axis("x", 0.0, 1.0, n))
    x = line.coordinates()[:, 0]
    target = torch.stack([torch.sin(torch.pi * x), 3 * torch.sin(torch.pi * x)])[:, None]
    batch = Batch({}, None, target, line.weights(), torch.arange(2))
    return target + x**2, batch


@pytest.mark.parametrize(
    ("loss", "integral"),
    [
        (QuadratureSquaredError(), 1 / 5),  # ∫ x⁴
        (RelativeL2(), (2 / 5) ** 0.5 * (1 + 1 / 3) / 2),  # ‖x²‖ / ‖sin πx‖ = √(1/5) / √(1/2), and a third of it
    ],
    ids=["squared", "relative"],
)
def test_quadrature_losses_converge_to_their_integrals_in_second_order(loss, integral: float) -> None:
    errors = [abs(float(loss(*batch_on(n))) - integral) for n in (11, 21, 41)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.1)


def test_points_without_weight_do_not_count() -> None:
    prediction, batch = batch_on(11)
    hidden = batch.weights.clone()
    hidden[4:7] = 0.0
    masked = Batch({}, None, batch.target, hidden, batch.samples)
    disturbed = prediction.clone()
    disturbed[..., 4:7] += 100.0
    for loss in (QuadratureSquaredError(), RelativeL2()):
        assert float(loss(disturbed, masked)) == float(loss(prediction, masked))
    assert float(MeanSquaredError()(disturbed, masked)) > 100


def test_a_sample_that_is_zero_has_finite_error_and_gradient() -> None:
    prediction = torch.full((1, 1, POINTS), 0.5, requires_grad=True)
    batch = Batch({}, None, torch.zeros(1, 1, POINTS), LINE.weights().float(), torch.arange(1))
    RelativeL2()(prediction, batch).backward()
    assert prediction.grad is not None
    assert bool(prediction.grad.isfinite().all())


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_validation_is_the_loss_over_all_samples_however_they_are_divided(batch: int) -> None:
    operator, held_out = Matrix(SIGNATURE, LINE), data(1, 10)
    torch.nn.init.normal_(operator.weight, generator=generator_of(0, 0))
    whole = WholeFields(10).draw(held_out, generator_of(0, 0))
    expected = float(RelativeL2()(operator(whole.inputs), whole))
    error = Validation(held_out, batch=batch).error(operator, torch.device("cpu"))
    assert error == pytest.approx(expected, rel=1e-6)


def test_validation_at_drawn_points_draws_the_same_every_time() -> None:
    operator, held_out = Matrix(SIGNATURE, LINE), data(1, 10)
    torch.nn.init.normal_(operator.weight, generator=generator_of(0, 0))
    drawn = Validation(held_out, sampler=CartesianPoints(4, 3))
    first, second = (drawn.error(operator, torch.device("cpu")) for _ in range(2))
    assert first == second
    every = Validation(held_out, sampler=CartesianPoints(10, POINTS)).error(operator, torch.device("cpu"))
    assert every == pytest.approx(Validation(held_out).error(operator, torch.device("cpu")), rel=1e-6)
