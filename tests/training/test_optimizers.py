"""One pass over all weights is Adam by its formula, weight by weight."""

import math

import pytest
import torch
from torch import nn

from fredholm.training.optimizers import adam


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_it_is_its_formula(decay: float) -> None:
    layer = nn.Linear(3, 2).double()
    layer.bias.requires_grad_(False)
    optimizer = adam(layer, 0.01, decay)
    w, m, v = layer.weight.detach().clone(), torch.zeros(2, 3), torch.zeros(2, 3)
    w, m, v = w.double(), m.double(), v.double()
    for step in range(1, 6):
        x = torch.randn(7, 3, dtype=torch.float64)
        optimizer.zero_grad()
        layer(x).square().mean().backward()
        g = layer.weight.grad.clone()
        optimizer.step()
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        unbiased = (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)
        w = w - 0.01 * decay * w - 0.01 * unbiased
        torch.testing.assert_close(layer.weight.detach(), w, rtol=1e-10, atol=1e-10)


def test_the_first_step_is_the_rate_in_every_weight() -> None:
    """m̂ / √v̂ = ±1: the size of the gradient does not matter."""
    layer = nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    optimizer = adam(layer, 0.01)
    (1000 * layer(torch.randn(5, 3)).sum()).backward()
    optimizer.step()
    moved = (layer.weight.detach() - before).abs()
    assert float(moved.max()) == pytest.approx(0.01, rel=1e-3)
    assert math.isclose(float(moved.min()), 0.01, rel_tol=1e-3)
