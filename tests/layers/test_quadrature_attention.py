"""Quadrature attention: what it equals on uniform grids, and what no sampling of the same functions may change."""

import math

import pytest
import torch

from fredholm.layers.perceptron import initialised
from fredholm.layers.places import PlaceEncoding, Rotary
from fredholm.layers.quadrature_attention import LinearAttention, QuadratureAttention, Sampled, SoftmaxAttention

KINDS = pytest.mark.parametrize("kind", [SoftmaxAttention, LinearAttention])


def layer(kind: type[QuadratureAttention], periodic: tuple[bool, ...] = (True,)) -> QuadratureAttention:
    with initialised(0):
        return kind(8, 2, periodic).double().requires_grad_(False)


def random(n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(n)
    values, places = (torch.randn(2, n, k, generator=generator, dtype=torch.float64) for k in (8, 1))
    return values, places, torch.rand(2, n, generator=generator, dtype=torch.float64)


def test_on_uniform_grids_it_is_scaled_dot_product_attention() -> None:
    attention = layer(SoftmaxAttention)
    values, places, weights = random(16)
    uniform = torch.full_like(weights, 0.125)
    split = [attention._split(part(values)) for part in (attention.query, attention.key, attention.value)]
    query, key = (attention.rotary(part, places) for part in split[:2])
    expected = torch.nn.functional.scaled_dot_product_attention(query, key, split[2])
    found = attention(values, places, Sampled(values, places, uniform))
    torch.testing.assert_close(found, attention.mix(expected.transpose(1, 2).flatten(2)))


@KINDS
def test_a_point_sampled_twice_with_half_its_weight_counts_once(kind: type[QuadratureAttention]) -> None:
    attention = layer(kind)
    values, places, weights = random(12)
    asking, where = values[:, :5], places[:, :5]
    once = attention(asking, where, Sampled(values, places, weights))
    halved = weights.clone()
    halved[:, 3] /= 2
    twice = Sampled(*(torch.cat([part, part[:, 3:4]], 1) for part in (values, places, halved)))
    torch.testing.assert_close(attention(asking, where, twice), once)
    naive = Sampled(values, places, torch.ones_like(weights))
    naive_twice = Sampled(*(torch.cat([p, p[:, 3:4]], 1) for p in (naive.values, naive.places, naive.weights)))
    assert not torch.allclose(attention(asking, where, naive_twice), attention(asking, where, naive))


@KINDS
def test_points_of_weight_zero_do_not_count(kind: type[QuadratureAttention]) -> None:
    attention = layer(kind)
    values, places, weights = random(12)
    padded = Sampled(*(torch.cat([part, 9 * part[:, :4]], 1) for part in (values, places, weights)))
    padded.weights[:, 12:] = 0
    expected = attention(values, places, Sampled(values, places, weights))
    torch.testing.assert_close(attention(values, places, padded), expected, rtol=0, atol=1e-14)


@KINDS
@pytest.mark.parametrize("shift", [0.25, -1.0])
def test_it_depends_on_differences_of_periodic_places(kind: type[QuadratureAttention], shift: float) -> None:
    attention = layer(kind)
    values, places, weights = random(12)
    moved = attention(values, places + shift, Sampled(values, places + shift, weights))
    torch.testing.assert_close(moved, attention(values, places, Sampled(values, places, weights)))


@KINDS
def test_refinement_converges_at_the_order_of_the_quadrature(kind: type[QuadratureAttention]) -> None:
    """Trapezoidal weights between walls: second order; the mean over points only has first."""
    attention = layer(kind, (False,))

    def answer(n: int, weighted: bool) -> torch.Tensor:
        x = torch.linspace(0, 1, n + 1, dtype=torch.float64)
        values = torch.stack([(k * x).cos() + x for k in range(8)], -1)[None]
        weights = torch.ones_like(x)
        if weighted:
            weights[[0, -1]] = 0.5
        whole = attention(values, x[None, :, None], Sampled(values, x[None, :, None], weights[None]))
        return whole[:, :: n // 16]

    exact = answer(4096, weighted=True)
    errors = {w: [float((answer(n, w) - exact).norm()) for n in (32, 64, 128)] for w in (True, False)}
    assert math.log2(errors[True][0] / errors[True][2]) / 2 == pytest.approx(2, abs=0.1)
    assert math.log2(errors[False][0] / errors[False][2]) / 2 == pytest.approx(1, abs=0.2)


def test_rotations_keep_lengths_and_close_on_circles() -> None:
    rotary = Rotary(12, (True, False))
    channels, places = torch.randn(2, 3, 5, 12).double(), torch.rand(2, 5, 2).double()
    torch.testing.assert_close(rotary(channels, places).norm(dim=-1), channels.norm(dim=-1))
    around = places + torch.tensor([1.0, 0.0])
    torch.testing.assert_close(rotary(channels, around), rotary(channels, places))
    encoding = PlaceEncoding((True, False))
    torch.testing.assert_close(encoding(around), encoding(places))
    with pytest.raises(ValueError, match="2 channels cannot be rotated by 2 coordinates"):
        Rotary(2, (True, False))
