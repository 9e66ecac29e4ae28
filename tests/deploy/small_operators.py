"""Small operators to ship: two that are sound, and some that no exporter can render faithfully."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Parameter, Quantity, Signature
from fredholm.layers.perceptron import MLP, initialised
from fredholm.layers.sensors import Concatenated, FunctionSensors, ParameterSensors
from fredholm.operators import DeepONet, FeedForward, Operator
from fredholm.operators.deeponet import NetworkBranch, NetworkTrunk
from fredholm.operators.operator import Query
from fredholm.operators.output_transform import OutputTransform

LINE = Grid(Axis("x", 0.0, 1.0, 5, units="m"))
PLANE = Grid(Axis("x", 0.0, 2.0, 4, units="m"), Axis("t", 0.0, 1.0, 3, units="s"))
SIGNATURE = Signature(
    {
        "load": Function((Quantity("force", "N"),), DomainType.of(LINE)),
        "damping": Parameter((Quantity("rate", "1/s"), Quantity("loss"))),
    },
    Function((Quantity("deflection", "m"), Quantity("moment", "N m")), DomainType.of(PLANE)),
)


def inputs(batch: int, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "load": torch.randn(batch, 1, 5, generator=generator),
        "damping": torch.randn(batch, 2, generator=generator),
    }


def points(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(*shape, 2, generator=torch.Generator().manual_seed(seed)) * torch.tensor([2.0, 1.0])


def sensors() -> Concatenated:
    return Concatenated([FunctionSensors("load", LINE), ParameterSensors("damping", 2)])


def deeponet(seed: int = 0, transform: OutputTransform | None = None) -> DeepONet:
    with initialised(seed):
        branch = NetworkBranch(sensors(), MLP([7, 8, 6], nn.Tanh()), 6)
        operator = DeepONet(SIGNATURE, PLANE, branch, NetworkTrunk(MLP([2, 8, 6], nn.Tanh()), 6), transform=transform)
        nn.init.normal_(operator.bias)
    return operator.eval()


def feed_forward(seed: int = 0) -> FeedForward:
    with initialised(seed):
        return FeedForward(SIGNATURE, PLANE, sensors(), MLP([9, 8, 2], nn.Tanh())).eval()


class Restless(Operator):
    """Answers something else each time: a graph of it can never agree with it."""

    queries: ClassVar[frozenset[Query]] = frozenset({Query.SHARED})

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        assert query is not None
        value = inputs["damping"][:, :1] * query.sum(-1)
        return (value + torch.randn_like(value)).unsqueeze(1).expand(-1, 2, -1)


class Hesitant(Operator):
    """Looks at its input's values to choose a way, which a graph cannot."""

    queries: ClassVar[frozenset[Query]] = frozenset({Query.SHARED})

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        assert query is not None
        value = inputs["damping"][:, :1] * query.sum(-1)
        return (value if float(value.sum()) > 0 else -value).unsqueeze(1).expand(-1, 2, -1)


class OnItsGrid(Operator):
    """Answers on its own output domain alone, and holds one weight under two names."""

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN})

    def __init__(self, signature: Signature, output_domain: Grid) -> None:
        super().__init__(signature, output_domain)
        self.first = nn.Parameter(torch.linspace(-1.0, 1.0, 12))
        self.tied = self.first

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        amplitude = inputs["load"].sum(-1) + inputs["damping"]
        return (amplitude.unsqueeze(-1) * torch.sin(self.first + self.tied)).unflatten(-1, self.output_domain.shape)
