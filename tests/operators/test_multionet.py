"""MultiONet: its formula, its start at zero, and the DeepONet that it contains."""

import pytest
import torch
from families import OUTPUT, SIGNATURE, both, inputs, points
from torch import nn

from fredholm.layers.activations import SiLUIdentity, SiLUSine, TanhSine
from fredholm.layers.coordinates import CoordinateScaling
from fredholm.layers.perceptron import LayerwiseMLP, initialised
from fredholm.operators.deeponet import (
    DeepONet,
    FixedQuery,
    JoinedBranch,
    LayerwiseBranch,
    LayerwiseTrunk,
    NetworkBranch,
    NetworkTrunk,
    SplitBranch,
)

WIDTH, DEPTH = 6, 4


def multionet(last: int, trunk: nn.Module | None = None, branch: nn.Module | None = None) -> DeepONet:
    with initialised(0):
        coefficients = LayerwiseBranch(both(), LayerwiseMLP(8, WIDTH, DEPTH, branch or TanhSine(), last), channels=2)
        basis = LayerwiseTrunk(LayerwiseMLP(3, WIDTH, DEPTH, trunk or TanhSine(), last), CoordinateScaling.box(OUTPUT))
        return DeepONet(SIGNATURE, OUTPUT, coefficients, basis, SplitBranch()).double()


def awake(operator: DeepONet) -> DeepONet:
    with torch.no_grad():
        operator.branch.omega.normal_()
        operator.bias.normal_()
    return operator


@pytest.mark.parametrize("last", [1, 3, 4])
@pytest.mark.parametrize(("trunk", "branch"), [(TanhSine(), TanhSine()), (SiLUSine(), SiLUIdentity())], ids=str)
def test_it_is_its_formula(last: int, trunk: nn.Module, branch: nn.Module) -> None:
    operator = awake(multionet(last, trunk, branch))
    u, y = inputs(3, torch.float64), points(5, dtype=torch.float64)
    a, x = both()(u), CoordinateScaling.box(OUTPUT)(y)
    expected = operator.bias[:, None].expand(3, 2, 5)
    for i in range(DEPTH):
        a, x = branch(operator.branch.network.layers[i](a)), trunk(operator.trunk.network.layers[i](x))
        if i >= DEPTH - last:
            omega = operator.branch.omega[:, i - DEPTH + last]
            expected = expected + omega[:, None] / last * (a @ x.T)[:, None]
    torch.testing.assert_close(operator(u, y), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(operator(u, y.expand(3, -1, -1)), expected, rtol=1e-12, atol=1e-12)


def test_untrained_it_answers_zero_and_only_omega_and_bias_move() -> None:
    operator, u, y = multionet(3), inputs(3, torch.float64), points(5, dtype=torch.float64)
    values = operator(u, y)
    assert not values.any()
    (values - 1).square().sum().backward()
    moved = {name for name, parameter in operator.named_parameters() if parameter.grad.any()}
    assert moved == {"branch.omega", "bias"}


def test_with_one_layer_of_weight_one_it_is_a_deeponet() -> None:
    operator = multionet(1)
    with torch.no_grad():
        operator.branch.omega.fill_(1)

    def last(network: LayerwiseMLP) -> nn.Module:
        layers = [part for layer in network.layers for part in (layer, network.activation)]
        return nn.Sequential(*layers)

    twice = JoinedBranch([NetworkBranch(both(), last(operator.branch.network), WIDTH)] * 2)  # a copy a channel
    trunk = NetworkTrunk(last(operator.trunk.network), WIDTH, CoordinateScaling.box(OUTPUT))
    plain = DeepONet(SIGNATURE, OUTPUT, twice, trunk, SplitBranch(), bias=False).double()
    u, y = inputs(3, torch.float64), points(5, dtype=torch.float64)
    torch.testing.assert_close(operator(u, y), plain(u, y), rtol=1e-12, atol=1e-12)


def test_it_costs_as_many_scalars_more_as_it_has_layers() -> None:
    """Beyond the layers of branch and trunk: l weights ω and a bias for each channel."""
    layers = 2 * 3 * (WIDTH**2 + WIDTH) + (8 + 1) * WIDTH + (3 + 1) * WIDTH
    assert multionet(4).parameter_count == layers + 2 * 4 + 2


def test_its_basis_can_be_kept() -> None:
    operator = awake(multionet(3)).float()
    torch.testing.assert_close(FixedQuery(operator, points(5))(inputs(3)), operator(inputs(3), points(5)))
    torch.testing.assert_close(FixedQuery(operator)(inputs(3)), operator(inputs(3)))
