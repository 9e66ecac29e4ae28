"""Weights of terms: those that ascend do, within bounds; those of the tangent kernel are its traces."""

import pytest
import torch
from torch import Tensor, nn

from fredholm.data.batch import Batch
from fredholm.errors import TrainingError
from fredholm.training.physics import AscendingTermWeights, FixedTermWeights, TangentKernelWeights


def _batch(points: Tensor | None = None) -> Batch:
    return Batch({}, None, torch.zeros(2, 2, 3), torch.ones(3), torch.zeros(2, dtype=torch.long), points)


def _rest() -> Tensor:
    return torch.tensor([[[0.1, 0.1, 0.1], [2.0, 1.0, 0.0]]]).expand(2, -1, -1).clone().requires_grad_()


def test_ascending_weights_climb_where_the_residual_is_large() -> None:
    loss = AscendingTermWeights(terms=2, points=3, rate=0.1, until=1000)
    first = float(loss(_rest(), _batch()))
    for step in range(1, 21):
        loss(_rest(), _batch()).backward()
        loss.after_backward(step)
    assert float(loss(_rest(), _batch())) > first
    weights = loss.weights.detach()
    assert bool((weights[0] > 1.5).all())
    assert weights[1, 2] == 1.0  # nothing is left of the equation there
    assert all(value > 1 for value in loss.observed().values())


def test_ascending_weights_stop_at_their_ceiling_and_after_their_last_step() -> None:
    loss = AscendingTermWeights(terms=2, points=3, rate=10.0, ceiling=5.0, until=3)
    for step in range(1, 4):
        loss(_rest(), _batch()).backward()
        loss.after_backward(step)
    kept = loss.weights.detach().clone()
    assert float(kept.max()) == 5.0
    loss(_rest(), _batch()).backward()
    loss.after_backward(4)
    assert torch.equal(loss.weights.detach(), kept)


def test_ascending_weights_belong_to_points_of_the_domain() -> None:
    loss = AscendingTermWeights(terms=2, points=10, rate=0.1)
    loss(_rest(), _batch(torch.tensor([7, 8, 2]))).backward()
    loss.after_backward(1)
    moved = (loss.weights.detach() != 1).nonzero().tolist()
    assert moved == [[0, 2], [0, 7], [0, 8], [1, 7], [1, 8]]


def test_a_restored_ascent_goes_on() -> None:
    first, second = (AscendingTermWeights(terms=2, points=3, rate=0.1) for _ in range(2))
    for step in (1, 2):
        first(_rest(), _batch()).backward()
        first.after_backward(step)
        if step == 1:
            second.load_state_dict(first.state_dict())
    second(_rest(), _batch()).backward()
    second.after_backward(2)
    torch.testing.assert_close(first.weights, second.weights)


def test_traces_of_a_linear_model_are_the_sums_of_squared_features() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 50, 4, generator=generator)  # two terms, 50 points, 4 parameters
    theta = nn.Parameter(torch.zeros(4))
    loss = TangentKernelWeights([theta], terms=2, probes=400)
    rest = (torch.tensor([1.0, 10.0])[:, None, None] * features @ theta)[None]
    exact = (torch.tensor([1.0, 100.0]) * features.square().sum((1, 2))) / 50
    torch.testing.assert_close(loss.traces(rest), exact, rtol=0.1, atol=0.0)
    batch = Batch({}, None, torch.zeros(1, 2, 50), torch.ones(50), torch.zeros(1, dtype=torch.long))
    loss(rest, batch)
    balanced = loss.weights * loss.traces(rest)
    torch.testing.assert_close(balanced[0], balanced[1], rtol=0.1, atol=0.0)


def test_terms_and_weights_have_one_number() -> None:
    with pytest.raises(TrainingError, match="the residual has 2 terms, and there are weights for 3"):
        FixedTermWeights([1.0, 1.0, 1.0])(_rest(), _batch())
    with pytest.raises(ValueError, match="not negative"):
        FixedTermWeights([-1.0])
