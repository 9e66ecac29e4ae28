"""Kernel integrals on graphs: neighbours, quadrature, and the naive graph that has no limit."""

import math

import pytest
import torch

from fredholm.layers.graph_kernel import (
    GraphKernelIntegral,
    Neighbourhoods,
    ball_volume,
    fixed_neighbourhoods,
    most_neighbours,
    neighbourhoods,
)
from fredholm.layers.perceptron import initialised

OPEN = torch.zeros(2, dtype=torch.float64)


def integral(width: int = 3) -> GraphKernelIntegral:
    with initialised(0):
        return GraphKernelIntegral(width, 2, 2, 8).double().requires_grad_(False)


def cloud(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return 4 * torch.rand(n, 2, generator=generator).double(), torch.rand(n, generator=generator).double()


@pytest.mark.parametrize("periods", [OPEN, torch.tensor([4.0, 0.0]).double()])
def test_all_ways_to_find_neighbours_agree(periods: torch.Tensor) -> None:
    places, weights = cloud(60)
    values, layer = torch.randn(2, 60, 3).double(), integral()
    once = layer(values, places[None], fixed_neighbourhoods(places, weights, periods))
    most = most_neighbours(places, periods)
    assert most < 60
    for near in (
        neighbourhoods(places, weights, places, periods),
        neighbourhoods(places, weights, places, periods, most),
        neighbourhoods(places.expand(2, -1, -1), weights.expand(2, -1), places.expand(2, -1, -1), periods, most),
    ):
        torch.testing.assert_close(layer(values, places[None], near), once)


def test_a_point_sampled_twice_counts_once_and_padding_does_not() -> None:
    places, weights = cloud(40)
    values, layer, asked = torch.randn(1, 40, 3).double(), integral(), cloud(7, seed=1)[0]
    once = layer(values, asked[None], neighbourhoods(places, weights, asked, OPEN))
    halved = weights.clone()
    halved[5] /= 2
    more, again = (
        torch.cat([places, places[5:6], places[:3]]),
        torch.cat([values, values[:, 5:6], 9 * values[:, :3]], 1),
    )
    split = torch.cat([halved, halved[5:6], torch.zeros(3).double()])
    for most in (None, 40):
        near = neighbourhoods(more, split, asked, OPEN, most)
        torch.testing.assert_close(layer(again, asked[None], near), once)


def lattice(n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """n × n points of [0, 4)², the area of each, and a smooth function there."""
    x = 4 * torch.arange(n, dtype=torch.float64) / n
    places = torch.cartesian_prod(x, x)
    values = torch.stack([(math.pi / 2 * places[:, 0]).sin(), (math.pi / 2 * places[:, 1]).cos(), places[:, 0] * 0 + 1])
    return places, torch.full((n * n,), 16.0 / n**2, dtype=torch.float64), values.T[None]


def test_under_refinement_it_converges_and_naive_sums_collapse_or_grow() -> None:
    layer, asked = integral(), lattice(4)[0]
    periods = torch.tensor([4.0, 4.0], dtype=torch.float64)

    def by_quadrature(n: int) -> torch.Tensor:
        places, weights, values = lattice(n)
        return layer(values, asked[None], neighbourhoods(places, weights, asked, periods))

    def of_all_in_the_ball(n: int) -> torch.Tensor:
        places, weights, values = lattice(n)
        return layer(values, asked[None], neighbourhoods(places, torch.ones_like(weights), asked, periods))

    def of_nearest(n: int, k: int = 9) -> torch.Tensor:
        places, weights, values = lattice(n)
        near = neighbourhoods(places, weights, asked, periods, k)
        return layer(values, asked[None], Neighbourhoods(near.indices, near.offsets, torch.ones_like(near.measure)))

    exact = by_quadrature(128)
    errors = [float((by_quadrature(n) - exact).norm() / exact.norm()) for n in (16, 32, 64)]
    assert errors[2] < errors[0] / 8
    assert errors[2] < 2e-3
    assert float(of_all_in_the_ball(64).norm() / of_all_in_the_ball(32).norm()) == pytest.approx(4, rel=0.01)
    kernel_at_the_point = layer.kernel(torch.cat([asked, torch.zeros_like(asked)], -1))
    pointwise = 9 * kernel_at_the_point * lattice(4)[2]
    assert float((of_nearest(128) - pointwise).norm() / pointwise.norm()) < 0.01  # no neighbourhood is left
    assert float((exact - pointwise).norm() / exact.norm()) > 0.3


def test_balls_have_the_known_volumes() -> None:
    assert [ball_volume(d) for d in (1, 2, 3)] == pytest.approx([2, math.pi, 4 / 3 * math.pi])
