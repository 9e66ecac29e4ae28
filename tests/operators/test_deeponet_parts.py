"""Branches, splits and output transforms do what their formulas say."""

import pytest
import torch
from families import LINE, OUTPUT, SIGNATURE, K, U, both, inputs, linear_branch, network_trunk, points
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fredholm.layers.adapted_sensors import Whitened
from fredholm.layers.perceptron import MLP, initialised
from fredholm.layers.sensors import FunctionSensors
from fredholm.operators.deeponet import (
    DeepONet,
    FixedQuery,
    LinearBranch,
    NetworkBranch,
    ProductBranch,
    Split,
    SplitBoth,
    SplitBranch,
    SplitTrunk,
    StackedBranch,
    SumBranch,
)
from fredholm.operators.output_transform import Anchored, OutputTransform, Rescaled


def deeponet(
    branch_width: int, trunk_width: int, split: Split | None = None, transform: OutputTransform | None = None
) -> DeepONet:
    with initialised(0):
        branch = NetworkBranch(both(), MLP([8, 9, branch_width], nn.Tanh()), branch_width)
        return DeepONet(SIGNATURE, OUTPUT, branch, network_trunk(trunk_width), split, transform=transform)


@settings(deadline=None, max_examples=25)
@given(st.floats(-3, 3), st.floats(-3, 3), st.integers(0, 10**6))
def test_a_linear_branch_makes_a_linear_operator(a: float, b: float, seed: int) -> None:
    """G(a u + b v) = a G(u) + b G(v), whatever the trunk: a directive source is a sum of simple ones."""
    with initialised(seed):
        branch = linear_branch(FunctionSensors("u", LINE, at=LINE), 6)
        operator = DeepONet(SIGNATURE, OUTPUT, branch, network_trunk(6), bias=False).double()
    u, v = (inputs(2, torch.float64, seed + i) for i in range(2))
    mixed = {"u": a * u["u"] + b * v["u"], "k": u["k"]}
    y = points(5, dtype=torch.float64)
    torch.testing.assert_close(operator(mixed, y), a * operator(u, y) + b * operator(v, y), rtol=1e-11, atol=1e-11)
    assert not operator({"u": torch.zeros_like(u["u"]), "k": u["k"]}).any()


def test_a_linear_branch_on_whitened_sensors_is_linear() -> None:
    train, u, v = inputs(30), inputs(2, seed=1), inputs(2, seed=2)
    branch = linear_branch(Whitened.of(U, train, rank=4), 5)
    torch.testing.assert_close(branch({"u": u["u"] - 2 * v["u"]}), branch(u) - 2 * branch(v), rtol=1e-4, atol=1e-4)


def test_a_stacked_branch_is_p_networks() -> None:
    with initialised(0):
        stacked = StackedBranch(both(), [5, 4], 6, nn.Tanh())
        for bias in stacked.biases:
            nn.init.normal_(bias)
    features, alone = both()(inputs(3)), []
    for k in range(6):
        network = MLP([8, 5, 4, 1], nn.Tanh())
        for layer, weight, bias in zip(network.layers, stacked.weights, stacked.biases, strict=True):
            layer.weight.data, layer.bias.data = weight[k].T, bias[k, 0]
        alone.append(network(features))
    torch.testing.assert_close(stacked(inputs(3)), torch.cat(alone, dim=1))
    assert sum(p.numel() for p in stacked.parameters()) == 6 * sum(p.numel() for p in network.parameters())


def test_stacked_networks_do_not_mix() -> None:
    stacked = StackedBranch(both(), [5], 3, nn.ReLU())
    stacked(inputs(4))[:, 1].sum().backward()
    for parameter in stacked.parameters():
        assert parameter.grad is not None
        assert parameter.grad[1].any()
        assert not parameter.grad[0].any()
        assert not parameter.grad[2].any()


def test_products_and_sums_of_branches() -> None:
    first, second = linear_branch(U, 6), NetworkBranch(K, MLP([2, 4, 6], nn.Tanh()), 6)
    u = inputs(4)
    torch.testing.assert_close(ProductBranch([first, second])(u), first(u) * second(u))
    torch.testing.assert_close(SumBranch([first, second, first])(u), 2 * first(u) + second(u))


def test_a_product_of_linear_branches_is_bilinear() -> None:
    product = ProductBranch([linear_branch(U, 6), linear_branch(K, 6)])
    u = inputs(4)
    scaled = product({"u": 2 * u["u"], "k": 3 * u["k"]})
    torch.testing.assert_close(scaled, 6 * product(u))


def test_merged_branches_need_one_width() -> None:
    with pytest.raises(ValueError, match=r"need one width, got \[5, 6\]"):
        ProductBranch([linear_branch(U, 6), linear_branch(K, 5)])


