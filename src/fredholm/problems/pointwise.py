"""Equations at points: what is left of one where a field and its derivatives are known, whoever computes these.

    r(y) = F(y, s, ∂s, ∂²s, ...; u)

`StrongForm` takes derivatives by differences on the problem's own grid; this takes them as they are given, at any
points: exact ones of a network, say.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.grid import Grid
from fredholm.fields.signature import Inputs

Partial = tuple[int, ...]  # axes along which one derives, in ascending order: (0, 0) is ∂²/∂y₀², () the value itself
Jet = Mapping[Partial, Tensor]  # values and derivatives (batch, channels, points)


class PointwiseForm(ABC):
    """A system of equations, each of which can be evaluated at a point.

    `partials` are the derivatives that it needs, and `terms` the names of its equations.
    """

    partials: ClassVar[tuple[Partial, ...]]
    terms: ClassVar[tuple[str, ...]]

    @abstractmethod
    def balance(self, jet: Jet, points: Float[Tensor, "m d"], inputs: Inputs) -> Float[Tensor, "batch terms m"]:
        """What is left of every equation at the points, in its units; zero for a solution."""


def values_along(
    line: Grid, values: Float[Tensor, "batch channels n"], x: Float[Tensor, " m"]
) -> Float[Tensor, "batch channels m"]:
    """A function on a line, linear between its points, at the places x.

    >>> from fredholm.fields.grid import Axis
    >>> line = Grid(Axis("x", 0.0, 1.0, 3))
    >>> values_along(line, torch.tensor([[[0.0, 1.0, 4.0]]]), torch.tensor([0.25, 0.75])).tolist()
    [[[0.5, 2.5]]]
    """
    axis = line.axes[0]
    position = (x - axis.lower) / axis.spacing
    last = axis.size - (1 if axis.periodic else 2)
    lower = position.floor().long().clamp(0, last)
    return torch.lerp(values[..., lower], values[..., (lower + 1) % axis.size], (position - lower).to(values))
