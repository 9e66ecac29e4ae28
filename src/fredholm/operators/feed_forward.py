"""The feed-forward baseline: one network on sensors and coordinates together, G(u)(y) ≈ N(u(x₁), ..., u(xₘ), y).

It has none of an operator network's structure; Lu et al. 2021 and Luo et al. 2023 (CFDBench) compare others with it.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Inputs, Signature
from fredholm.layers.adapted_sensors import fit_sensors
from fredholm.layers.domain_points import DomainPoints
from fredholm.layers.perceptron import MLP
from fredholm.layers.sensors import Sensors
from fredholm.operators.operator import Operator, Query
from fredholm.operators.output_transform import OutputTransform, Rescaled


class FeedForward(Operator):
    """A network of (sensor values, coordinates) with one output a channel.

    Args:
        signature: typed inputs and output.
        output_domain: where `query=None` asks.
        sensors: what the network sees of the inputs.
        network: of width `sensors.width` + coordinates to the number of channels.
        scaling: of the coordinates; none by default.
        transform: affine map of the output.
    """

    queries: ClassVar[frozenset[Query]] = frozenset(Query)

    def __init__(
        self,
        signature: Signature,
        output_domain: Domain,
        sensors: Sensors,
        network: nn.Module,
        scaling: nn.Module | None = None,
        transform: OutputTransform | None = None,
    ) -> None:
        super().__init__(signature, output_domain)
        self.sensors, self.network, self.scaling = sensors, network, scaling or nn.Identity()
        self.transform = transform
        self.points = DomainPoints(output_domain)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        features = self.sensors(inputs)
        points = self.points(features) if query is None else query
        values = self._of_pairs(features, self.scaling(points))
        if self.transform is not None:
            values = values * self.transform.factor(points) + self.transform.offset(points)
        values = values.transpose(1, 2)
        return values.unflatten(-1, self.output_domain.shape) if query is None else values

    def adapted(self, inputs: Inputs, outputs: Tensor) -> "FeedForward":
        """Standardised sensors fitted, in place, and the output of mean 0 and deviation 1 before its transform."""
        fit_sensors(self, inputs)
        transform = self.transform or Rescaled.of(outputs)
        return FeedForward(self.signature, self.output_domain, self.sensors, self.network, self.scaling, transform)

    def _of_pairs(self, features: Tensor, points: Tensor) -> Tensor:
        """The network's values (batch, m, channels) for every sample at every point."""
        if isinstance(self.network, MLP):
            return self.network.of_pairs(features, points)
        m = points.shape[-2]
        together = [features.unsqueeze(1).expand(-1, m, -1), points.expand(features.shape[0], -1, -1)]
        values: Tensor = self.network(torch.cat(together, dim=-1))
        return values
