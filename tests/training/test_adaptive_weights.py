"""Self-adaptive weights ascend while the operator descends, each by its own formula."""

import pytest
import torch
from least_squares import LINE, POINTS, SIGNATURE, Matrix, data
from torch import Tensor

from fredholm.data import CartesianPoints, PairedPoints, Sampler, WholeFields
from fredholm.errors import TrainingError
from fredholm.problems.problem import generator_of
from fredholm.training import Checkpoints, MeanSquaredError, SelfAdaptiveWeights, Settings, fit
from fredholm.training.checkpoint import load_state

BINS = 3


def bin_of(x: float) -> int:
    return min(int(x * BINS), BINS - 1)


def test_bins_divide_the_coordinate_equally_and_hold_both_ends() -> None:
    loss = SelfAdaptiveWeights(data(), "x", bins=BINS)
    x = torch.linspace(0, 1, 31)
    assert loss.bins_of(x[:, None]).tolist() == [bin_of(float(v)) for v in x]


@pytest.mark.parametrize("sampler", [CartesianPoints(5, 6), PairedPoints(5, 6)], ids=["shared", "own"])
def test_with_weights_of_one_it_is_the_mean_squared_error(sampler: Sampler) -> None:
    batch = sampler.draw(data(), generator_of(0, 0))
    prediction = torch.randn(batch.target.shape, generator=generator_of(0, 1))
    loss = SelfAdaptiveWeights(data(), "x", bins=BINS)(prediction, batch)
    torch.testing.assert_close(loss.detach(), MeanSquaredError()(prediction, batch))


@pytest.mark.parametrize("sampler", [CartesianPoints(5, 6), PairedPoints(5, 6)], ids=["shared", "own"])
def test_loss_and_gradient_are_the_sums_by_hand(sampler: Sampler) -> None:
    """∂L/∂w_ij = -2/N Σ ŝ (s - w ŝ) over the points of sample i in bin j."""
    batch = sampler.draw(data(), generator_of(0, 0))
    prediction = torch.randn(batch.target.shape, generator=generator_of(0, 1))
    adaptive = SelfAdaptiveWeights(data(), "x", bins=BINS)
    adaptive.weights.data.uniform_(0.5, 2.0, generator=generator_of(0, 2))
    loss = adaptive(prediction, batch)
    loss.backward()
    value, gradient = 0.0, torch.zeros_like(adaptive.weights)
    assert batch.query is not None
    for row, sample in enumerate(batch.samples.tolist()):
        points = batch.query if batch.query.ndim == 2 else batch.query[row]
        for place, x in enumerate(points[:, 0].tolist()):
            w = float(adaptive.weights.detach()[sample, bin_of(x)])
            s, predicted = float(batch.target[row, 0, place]), float(prediction[row, 0, place])
            value += (s - w * predicted) ** 2 / batch.target.numel()
            gradient[sample, bin_of(x)] -= 2 * predicted * (s - w * predicted) / batch.target.numel()
    assert float(loss.detach()) == pytest.approx(value, rel=1e-5)
    torch.testing.assert_close(adaptive.weights.grad, gradient, rtol=1e-4, atol=1e-6)


def adam_uphill(weights: Tensor, gradients: list[Tensor], rate: float, ceiling: float) -> Tensor:
    """w ← clip(w + rate m̂ / (√v̂ + ε), 0, ceiling), Kingma and Ba 2015 with the sign of ascent."""
    m, v = torch.zeros_like(weights), torch.zeros_like(weights)
    for step, g in enumerate(gradients, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        weights = weights + rate * (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)
        weights = weights.clamp(0.0, ceiling)
    return weights


@pytest.mark.parametrize("rate", [1e-5, 0.02, 0.7])
def test_the_ascent_is_adam_uphill_within_its_bounds(rate: float) -> None:
    adaptive = SelfAdaptiveWeights(data(), "x", bins=BINS, rate=rate, ceiling=2.0)
    gradients = [torch.randn(adaptive.weights.shape, generator=generator_of(1, i)) for i in range(6)]
    for step, gradient in enumerate(gradients, start=1):
        adaptive.weights.grad = gradient.clone()
        adaptive.after_backward(step)
    expected = adam_uphill(torch.ones_like(adaptive.weights), gradients, rate, ceiling=2.0)
    torch.testing.assert_close(adaptive.weights.detach(), expected, rtol=1e-6, atol=1e-6)
    if rate > 0.5:
        assert float(adaptive.weights.min()) == 0.0
        assert float(adaptive.weights.max()) == 2.0


def train(iterations: int, settings: Settings, rate: float = 1e-3) -> tuple[Matrix, SelfAdaptiveWeights]:
    operator = Matrix(SIGNATURE, LINE)
    loss = SelfAdaptiveWeights(data(), "x", bins=BINS, rate=rate)
    optimizer = torch.optim.SGD(operator.parameters(), 0.05)
    sampler = CartesianPoints(10, POINTS)
    fit(operator, data(), sampler=sampler, iterations=iterations, optimizer=optimizer, loss=loss, settings=settings)
    return operator, loss


def test_one_step_of_fit_descends_in_the_operator_and_ascends_in_the_weights() -> None:
    operator, loss = train(2, Settings(seed=4))
    generator = generator_of(4, 0)
    weight, w, gradients = torch.zeros(POINTS, POINTS), torch.ones_like(loss.weights), []
    for _ in range(2):
        batch = CartesianPoints(10, POINTS).draw(data(), generator)
        assert batch.points is not None
        theta, slots = weight.clone().requires_grad_(), w.clone().requires_grad_()
        bins = torch.tensor([bin_of(x) for x in batch.query[:, 0].tolist()])
        prediction = (batch.inputs["u"] @ theta.T)[:, :, batch.points]
        error = (batch.target - slots[batch.samples][:, bins][:, None] * prediction).square().mean()
        descent, ascent = torch.autograd.grad(error, [theta, slots])
        gradients.append(ascent)
        weight = weight - 0.05 * descent
        w = adam_uphill(torch.ones_like(w), gradients, 1e-3, 1000.0)
    torch.testing.assert_close(operator.weight.detach(), weight)
    torch.testing.assert_close(loss.weights.detach(), w)


def test_the_weights_and_their_moments_go_on_from_a_checkpoint(tmp_path) -> None:
    whole, parts = (Settings(checkpoints=Checkpoints(tmp_path / name), quiet=True) for name in ("whole", "parts"))
    direct, weights = train(30, whole)
    train(11, parts)
    resumed, continued = train(30, parts)
    assert torch.equal(resumed.weight, direct.weight)
    assert torch.equal(continued.weights, weights.weights)
    assert not torch.equal(weights.weights, torch.ones_like(weights.weights))
    ends = [str(load_state(tmp_path / name / "last.safetensors")["hooks"]) for name in ("whole", "parts")]
    assert ends[0] == ends[1]
    with pytest.raises(TrainingError, match="loss: "):
        train(40, parts, rate=0.1)


def test_a_coordinate_that_is_not_there_is_named() -> None:
    with pytest.raises(TrainingError, match=r"no coordinate 't' .*\['x'\]"):
        SelfAdaptiveWeights(data(), "t")


def test_whole_fields_have_no_points_to_weight() -> None:
    batch = WholeFields(3).draw(data(), generator_of(0, 0))
    with pytest.raises(TrainingError, match="need a sampler of points"):
        SelfAdaptiveWeights(data(), "x")(batch.target, batch)
