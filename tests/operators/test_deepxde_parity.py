"""With the same weights, this family and DeepXDE's answer alike: an independent implementation of every formula."""

import os
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fredholm.fields import Axis, DomainType, Function, Grid, Parameter, Quantity, Signature
from fredholm.layers.perceptron import MLP, initialised
from fredholm.layers.sensors import FunctionSensors, ParameterSensors
from fredholm.operators.deeponet import (
    DeepONet,
    DenseModes,
    JoinedTrunk,
    NetworkBranch,
    NetworkTrunk,
    PODTrunk,
    ProductBranch,
    Split,
    SplitBoth,
    SplitBranch,
    SplitTrunk,
    SumBranch,
)

LINE, PLANE = Grid(Axis("x", 0.0, 1.0, 20)), Grid(Axis("x", 0.0, 1.0, 6), Axis("t", 0.0, 1.0, 5))
CLOSE = {"rtol": 1e-5, "atol": 1e-6}
ACTIVATIONS = pytest.mark.parametrize(("name", "activation"), [("relu", nn.ReLU()), ("tanh", nn.Tanh())])


@pytest.fixture(scope="module")
def peer() -> Any:
    os.environ.setdefault("DDE_BACKEND", "pytorch")
    deepxde = pytest.importorskip("deepxde", reason="parity with DeepXDE needs the extra 'peers'")
    if deepxde.backend.backend_name != "pytorch":
        pytest.skip("DeepXDE runs on another backend than PyTorch")
    return deepxde


def signature(outputs: int = 1) -> Signature:
    u, k = Function((Quantity("u"),), DomainType.of(LINE)), Parameter(tuple(Quantity(f"k{i}") for i in range(3)))
    return Signature({"u": u, "k": k}, Function(tuple(Quantity(f"s{i}") for i in range(outputs)), DomainType.of(PLANE)))


def samples() -> tuple[dict[str, Tensor], Tensor]:
    generator = torch.Generator().manual_seed(0)
    inputs = {"u": torch.randn(7, 1, 20, generator=generator), "k": torch.randn(7, 3, generator=generator)}
    return inputs, torch.rand(11, 2, generator=generator)


def network(theirs: nn.Module, activation: nn.Module, last: nn.Module | None = None) -> MLP:
    """A plain network with the weights of theirs."""
    layers = list(theirs.linears)
    ours = MLP([layers[0].in_features, *(layer.out_features for layer in layers)], activation, last)
    with torch.no_grad():
        for mine, layer in zip(ours.layers, layers, strict=True):
            mine.weight.copy_(layer.weight)
            mine.bias.copy_(layer.bias.normal_())
    return ours


def branch(theirs: nn.Module, activation: nn.Module, of: str = "u") -> NetworkBranch:
    sensors = FunctionSensors("u", LINE) if of == "u" else ParameterSensors("k", 3)
    return NetworkBranch(sensors, network(theirs, activation), theirs.linears[-1].out_features)


def trunk(theirs: nn.Module, activation: nn.Module, last: nn.Module | None) -> NetworkTrunk:
    return NetworkTrunk(network(theirs, activation, last), theirs.linears[-1].out_features)


def with_bias(operator: DeepONet, theirs: list[Tensor]) -> DeepONet:
    assert operator.bias is not None
    with torch.no_grad():
        for i, b in enumerate(theirs):
            b.normal_()
            operator.bias[i] = b
    return operator


@ACTIVATIONS
def test_functions_at_points_of_their_own(peer: Any, name: str, activation: nn.Module) -> None:
    theirs = peer.nn.DeepONet([20, 16, 16, 12], [2, 16, 12], name, "Glorot normal")
    ours = DeepONet(signature(), PLANE, branch(theirs.branch, activation), trunk(theirs.trunk, activation, activation))
    with_bias(ours, list(theirs.b))
    inputs, _ = samples()
    points = torch.rand(7, 1, 2)
    expected = theirs((inputs["u"].flatten(1), points[:, 0]))
    torch.testing.assert_close(ours(inputs, points)[:, 0], expected, **CLOSE)


@ACTIVATIONS
def test_functions_at_common_points(peer: Any, name: str, activation: nn.Module) -> None:
    theirs = peer.nn.DeepONetCartesianProd([20, 16, 16, 12], [2, 16, 12], name, "Glorot normal")
    ours = DeepONet(signature(), PLANE, branch(theirs.branch, activation), trunk(theirs.trunk, activation, activation))
    with_bias(ours, list(theirs.b))
    inputs, points = samples()
    torch.testing.assert_close(ours(inputs, points)[:, 0], theirs((inputs["u"].flatten(1), points)), **CLOSE)
    on_domain = theirs((inputs["u"].flatten(1), PLANE.coordinates().float()))
    torch.testing.assert_close(ours(inputs).flatten(1), on_domain, **CLOSE)


