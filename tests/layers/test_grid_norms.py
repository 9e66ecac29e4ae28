"""Norms on a box: the statistics are integrals."""

import math

import pytest
import torch

from fredholm.layers.extent import Extent
from fredholm.layers.grid_norms import GridNorm


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_on_periodic_boxes_it_is_the_group_norm(groups: int) -> None:
    norm = GridNorm(4, Extent([1.0, 2.0], [True, True]), groups)
    values = torch.randn(3, 4, 6, 5)
    torch.testing.assert_close(norm(values), torch.nn.functional.group_norm(values, groups))


@pytest.mark.parametrize("groups", [1, 2])
def test_between_walls_the_statistics_are_second_order_integrals(groups: int) -> None:
    norm = GridNorm(2, Extent([math.pi], [False]), groups).double().requires_grad_(False)

    def normal(n: int) -> torch.Tensor:
        x = torch.linspace(0, math.pi, n, dtype=torch.float64)
        return norm(torch.stack([x.sin(), 2 + x])[None])

    x = torch.linspace(0, math.pi, 9, dtype=torch.float64)
    if groups == 2:  # mean 2 / π and mean square 1/2
        exact = (x.sin() - 2 / math.pi) / math.sqrt(0.5 - 4 / math.pi**2 + 1e-5)
        assert float((normal(257)[0, 0, ::32] - exact).abs().max()) < 2e-4
    fine = normal(1025)[..., ::128]
    coarse, finer = ((normal(n)[..., :: (n - 1) // 8] - fine).norm() for n in (17, 65))
    assert finer < coarse / 14
