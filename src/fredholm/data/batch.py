"""Batches: what a training step sees, and the samplers that draw them.

A batch holds input functions, points at which the output is known, and the values there. Points are shared by
all functions of the batch (the Cartesian layout: branch and trunk are each evaluated once), each function's
own (the paired layout), or the whole output domain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from fredholm.fields.signature import Inputs


@dataclass(frozen=True)
class Batch:
    """Inputs, query and target of one training step.

    `query` is None (target on the output domain, (batch, channels, *shape)), (m, d) or (batch, m, d) (target
    (batch, channels, m)). `weights` are the quadrature weights of the target points, broadcastable to the
    target. `samples` (batch,) and `points` (m,) or (batch, m) index the data set they came from.
    """

    inputs: Inputs
    query: Tensor | None
    target: Tensor
    weights: Tensor
    samples: Tensor
    points: Tensor | None = None

    def alone(self, row: int) -> "Batch":
        """The batch of its sample in `row` only."""
        only = slice(row, row + 1)
        query, weights, points = self.query, self.weights, self.points
        own_weights = weights.ndim == self.target.ndim and len(weights) == len(self.target)
        return Batch(
            {name: values[only] for name, values in self.inputs.items()},
            query[only] if query is not None and query.ndim == 3 else query,
            self.target[only],
            weights[only] if own_weights else weights,
            self.samples[only],
            points[only] if points is not None and points.ndim == 2 else points,
        )

    def to(self, device: torch.device, dtype: torch.dtype = torch.float32) -> "Batch":
        """The batch on a device, its values in `dtype`."""

        def move(values: Tensor) -> Tensor:
            return values.to(device, dtype) if values.is_floating_point() else values.to(device)

        inputs: Mapping[str, Tensor] = {name: move(values) for name, values in self.inputs.items()}
        return replace(
            self,
            inputs=dict(inputs),
            query=None if self.query is None else move(self.query),
            target=move(self.target),
            weights=move(self.weights),
            samples=self.samples.to(device),
            points=None if self.points is None else self.points.to(device),
        )
