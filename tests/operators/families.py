"""Small operators of every family, on one problem: two inputs, two output channels, a plane with time."""

from collections.abc import Callable

import torch
from torch import nn

from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Parameter, Quantity, Signature
from fredholm.layers.coordinates import CoordinateScaling, FourierFeatures
from fredholm.layers.perceptron import MLP, ModifiedMLP, SineMLP, initialised
from fredholm.layers.sensors import Concatenated, FunctionSensors, ParameterSensors
from fredholm.operators import DeepONet, FeedForward, Operator
from fredholm.operators.deeponet import (
    DenseModes,
    JoinedBranch,
    JoinedTrunk,
    LinearBranch,
    NetworkBranch,
    NetworkTrunk,
    PODTrunk,
    ProductBranch,
    SeparableModes,
    SplitBranch,
    SplitTrunk,
    StackedBranch,
    SumBranch,
)
from fredholm.operators.output_transform import Anchored, Rescaled

LINE = Grid(Axis("x", 0.0, 1.0, 6))
PLANE = Grid(Axis("x", 0.0, 2.0, 5), Axis("y", 0.0, 1.0, 4))
OUTPUT: Domain = PLANE * Grid(Axis("t", 0.0, 0.5, 4))
SIGNATURE = Signature(
    {"u": Function((Quantity("u"),), DomainType.of(LINE)), "k": Parameter((Quantity("a"), Quantity("b")))},
    Function((Quantity("p", "Pa"), Quantity("q")), DomainType.of(OUTPUT)),
)
U, K = FunctionSensors("u", LINE), ParameterSensors("k", 2)


def inputs(n: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    u, k = torch.randn(n, 1, 6, generator=generator), torch.randn(n, 2, generator=generator)
    return {"u": u.to(dtype), "k": k.to(dtype)}


def points(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 1) -> torch.Tensor:
    unit = torch.rand(*shape, 3, generator=torch.Generator().manual_seed(seed))
    return (unit * torch.tensor([2.0, 1.0, 0.5])).to(dtype)


def both() -> Concatenated:
    return Concatenated([U, K])


def network_trunk(width: int) -> NetworkTrunk:
    return NetworkTrunk(MLP([3, 8, width], nn.Tanh(), nn.Tanh()), width, CoordinateScaling.box(OUTPUT))


def linear_branch(sensors: Concatenated | FunctionSensors, width: int) -> LinearBranch:
    branch = LinearBranch(sensors, width)
    nn.init.normal_(branch.weight)
    return branch


def modes(rank: int) -> torch.Tensor:
    return torch.randn(rank, OUTPUT.size)


def _sine() -> DeepONet:
    features = FourierFeatures([0.5, 0.25])
    trunk = NetworkTrunk(
        ModifiedMLP([features.width(3), 8, 8, 8], 5.0), 8, CoordinateScaling.waves(OUTPUT, 2.0), features
    )
    return DeepONet(SIGNATURE, OUTPUT, NetworkBranch(both(), ModifiedMLP([8, 9, 9, 8]), 8), trunk)


def _joined() -> DeepONet:
    branch = JoinedBranch([NetworkBranch(both(), SineMLP([8, 5, 4]), 4), linear_branch(both(), 4)])
    return DeepONet(SIGNATURE, OUTPUT, branch, JoinedTrunk([network_trunk(4), network_trunk(4)]), bias=False)


def _stacked() -> DeepONet:
    branch = StackedBranch(both(), [5, 4], 6, nn.Tanh())
    return DeepONet(SIGNATURE, OUTPUT, branch, network_trunk(3), SplitBranch())


def _product() -> DeepONet:
    branch = ProductBranch([linear_branch(U, 6), NetworkBranch(K, MLP([2, 4, 6], nn.ReLU()), 6)])
    return DeepONet(SIGNATURE, OUTPUT, branch, network_trunk(6), transform=Anchored(axis=2, at=0.0, value=3.0))


def _sum() -> DeepONet:
    branch = SumBranch([linear_branch(U, 6), NetworkBranch(K, MLP([2, 4, 6], nn.ReLU()), 6)])
    return DeepONet(SIGNATURE, OUTPUT, branch, network_trunk(6), transform=Rescaled([2.0, 5.0], [0.0, -1.0]))


def _dense() -> DeepONet:
    trunk = PODTrunk(DenseModes.of(OUTPUT, modes(6)))
    return DeepONet(SIGNATURE, OUTPUT, linear_branch(both(), 3), trunk, SplitTrunk(), bias=False)


def _separable() -> DeepONet:
    trunk = PODTrunk(SeparableModes.of(OUTPUT, modes(6), tolerance=0.3))
    return DeepONet(SIGNATURE, OUTPUT, linear_branch(both(), 3), trunk, SplitTrunk(), bias=False)


def _feed_forward() -> FeedForward:
    network = MLP([8 + 3, 10, 10, 2], nn.Tanh())
    return FeedForward(SIGNATURE, OUTPUT, both(), network, CoordinateScaling.box(OUTPUT))


_FAMILIES: dict[str, Callable[[], Operator]] = {
    "gated sine": _sine,
    "independent networks": _joined,
    "stacked branch, split branch": _stacked,
    "product of branches, anchored": _product,
    "sum of branches, rescaled": _sum,
    "dense modes, split trunk": _dense,
    "separable modes, split trunk": _separable,
    "feed-forward": _feed_forward,
}
FAMILIES = list(_FAMILIES)


def family(name: str, seed: int = 0) -> Operator:
    """The operator `name`, its bias not at its start of zero."""
    with initialised(seed):
        operator = _FAMILIES[name]()
        if isinstance(operator, DeepONet) and operator.bias is not None:
            nn.init.normal_(operator.bias)
    return operator.eval()