@pytest.mark.parametrize(
    ("strategy", "split", "widths"),
    [
        ("split_both", SplitBoth(), (12, 12)),
        ("split_branch", SplitBranch(), (12, 6)),
        ("split_trunk", SplitTrunk(), (6, 12)),
    ],
)
def test_several_outputs(peer: Any, strategy: str, split: Split, widths: tuple[int, int]) -> None:
    b, t = widths
    theirs = peer.nn.DeepONetCartesianProd(
        [20, 16, b], [2, 16, t], "tanh", "Glorot normal", num_outputs=2, multi_output_strategy=strategy
    )
    parts = branch(theirs.branch, nn.Tanh()), trunk(theirs.trunk, nn.Tanh(), nn.Tanh())
    ours = with_bias(DeepONet(signature(2), PLANE, *parts, split), list(theirs.b))
    inputs, points = samples()
    torch.testing.assert_close(ours(inputs, points).movedim(1, 2), theirs((inputs["u"].flatten(1), points)), **CLOSE)


@pytest.mark.parametrize("also_network", [False, True], ids=["modes alone", "modes and a network"])
def test_pod_modes(peer: Any, also_network: bool) -> None:
    modes = torch.linalg.qr(torch.randn(PLANE.size, 5, generator=torch.Generator().manual_seed(1)))[0]
    sizes = [2, 16, 4] if also_network else None
    width = 9 if also_network else 5
    theirs = peer.nn.PODDeepONet(modes.numpy(), [20, 16, width], "tanh", "Glorot normal", layer_sizes_trunk=sizes)
    ours_trunk: Any = PODTrunk(DenseModes.of(PLANE, modes.T))
    if also_network:
        ours_trunk = JoinedTrunk([ours_trunk, trunk(theirs.trunk, nn.Tanh(), nn.Tanh())])
    ours = DeepONet(signature(), PLANE, branch(theirs.branch, nn.Tanh()), ours_trunk, bias=also_network)
    if also_network:
        with_bias(ours, [theirs.b.data])
    inputs, _ = samples()
    expected = theirs((inputs["u"].flatten(1), PLANE.coordinates().float()))
    torch.testing.assert_close(ours(inputs).flatten(1), expected, **CLOSE)


@pytest.mark.parametrize(("operation", "merge"), [("mul", ProductBranch), ("add", SumBranch)])
@pytest.mark.parametrize("last", [False, True], ids=["linear trunk", "active trunk"])
def test_two_inputs(peer: Any, operation: str, merge: type, last: bool) -> None:
    """MIONet; with a product it is the enhanced DeepONet (EDeepONet) too."""
    theirs = peer.nn.MIONetCartesianProd(
        [20, 16, 12],
        [3, 10, 12],
        [2, 16, 12],
        {"branch1": "tanh", "branch2": "relu", "trunk": "tanh"},
        "Glorot normal",
        trunk_last_activation=last,
        merge_operation=operation,
    )
    branches = [branch(theirs.branch1, nn.Tanh()), branch(theirs.branch2, nn.ReLU(), of="k")]
    ours_trunk = trunk(theirs.trunk, nn.Tanh(), nn.Tanh() if last else None)
    ours = with_bias(DeepONet(signature(), PLANE, merge(branches), ours_trunk), [theirs.b.data])
    inputs, points = samples()
    torch.testing.assert_close(
        ours(inputs, points)[:, 0], theirs((inputs["u"].flatten(1), inputs["k"], points)), **CLOSE
    )


def test_both_count_as_many_weights(peer: Any) -> None:
    theirs = peer.nn.DeepONetCartesianProd([100, 128, 128, 128], [2, 128, 128, 128], "relu", "Glorot normal")
    sizes = [[100, 128, 128, 128], [2, 128, 128, 128]]
    expected = sum(a * b + b for widths in sizes for a, b in pairwise(widths)) + 1
    assert sum(parameter.numel() for parameter in theirs.parameters()) == expected


def test_they_start_from_one_distribution(peer: Any) -> None:
    with initialised(0):
        ours = MLP([300, 500, 1], nn.ReLU())
        theirs = peer.nn.FNN([300, 500, 1], "relu", "Glorot normal")
    for mine, layer in zip(ours.layers, theirs.linears, strict=True):
        assert float(mine.weight.detach().std() / layer.weight.detach().std()) == pytest.approx(1, abs=0.1)
        assert not mine.bias.any()
        assert not layer.bias.any()
