"""The feed-forward baseline: one network on sensors and coordinates together, G(u)(y) ≈ N(u(x₁), ..., u(xₘ), y).

It has none of an operator network's structure; Lu et al. 2021 compare DeepONet with it.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.layers.sensors import Sensors
from fredholm.operators.operator import Operator, Query


class FeedForward(Operator):
    """A network of (sensor values, coordinates) with one output a channel.

    Args:
        signature: typed inputs and output.
        output_domain: where `query=None` asks.
        sensors: what the network sees of the inputs.
        network: of width `sensors.width` + coordinates to the number of channels.
        scaling: of the coordinates; none by default.
    """

    queries: ClassVar[frozenset[Query]] = frozenset(Query)

    def __init__(
        self,
        signature: Signature,
        output_domain: Domain,
        sensors: Sensors,
        network: nn.Module,
        scaling: nn.Module | None = None,
    ) -> None:
        super().__init__(signature, output_domain)
        self.sensors, self.network, self.scaling = sensors, network, scaling or nn.Identity()

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        features = self.sensors(inputs)
        points = self.output_domain.coordinates().to(features) if query is None else query
        points = self.scaling(points)
        m = points.shape[-2]
        together = torch.cat(
            [features.unsqueeze(1).expand(-1, m, -1), points.expand(features.shape[0], -1, -1)], dim=-1
        )
        values: Tensor = self.network(together).movedim(-1, 1)
        return values.unflatten(-1, self.output_domain.shape) if query is None else values
