"""Multilayer perceptrons compute their formulas, start as their papers say, and differentiate."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fredholm.layers.coordinates import FourierFeatures
from fredholm.layers.perceptron import MLP, LayerwiseMLP, ModifiedMLP, Sine, SineMLP, initialised


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_plain_network_is_its_formula() -> None:
    network = MLP([3, 7, 5, 2], nn.Tanh(), nn.ReLU()).double()
    x = torch.randn(11, 3, dtype=torch.float64)
    w, b = [layer.weight for layer in network.layers], [layer.bias for layer in network.layers]
    expected = torch.relu(torch.tanh(torch.tanh(x @ w[0].T + b[0]) @ w[1].T + b[1]) @ w[2].T + b[2])
    torch.testing.assert_close(network(x), expected, rtol=1e-13, atol=1e-13)


def test_plain_network_starts_as_glorot_says() -> None:
    with initialised(0):
        first, *_ = MLP([300, 500, 1], nn.ReLU()).layers
    assert float(first.weight.detach().std()) == pytest.approx(math.sqrt(2 / 800), rel=0.01)
    assert not first.bias.any()


def test_gated_network_is_its_formula() -> None:
    with initialised(1):
        network = ModifiedMLP([3, 6, 6, 2], omega=30.0).double()
    x = torch.randn(4, 3, dtype=torch.float64)

    def affine(layer: nn.Module, h: torch.Tensor) -> torch.Tensor:
        return h @ layer.weight.T + layer.bias

    network.layers[0].bias.data.normal_()  # the frequency multiplies the weights alone
    upper, lower = torch.sin(affine(network.upper, x)), torch.sin(affine(network.lower, x))
    h = torch.sin(30 * x @ network.layers[0].weight.T + network.layers[0].bias)
    h = h * upper + (1 - h) * lower
    h = torch.sin(affine(network.layers[1], h))
    h = h * upper + (1 - h) * lower
    torch.testing.assert_close(network(x), affine(network.layers[2], h), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("gate", [Sine(), nn.Identity()], ids=["sine gates", "linear gates"])
def test_equal_gates_shut_the_hidden_layers_out(gate: nn.Module) -> None:
    network = ModifiedMLP([3, 6, 6, 2], gate=gate)
    network.lower.load_state_dict(network.upper.state_dict())
    x = torch.randn(4, 3)
    torch.testing.assert_close(network(x), network.layers[-1](gate(network.upper(x))))


def test_sine_networks_start_as_their_paper_says() -> None:
    with initialised(2):
        network = ModifiedMLP([50, 400, 400, 9], omega=30.0)
    later = math.sqrt(6 / 400) / 30
    layers = [network.upper, network.lower, *network.layers]
    for layer, bound in zip(layers, [1 / 50, 1 / 50, 1 / 50, later, later], strict=True):
        assert float(layer.weight.detach().abs().max()) <= bound
        assert float(layer.weight.detach().std()) == pytest.approx(bound / math.sqrt(3), rel=0.05)
        assert not layer.bias.any()


def test_the_published_room_has_45_million_weights() -> None:
    """A cube of 2 m: 12³ sensors, 28 features of (x, y, z, t), five hidden layers of 2048, 100 terms."""
    hidden, terms = 2048, 100
    with torch.device("meta"):
        networks = {width: ModifiedMLP([width, *[hidden] * 5, terms]) for width in (12**3, 28)}
    for width, network in networks.items():
        assert count(network) == 3 * (width + 1) * hidden + 4 * (hidden + 1) * hidden + (hidden + 1) * terms
    assert sum(count(network) for network in networks.values()) == pytest.approx(45e6, rel=0.01)


@pytest.mark.parametrize(("dimension", "width"), [(4, 28), (3, 21), (2, 14)])
def test_the_published_features_have_their_widths(dimension: int, width: int) -> None:
    features = FourierFeatures([frequency / 343 for frequency in (500, 250, 167)])
    assert features.width(dimension) == width == features(torch.zeros(1, dimension)).shape[1]


@pytest.mark.parametrize("network", [MLP([2, 4, 2], nn.Tanh()), SineMLP([2, 4, 2]), ModifiedMLP([2, 4, 4, 2])])
def test_derivatives_in_the_coordinates_are_right(network: nn.Module) -> None:
    x = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(network.double(), x)
    assert torch.autograd.gradgradcheck(network, x)


def test_a_gated_network_needs_equal_hidden_widths() -> None:
    with pytest.raises(ValueError, match=r"equal hidden widths, got \[8, 9\]"):
        ModifiedMLP([2, 8, 9, 1])


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**63 - 1), st.integers(0, 1000))
def test_construction_depends_on_its_seed_alone(seed: int, before: int) -> None:
    torch.manual_seed(before)
    state = torch.get_rng_state()
    with initialised(seed):
        first = SineMLP([2, 3, 1])
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(before + 1)
    with initialised(seed):
        second = SineMLP([2, 3, 1])
    with initialised(seed ^ 1):
        other = SineMLP([2, 3, 1])
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.layers[0].weight, other.layers[0].weight)


def test_features_are_normalised_before_they_are_activated() -> None:
    network = MLP([3, 7, 5, 2], nn.LeakyReLU(0.2), norm=True).double()
    x = torch.randn(11, 3, dtype=torch.float64)
    h = x
    for layer, norm in zip(network.layers, network.norms, strict=False):
        z = h @ layer.weight.T + layer.bias
        z = (z - z.mean(1, keepdim=True)) / (z.var(1, correction=0, keepdim=True) + norm.eps).sqrt()
        h = torch.where(z > 0, z, 0.2 * z)
    last = network.layers[-1]
    torch.testing.assert_close(network(x), h @ last.weight.T + last.bias, rtol=1e-12, atol=1e-12)


def test_dropout_leaves_features_out_in_training_alone() -> None:
    network = MLP([3, 400, 1], nn.ReLU(), dropout=0.5)
    x = torch.randn(1, 3)
    quiet = network.eval()(x).detach()
    torch.testing.assert_close(network(x), quiet)
    with initialised(0):
        noisy = torch.cat([network.train()(x) for _ in range(400)]).detach()
    assert float(noisy.std()) > 0
    assert float(noisy.mean()) == pytest.approx(float(quiet), abs=5 * float(noisy.std()) / 20)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("sizes", [[5, 2], [5, 8, 2], [5, 8, 8, 2]], ids=str)
def test_pairs_need_not_be_formed(sizes: list[int], norm: bool) -> None:
    network = MLP(sizes, nn.Tanh(), nn.ReLU(), norm).double()
    features, points = torch.randn(4, 3, dtype=torch.float64), torch.randn(6, 2, dtype=torch.float64)
    pairs = torch.cat([features[:, None].expand(-1, 6, -1), points.expand(4, -1, -1)], dim=-1)
    torch.testing.assert_close(network.of_pairs(features, points), network(pairs), rtol=1e-12, atol=1e-12)
    own = points + torch.arange(4.0)[:, None, None]
    pairs = torch.cat([features[:, None].expand(-1, 6, -1), own], dim=-1)
    torch.testing.assert_close(network.of_pairs(features, own), network(pairs), rtol=1e-12, atol=1e-12)


def test_a_layerwise_network_answers_with_its_last_layers() -> None:
    network = LayerwiseMLP(3, width=6, depth=4, activation=nn.Tanh(), last=2)
    x, made = torch.randn(5, 3), []
    h = x
    for layer in network.layers:
        h = torch.tanh(layer(h))
        made.append(h)
    for found, expected in zip(network(x), made[2:], strict=True):
        torch.testing.assert_close(found, expected)
    with pytest.raises(ValueError, match="last 5 layers were asked for, of 4"):
        LayerwiseMLP(3, 6, 4, nn.Tanh(), last=5)
