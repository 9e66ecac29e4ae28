"""An operator as one time step: what it answers is added to the state it was given, and kept inside the fluid.

    G(u)(y) = m(y) (G₀(u)(y) + u(y))

Predicting the increment spares a network the identity, which for small steps is nearly all of the answer; what lies
outside a mask m is zero, whatever the network. Operators on grids have both built in (`GridOperator`); this gives them
to any other.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import DomainType, Function, Inputs, Signature
from fredholm.layers.interpolation import GridInterpolation
from fredholm.operators.operator import Operator, Query


class ResidualOperator(Operator):
    """`operator` plus the input function `residual`, times the input function `mask`.

    Args:
        operator: G₀.
        residual: name of an input on the output domain with the channels of the output; None adds nothing.
        mask: name of an input on the output domain, of one channel or as many; None multiplies by nothing.

    Raises SignatureError for an input that is not of this kind, and where the output domain is no grid.
    """

    queries: ClassVar[frozenset[Query]] = frozenset(Query)

    def __init__(self, operator: Operator, residual: str | None = None, mask: str | None = None) -> None:
        super().__init__(operator.signature, operator.output_domain)
        for role, name in (("residual", residual), ("mask", mask)):
            if name is not None:
                require_on_output(operator.signature, operator.output_domain, role, name)
        self.operator, self.residual, self.mask = operator, residual, mask
        self.interpolation = GridInterpolation(operator.output_domain)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        values: Tensor = self.operator(inputs, query)
        if self.residual is not None:
            values = values + self._at(inputs[self.residual], query)
        if self.mask is not None:
            values = values * self._at(inputs[self.mask], query)
        return values

    def adapted(self, inputs: Inputs, outputs: Tensor) -> "ResidualOperator":
        """The operator inside adapted to the increments."""
        increments = outputs if self.residual is None else outputs - inputs[self.residual]
        return ResidualOperator(self.operator.adapted(inputs, increments), self.residual, self.mask)

    def _at(self, values: Tensor, query: Tensor | None) -> Tensor:
        return values if query is None else self.interpolation(values, query)


def require_on_output(signature: Signature, output_domain: Domain, role: str, name: str) -> None:
    """Raise SignatureError if `name` is no input function on the output domain whose channels fit the output's."""
    entry, channels = signature.inputs.get(name), len(signature.output.channels)
    if not isinstance(entry, Function) or entry.domain != DomainType.of(output_domain):
        found = sorted(signature.inputs)
        raise SignatureError(f"{role}={name!r} is no input function on the output's domain: the inputs are {found}")
    if len(entry.channels) != channels and not (role == "mask" and len(entry.channels) == 1):
        raise SignatureError(f"{role}={name!r} has {len(entry.channels)} channels; expected the output's {channels}")


def one_step(build: Callable[[Signature, Domain], Operator]) -> Callable[[Signature, Domain], "ResidualOperator"]:
    """Build the same operator as one step in time of a state among its inputs, cut by an input `mask` if there is one.

    What is built raises SignatureError where no input is on the output's domain and of its channels.
    """

    def stepping(signature: Signature, output_domain: Domain) -> ResidualOperator:
        state, mask = step_of(signature, output_domain)
        return ResidualOperator(build(signature, output_domain), state, mask)

    return stepping


def step_of(signature: Signature, output_domain: Domain) -> tuple[str, str | None]:
    """The input that goes on into the output, and the input function `mask`, if any.

    The former is the first function with as many channels on the same domain, one of the very same channels if there is
    one. Raises SignatureError where there is none.
    """
    on_output = {
        name: entry
        for name, entry in signature.inputs.items()
        if isinstance(entry, Function) and entry.domain == DomainType.of(output_domain) and name != "mask"
    }
    output = signature.output.channels
    same = [name for name, entry in on_output.items() if entry.channels == output]
    alike = [name for name, entry in on_output.items() if len(entry.channels) == len(output)]
    if not alike:
        raise SignatureError(
            f"a step in time needs its state among the inputs: a function of {len(output)} channels on the output's "
            f"domain; the inputs are {sorted(signature.inputs)}"
        )
    return (same or alike)[0], "mask" if isinstance(signature.inputs.get("mask"), Function) else None
