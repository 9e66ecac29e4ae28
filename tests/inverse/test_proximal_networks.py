"""Learned proximal networks are proximal operators before and after training, and their regulariser can be read."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import InverseProblemError
from fredholm.inverse import (
    AbsoluteError,
    InputConvexCNN,
    InputConvexMLP,
    InputConvexNetwork,
    LearnedProximalNetwork,
    ProximalMatching,
    SquaredError,
    Stage,
    train_proximal,
)
from fredholm.layers.perceptron import initialised


def made(convex: str, seed: int = 0) -> InputConvexNetwork:
    """With weights far from where they start, so that curvature shows."""
    with initialised(seed):
        network = (
            InputConvexMLP((4,), 12, 2, beta=4.0, alpha=0.01)
            if convex == "mlp"
            else InputConvexCNN((1, 6, 6), 5, (2, 1), beta=4.0, alpha=0.01)
        ).double()
        for parameter in network.parameters():
            parameter.data.mul_(2.0).add_(0.3 * torch.randn_like(parameter))
        network.project_()
    return network


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**16))
def test_the_potential_is_convex_along_segments(kind: str, seed: int) -> None:
    convex, generator = made(kind, seed), torch.Generator().manual_seed(seed)
    a, b = 3 * torch.randn(2, 1, *convex.shape, generator=generator, dtype=torch.float64)
    t = torch.linspace(0, 1, 41, dtype=torch.float64).reshape(-1, *[1] * len(convex.shape))
    values = convex(a + t * (b - a)).detach()
    assert float(values.diff(n=2).min()) > -1e-10
    assert float(values.diff(n=2).max()) > 1e-6


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_the_jacobian_is_symmetric_and_has_no_negative_eigenvalue(kind: str) -> None:
    network = LearnedProximalNetwork(made(kind))
    size = torch.Size(network.shape).numel()
    y = torch.randn(size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda v: network(v.reshape(1, *network.shape)).flatten(), y)
    torch.testing.assert_close(jacobian, jacobian.T, atol=1e-12, rtol=0)
    assert float(torch.linalg.eigvalsh(jacobian).min()) >= 2 * 0.01 - 1e-10  # 2α-strongly monotone
    assert float(torch.linalg.eigvalsh(jacobian).max()) > 0.1


def test_without_projection_convexity_is_lost() -> None:
    convex = made("mlp")
    convex.last.weight.data.neg_()
    line = torch.linspace(-2, 2, 41, dtype=torch.float64).unsqueeze(1) * torch.ones(4, dtype=torch.float64)
    assert float(convex(line).detach().diff(n=2).min()) < -1e-6
    convex.project_()
    assert float(convex(line).detach().diff(n=2).min()) > -1e-10


@pytest.mark.parametrize("kind", ["mlp", pytest.param("cnn", marks=pytest.mark.slow)])
def test_answers_are_proximal_points_of_the_regulariser_that_is_read(kind: str) -> None:
    """R(x) + ‖x - y‖² / 2 at x = f(y) is not above that at other points of the range, and R there is found again."""
    network, generator = LearnedProximalNetwork(made(kind)), torch.Generator().manual_seed(2)
    y, others = torch.randn(2, 6, *network.shape, generator=generator, dtype=torch.float64)
    x, elsewhere = network(y).detach(), network(y + 0.5 * others).detach()
    known = network.value(y, x)
    found, found_elsewhere = network.prior(x, 1e-8), network.prior(elsewhere, 1e-8)
    assert bool(found.converged.all())
    torch.testing.assert_close(found.values, known, atol=1e-6, rtol=1e-6)
    at_x = known + (x - y).square().flatten(1).sum(1) / 2
    at_others = found_elsewhere.values + (elsewhere - y).square().flatten(1).sum(1) / 2
    assert bool((at_x <= at_others + 1e-7).all())


def test_a_quadratic_regulariser_is_read_exactly() -> None:
    """ψ = α ‖x‖² alone is f(y) = 2 α y, the proximal operator of R(x) = (1 / (2 α) - 1) ‖x‖² / 2."""
    alpha = 0.2
    convex = InputConvexMLP((3,), 4, 1, alpha=alpha).double()
    for parameter in convex.parameters():
        parameter.data.zero_()
    network = LearnedProximalNetwork(convex)
    x = torch.tensor([[1.0, -2.0, 0.5], [0.0, 0.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(network(x), 2 * alpha * x)
    expected = (1 / (2 * alpha) - 1) * x.square().sum(1) / 2
    values = network.prior(x, 1e-10).values
    torch.testing.assert_close(values - values[1], expected, atol=1e-9, rtol=0)


def test_points_outside_the_range_are_reported() -> None:
    with initialised(0):  # no α, and slopes that are bounded: f has a bounded range
        network = LearnedProximalNetwork(InputConvexMLP((1,), 8, 1)).double()
    found = network.invert(torch.tensor([[0.1], [50.0]], dtype=torch.float64), iterations=30)
    assert not bool(found.converged[1])
    assert float(found.residuals[1]) > 1


def test_training_with_squares_finds_the_linear_filter_of_a_gaussian() -> None:
    """For N(0, 1) under noise of 1 mean, median and mode are y / 2."""
    samples = torch.randn(20_000, 1, generator=torch.Generator().manual_seed(0))
    with initialised(0):
        network = LearnedProximalNetwork(InputConvexMLP((1,), 20, 1))
    stages = [
        Stage(SquaredError(), 300, 1e-2, 1e-3),
        Stage(AbsoluteError(), 50, 1e-3),
        Stage(ProximalMatching(1.0), 50, 1e-3),
    ]
    results = train_proximal(network, samples, 1.0, stages, batch=500, progress=False)
    y = torch.linspace(-2, 2, 21).unsqueeze(1)
    with torch.no_grad():
        assert float((network(y) - y / 2).abs().max()) < 0.1
    assert [len(results), 0 < results[2].within < 1] == [3, True]
    assert min(float(weight.detach().min()) for weight in network.convex.nonnegative()) >= 0


def test_training_is_the_same_for_the_same_seed() -> None:
    samples = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    with initialised(0):
        first = LearnedProximalNetwork(InputConvexMLP((2,), 4, 1))
    second = copy.deepcopy(first)
    for network in (first, second):
        train_proximal(network, samples, 0.5, [Stage(AbsoluteError(), 3, 1e-2)], batch=7, seed=4, progress=False)
    y = torch.ones(1, 2)
    torch.testing.assert_close(first(y), second(y), atol=0, rtol=0)


def test_inference_mode_and_gradients_agree() -> None:
    network = LearnedProximalNetwork(made("mlp"))
    y = torch.randn(2, 4, dtype=torch.float64)
    with torch.inference_mode():
        quiet = network(y)
    torch.testing.assert_close(quiet, network(y).detach())
    assert not y.requires_grad


def test_what_does_not_fit_a_prior_is_named() -> None:
    network = LearnedProximalNetwork(made("mlp"))
    with pytest.raises(InverseProblemError, match=r"fields of shape \(4,\), got \(2, 5\)"):
        network(torch.zeros(2, 5, dtype=torch.float64))
    with pytest.raises(InverseProblemError, match=r"samples are \(9, 5\)"):
        train_proximal(network, torch.zeros(9, 5), 0.1, [Stage(SquaredError(), 1, 1e-3)])
    with pytest.raises(InverseProblemError, match="σ = -1"):
        train_proximal(network, torch.zeros(9, 4), -1.0, [Stage(SquaredError(), 1, 1e-3)])
    with pytest.raises(InverseProblemError, match="γ of proximal matching is positive"):
        ProximalMatching(0.0)
    with pytest.raises(InverseProblemError, match="rows, columns"):
        InputConvexCNN((8, 8))
