"""Derivatives of a function of points by forward mode: exact, and in one evaluation for all functions of a batch.

    f(y + ε e) = f(y) + ε ∂f + ...        ∂ₐ f = jvp(f, y, eₐ),   ∂ₐ² f = jvp(∂ₐ f, y, eₐ)

A directional derivative by forward mode costs about one evaluation more, whatever the number of outputs; by reverse
mode it costs a pass for every output. A DeepONet is a sum of products of what depends on the inputs and what depends on
the points, so that only its trunk is derived, once for all functions.

Sources: Griewank, Walther, "Evaluating derivatives" (2008), chapters 3 and 13; Wang, Wang, Perdikaris, "Learning the
solution operator of parametric partial differential equations with physics-informed DeepONets", Science Advances 7
(2021), for the losses that are made of them.
"""

from collections.abc import Callable, Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.operators.deeponet import DeepONet
from fredholm.operators.operator import Operator
from fredholm.problems.pointwise import Partial

Function = Callable[[Tensor], Tensor]


def jet(function: Function, points: Float[Tensor, "m d"], partials: Iterable[Partial]) -> dict[Partial, Tensor]:
    """Values, under the key (), and partial derivatives of `function` at points, each of its output's shape.

    What the function answers for a point may depend on that point alone.

    >>> found = jet(lambda y: y[:, 0] ** 3 * y[:, 1], torch.tensor([[2.0, 5.0]]), [(0,), (0, 0), (0, 1)])
    >>> {partial: float(value) for partial, value in sorted(found.items())}
    {(): 40.0, (0,): 60.0, (0, 0): 60.0, (0, 1): 12.0}
    """
    found: dict[Partial, Tensor] = {}
    for partial in sorted({tuple(sorted(p)) for p in partials}, key=len, reverse=True):
        if partial in found:
            continue
        values = _along(function, partial)(points)
        found |= {partial[:order]: value for order, value in enumerate(values)}
    return found or {(): function(points)}


def operator_jet(
    operator: Operator, inputs: Mapping[str, Tensor], points: Float[Tensor, "m d"], partials: Iterable[Partial]
) -> dict[Partial, Float[Tensor, "batch channels m"]]:
    """Values of an operator at points that all samples share, and partial derivatives there."""
    if not isinstance(operator, DeepONet):
        return jet(lambda query: operator(inputs, query), points, partials)
    coefficients = operator.coefficients(inputs)
    basis = jet(operator.basis, points, partials)
    return {partial: torch.einsum("bcp,mcp->bcm", coefficients, values) for partial, values in basis.items()}


def _along(function: Function, partial: Partial) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """The function and its derivatives along the axes of `partial`, one after the other."""
    if not partial:
        return lambda points: (function(points),)
    inner, axis = _along(function, partial[:-1]), partial[-1]

    def derived(points: Tensor) -> tuple[Tensor, ...]:
        direction = torch.zeros_like(points)
        direction[..., axis] = 1
        pushed = torch.func.jvp(inner, (points,), (direction,))
        return (*pushed[0], pushed[1][-1])

    return derived
