"""Several steps in time as one operator, so that a step is trained on what its own answers lead to.

    U(c₀, f₀, ..., f_h-1) = (c₁, ..., c_h),    cₖ₊₁ = G(cₖ, fₖ)

A step that was trained on true states alone meets its own errors only when it is rolled out, and nothing has taught it
to make less of them. U shares the weights of G; gradients go back through all h steps.

Source: Benson, Bastos, Reimers, Winkler, Yang, Reichstein, "Atmospheric transport modeling of CO2 with neural
networks", Journal of Advances in Modeling Earth Systems 17 (2025), where training on single steps is followed by
training on longer and longer roll-outs.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from fredholm.fields.signature import Function, Parameter, Quantity, Signature
from fredholm.operators.operator import Operator, Query
from fredholm.operators.residual_operator import step_of


class Unrolled(Operator):
    """`steps` steps by one operator G.

    Inputs other than the state hold the channels, or components, of all steps, one step after the other; so does the
    output. Reshape what a record holds, (samples, steps, channels, ...), to (samples, steps x channels, ...).

    Args:
        step: G, whose output is the next state of one of its input functions.
        steps: h.

    Raises SignatureError for an operator that is no step in time.

    >>> from fredholm.problems import TracerTransport
    >>> problem = TracerTransport(latitudes=16, longitudes=32, spin_up_days=0.0)
    >>> step = Operator.build(problem.signature, "sphere-unet/tiny", problem.output_domain)
    >>> record = problem.record(n=2, steps=4, seed=0)
    >>> inputs = {"co2": record.states[:, 0], **{k: v.flatten(1, 2) for k, v in record.forcings.items()}}
    >>> Unrolled(step, 4)(inputs).shape
    torch.Size([2, 12, 16, 32])
    """

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN})

    def __init__(self, step: Operator, steps: int) -> None:
        if steps < 1:
            raise ValueError(f"an unrolled operator takes at least one step, got {steps}")
        state, _ = step_of(step.signature, step.output_domain)
        inputs = {
            name: entry if name == state else _repeated(entry, steps) for name, entry in step.signature.inputs.items()
        }
        output = step.signature.output
        channels = _each(output.channels, steps)
        super().__init__(Signature(inputs, replace(output, channels=channels)), step.output_domain)
        self.step, self.steps, self.state = step, steps, state

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        self.require_query(query)
        state = inputs[self.state]
        forcings = {name: values.chunk(self.steps, 1) for name, values in inputs.items() if name != self.state}
        states: list[Tensor] = []
        for taken in range(self.steps):
            state = self.step({self.state: state, **{name: values[taken] for name, values in forcings.items()}})
            states.append(state)
        return torch.cat(states, dim=1)


def _repeated(entry: Function | Parameter, steps: int) -> Function | Parameter:
    """The entry with the channels, or components, of all steps."""
    if isinstance(entry, Parameter):
        return Parameter(_each(entry.components, steps))
    return replace(entry, channels=_each(entry.channels, steps))


def _each(quantities: tuple[Quantity, ...], steps: int) -> tuple[Quantity, ...]:
    """The quantities of every step, named after it."""
    return tuple(replace(q, name=f"{q.name}, step {step + 1}") for step in range(steps) for q in quantities)