@pytest.mark.parametrize(
    ("split", "branch", "trunk"), [(SplitBoth(), 8, 8), (SplitBranch(), 8, 4), (SplitTrunk(), 4, 8)]
)
def test_channels_share_what_their_split_says(split: Split, branch: int, trunk: int) -> None:
    operator = deeponet(branch, trunk, split)
    b, t = operator.branch(inputs(3)), operator.trunk(points(5))
    values = operator(inputs(3), points(5))
    for channel in range(2):
        own = slice(4 * channel, 4 * channel + 4)
        coefficients, functions = b[:, own] if branch == 8 else b, t[:, own] if trunk == 8 else t
        torch.testing.assert_close(values[:, channel], coefficients @ functions.T)
    # the gradient of one channel reaches only its own part of the last layer, or all of it where that is shared
    values[:, 0].sum().backward()
    for network, width in ((operator.branch.network, branch), (operator.trunk.network, trunk)):
        reached = network.layers[-1].bias.grad != 0
        assert reached[:4].all()
        assert not reached[4:].any()
        assert len(reached) == width


@pytest.mark.parametrize("split", [SplitBoth(), SplitBranch(), SplitTrunk()], ids=lambda split: type(split).__name__)
def test_widths_that_do_not_fit_are_refused(split: Split) -> None:
    with pytest.raises(ValueError, match=rf"{type(split).__name__} with 2 channels needs .* got 7 and 8"):
        deeponet(7, 8, split)


def test_the_original_deeponet_by_its_counts() -> None:
    """Branch [100, 40, 40] and trunk [1, 40, 40] with a bias; the trunk is active after its last layer too."""
    branch, trunk = MLP([100, 40, 40], nn.ReLU()), MLP([1, 40, 40], nn.ReLU(), nn.ReLU())
    assert sum(p.numel() for p in branch.parameters()) == 100 * 40 + 40 + 40 * 40 + 40
    assert sum(p.numel() for p in trunk.parameters()) == 40 + 40 + 40 * 40 + 40
    assert bool((trunk(torch.rand(50, 1)) >= 0).all())
    assert bool((branch(torch.randn(50, 100)) < 0).any())


def test_the_bias_is_one_constant_a_channel() -> None:
    operator, u, y = deeponet(8, 8), inputs(3), points(5)
    before = operator(u, y)
    with torch.no_grad():
        operator.bias.copy_(torch.tensor([2.0, -1.0]))
    torch.testing.assert_close(operator(u, y) - before, torch.tensor([2.0, -1.0])[:, None].expand(3, 2, 5))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_an_anchored_output_keeps_its_value_exactly(seed: int) -> None:
    """p(x, 0.25) = 3 for every weight, input and point."""
    operator = deeponet(8, 8, transform=Anchored(axis=2, at=0.25, value=3.0))
    with initialised(seed), torch.no_grad():
        for parameter in operator.parameters():
            parameter.normal_()
    y = points(6, seed=seed)
    y[:, 2] = 0.25
    assert torch.equal(operator(inputs(2, seed=seed), y), torch.full((2, 2, 6), 3.0))


def test_an_anchored_output_is_free_elsewhere() -> None:
    anchored, free = deeponet(8, 8, transform=Anchored(axis=2, at=0.25, value=3.0)), deeponet(8, 8)
    y = points(6)
    torch.testing.assert_close(anchored(inputs(2), y), 3 + (y[:, 2] - 0.25) * free(inputs(2), y))


def test_a_rescaled_output_undoes_a_normaliser() -> None:
    fields = torch.randn(20, 2, 7) * torch.tensor([5.0, 0.1])[:, None] + torch.tensor([100.0, -3.0])[:, None]
    transform = Rescaled.of(fields)
    operator, normalised = deeponet(8, 8, transform=transform), deeponet(8, 8)
    mean, deviation = fields.mean((0, 2))[:, None], fields.std((0, 2), correction=0)[:, None]
    expected = mean + deviation * normalised(inputs(3), points(5))
    torch.testing.assert_close(operator(inputs(3), points(5)), expected)


def test_fixed_points_are_answered_as_the_operator_does() -> None:
    operator, y = deeponet(8, 8, transform=Rescaled([2.0, 5.0], [0.0, -1.0])), points(5)
    torch.testing.assert_close(FixedQuery(operator, y)(inputs(3)), operator(inputs(3), y))
    torch.testing.assert_close(FixedQuery(operator)(inputs(3)), operator(inputs(3)))


def test_an_unfitted_linear_branch_is_zero() -> None:
    assert not LinearBranch(U, 4)(inputs(3)).any()
