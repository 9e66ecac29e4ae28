"""A record in time, window by window: each begins with the state in which the one before it ends.

    x(t) = G(u on window k, xₖ)(t - tₖ),   xₖ₊₁ = G(u on window k, xₖ)(end)

An operator that was trained on windows so answers records of any length. Trained as it stands, over a few windows, it
also learns from what its own errors lead to.

Source: Kumar, Goswami, Smith, Karniadakis, "Real-time prediction of gas flow dynamics in diesel engines using a deep
neural operator framework", 2023.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.windows import Windows, state_channels
from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Function, Parameter, Signature
from fredholm.operators.operator import Operator, Query


class Windowed(Operator):
    """`window` on one window after the other.

    Args:
        window: G, an operator on the windows of such records (see `data.windows.Windows`); one without the first state
            among its inputs sees every window alone.
        signature: of the records.
        output_domain: their times. The last window may reach beyond them; what drives the system is then held.

    Raises SignatureError where window and records do not fit.

    >>> from fredholm.problems import DieselEngineRecords
    >>> records, plan = DieselEngineRecords(), Windows(25)
    >>> of_windows = plan.signature(records.signature)
    >>> window = Operator.build(of_windows, "deeponet/sequence", plan.line(records.signature))
    >>> Windowed(window, records.signature, records.line)(records.sample(2, seed=0)).shape
    torch.Size([2, 10, 301])
    """

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN})

    def __init__(self, window: Operator, signature: Signature, output_domain: Domain) -> None:
        super().__init__(signature, output_domain)
        self.window = window
        self.drive, self.state = Windows.entries(signature)
        self.steps, self.history = _plan_of(window, signature, self.drive)
        self.known = _times(signature, self.drive) - output_domain.shape[0]
        if self.known < 0:
            raise SignatureError(f"input {self.drive!r} has {-self.known} times fewer than the output")
        self.chained = isinstance(window.signature.inputs.get(self.state), Parameter)
        self.channels = state_channels(signature, self.state)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        self.require_query(query)
        state, times = inputs[self.state], self.output_domain.shape[0]
        count = -(-(times - 1) // self.steps)
        driving = self._padded(inputs[self.drive], count * self.steps + 1)
        pieces: list[Tensor] = []
        for k in range(count):
            seen = driving[..., k * self.steps : (k + 1) * self.steps + self.history + 1]
            given = {self.drive: seen, self.state: state} if self.chained else {self.drive: seen}
            values = self.window(given)
            pieces.append(values if k == 0 else values[..., 1:])
            state = values[:, self.channels, -1]
        return torch.cat(pieces, -1)[..., :times]

    def _padded(self, driving: Float[Tensor, "b c m"], times: int) -> Float[Tensor, "b c k"]:
        """Held before and after: `history` more than `times` of them."""
        before, after = self.history - self.known, times - (driving.shape[-1] - self.known)
        parts = [driving[..., :1].expand(*driving.shape[:-1], before)] if before > 0 else []
        parts.append(driving[..., max(0, -before) :])
        if after > 0:
            parts.append(driving[..., -1:].expand(*driving.shape[:-1], after))
        return torch.cat(parts, -1)


def _times(signature: Signature, drive: str) -> int:
    """At how many times the input function `drive` is known; raises SignatureError if it is none of time."""
    entry = signature.inputs.get(drive)
    if not isinstance(entry, Function) or entry.domain.shape is None or len(entry.domain.shape) != 1:
        raise SignatureError(f"{drive!r} is no input function of time: the inputs are {sorted(signature.inputs)}")
    return entry.domain.shape[0]


def _plan_of(window: Operator, records: Signature, drive: str) -> tuple[int, int]:
    """Steps and history of an operator's windows; raises SignatureError if they are not windows of the records."""
    steps = window.output_domain.shape[0] - 1
    plan = Windows(steps, _times(window.signature, drive) - steps - 1)
    expected = plan.signature(records)
    inputs = {name: value for name, value in expected.inputs.items() if name in window.signature.inputs}
    Signature(inputs, expected.output).require(window.signature, f"{type(window).__name__} of windows")
    return plan.steps, plan.history
