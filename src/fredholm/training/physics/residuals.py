"""A physics-informed operator: what is left of an equation, as an operator whose target is zero.

    R(u)(y) = (F(y, s, ∂s, ...; u),   s(P y) - g(u)(P y), ...)      with s = G(u)

So an operator is trained without solutions by the `fit` that trains any other, on input functions and points alone: the
equations and each condition are channels. A condition on a plane is asked for at the projection P of every point onto
it. Where the operator has a condition built in (`operators.output_transform`), none is needed.

Source: Wang, Wang, Perdikaris, "Learning the solution operator of parametric partial differential equations with
physics-informed DeepONets", Science Advances 7 (2021).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.errors import SignatureError
from fredholm.fields.grid import Grid
from fredholm.fields.signature import Function, Inputs, Quantity, Signature
from fredholm.operators.operator import Operator, Query
from fredholm.problems.pointwise import PointwiseForm, values_along
from fredholm.training.physics.jets import operator_jet


@dataclass(frozen=True)
class Prescribed:
    """The output on a plane.

    Args:
        axis: a coordinate of the output.
        at: where on it the plane stands.
        value: what the output is there: a number, or the name of an input function of the coordinate before `axis`.
    """

    axis: int
    at: float
    value: float | str = 0.0

    def miss(self, operator: Operator, inputs: Mapping[str, Tensor], points: Float[Tensor, "m d"]) -> Tensor:
        """How far the output is off at the points' projections, (batch, channels, m)."""
        projected = points.clone()
        projected[:, self.axis] = self.at
        values: Tensor = operator(inputs, projected)
        if not isinstance(self.value, str):
            return values - self.value
        entry = operator.signature.inputs[self.value]
        assert isinstance(entry, Function)
        line = entry.domain.grid()
        assert isinstance(line, Grid)
        return values - values_along(line, inputs[self.value], points[:, 1 - self.axis])


class Residuals(Operator):
    """`operator` as it stands in its equations.

    Args:
        operator: G, which is trained; it answers at points that all samples share.
        form: the equations.
        conditions: what else is to hold, softly.

    Raises SignatureError for conditions by what is no input function of one coordinate.

    >>> from fredholm.problems import DiffusionReaction
    >>> problem = DiffusionReaction()
    >>> operator = Operator.build(problem.signature, "deeponet/small", problem.output_domain)
    >>> rest = Residuals(operator, problem, [Prescribed(axis=1, at=0.0)])
    >>> rest(problem.sample(2, seed=0), torch.rand(7, 2)).shape
    torch.Size([2, 2, 7])
    """

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN, Query.SHARED})

    def __init__(self, operator: Operator, form: PointwiseForm, conditions: Sequence[Prescribed] = ()) -> None:
        names = [*form.terms, *(f"prescribed {i}" for i in range(len(conditions)))]
        terms = tuple(Quantity(name) for name in names)
        signature = Signature(dict(operator.signature.inputs), Function(terms, operator.signature.output.domain))
        super().__init__(signature, operator.output_domain)
        self.operator, self.form, self.conditions = operator, form, tuple(conditions)
        for condition in self.conditions:
            _require_line(operator.signature, condition)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        self.require_query(query)
        points = self.output_domain.coordinates().float() if query is None else query
        found = operator_jet(self.operator, inputs, points, self.form.partials)
        rest = [self.form.balance(found, points, dict(inputs))]
        rest += [condition.miss(self.operator, inputs, points) for condition in self.conditions]
        values = torch.cat(rest, 1)
        return values.unflatten(-1, self.output_domain.shape) if query is None else values

    def data(self, inputs: Inputs) -> Dataset:
        """Input functions to train on, and the target of all: zero."""
        count = len(next(iter(inputs.values())))
        zero = torch.zeros(count, len(self.signature.output.channels), *self.output_domain.shape)
        return Dataset.from_arrays(self.signature, self.output_domain, inputs, zero)


def _require_line(signature: Signature, condition: Prescribed) -> None:
    if not isinstance(condition.value, str):
        return
    entry = signature.inputs.get(condition.value)
    if not isinstance(entry, Function) or entry.domain.shape is None or len(entry.domain.shape) != 1:
        raise SignatureError(
            f"{condition.value!r}, prescribed at coordinate {condition.axis} = {condition.at:g}, is no input function "
            f"of one coordinate: the inputs are {sorted(signature.inputs)}"
        )
