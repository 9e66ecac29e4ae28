"""The best affine map from inputs to outputs on a grid: what a network has to beat.

    s = W z(u) + c,   (W, c) = argmin Σᵢ |W z(uᵢ) + c - sᵢ|² + λ n |W|²

z are the inputs at all of their points, standardised.

Source: Hoerl, Kennard, "Ridge regression: biased estimation for nonorthogonal problems", 1970.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Inputs, Signature
from fredholm.layers.adapted_sensors import Standardised
from fredholm.operators.operator import Operator, Query


class AffineMap(Operator):
    """W z(u) + c, fitted in closed form by `adapted`; zero before.

    Args:
        signature: typed inputs and output.
        output_domain: where it answers.
        sensors: z.
        ridge: λ.
    """

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN})
    weight: Tensor
    constant: Tensor

    def __init__(self, signature: Signature, output_domain: Domain, sensors: Standardised, ridge: float = 1e-4) -> None:
        super().__init__(signature, output_domain)
        self.sensors, self.ridge = sensors, ridge
        self.shape = (len(signature.output.channels), *output_domain.shape)
        size = len(signature.output.channels) * output_domain.size
        self.register_buffer("weight", torch.zeros(sensors.width, size))
        self.register_buffer("constant", torch.zeros(size))

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        self.require_query(query)
        return torch.addmm(self.constant, self.sensors(inputs), self.weight).unflatten(-1, self.shape)

    def adapted(self, inputs: Inputs, outputs: Tensor) -> "AffineMap":
        """Fitted to training samples, in place."""
        self.sensors.fit(inputs)
        features, targets = self.sensors(inputs).double(), outputs.flatten(1).double()
        mean = targets.mean(0)
        gram = features.T @ features
        gram.diagonal().add_(self.ridge * len(features))
        self.weight.copy_(torch.linalg.solve(gram, features.T @ (targets - mean)))
        self.constant.copy_(mean)
        return self
