"""A hard initial condition: an operator in time that begins where it is told to, whatever its weights.

    x(t) = x₀ + N(u, x₀)(t) - N(u, x₀)(0)        for the channels of which x₀ is known

Answers that are chained, window by window, have no jumps then. Channels that are no component of x₀ are N's own.

Source: Kumar, Goswami, Smith, Karniadakis, "Real-time prediction of gas flow dynamics in diesel engines using a deep
neural operator framework", 2023, where the first state of each window is an input; hard constraints: Lagaris, Likas,
Fotiadis, "Artificial neural networks for solving ordinary and partial differential equations", 1998.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from fredholm.data.windows import state_channels
from fredholm.errors import SignatureError
from fredholm.fields.signature import Inputs
from fredholm.operators.operator import Operator, Query


class InitialValue(Operator):
    """`operator`, shifted so as to equal the parameter `state` at the first time of its output domain.

    Raises SignatureError for a parameter whose components are not channels of the output, or for an output that is no
    function of time alone.
    """

    queries: ClassVar[frozenset[Query]] = frozenset(Query)
    start: Tensor

    def __init__(self, operator: Operator, state: str = "initial") -> None:
        super().__init__(operator.signature, operator.output_domain)
        if len(operator.output_domain.coordinate_axes) != 1:
            raise SignatureError(f"an initial value needs an output in time alone, got {operator.output_domain!r}")
        self.operator, self.state = operator, state
        self.channels = state_channels(operator.signature, state)
        self.register_buffer("start", operator.output_domain.coordinates()[:1].float(), persistent=False)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        if query is None:
            values: Tensor = self.operator(inputs)
            first = values[..., :1]
        else:
            start = self.start.to(query).expand(*query.shape[:-2], 1, 1)
            values, first = self.operator(inputs, torch.cat([query, start], -2)).split([query.shape[-2], 1], -1)
        known = inputs[self.state].unsqueeze(-1)
        if len(self.channels) == values.shape[1] and self.channels == sorted(self.channels):
            return values - first + known
        shift = torch.zeros_like(first).index_copy(
            1, torch.tensor(self.channels, device=first.device), known - first[:, self.channels]
        )
        return values + shift

    def adapted(self, inputs: Inputs, outputs: Tensor) -> "InitialValue":
        """The operator inside adapted."""
        return InitialValue(self.operator.adapted(inputs, outputs), self.state)
