"""The identity: what goes in comes out. No model of a time step is worth anything that does not beat it.

    G(u)(y) = m(y) u(y)

Source: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023, in
which several published operators do not.
"""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.layers.interpolation import GridInterpolation
from fredholm.operators.operator import Operator, Query
from fredholm.operators.residual_operator import require_on_output


class Identity(Operator):
    """The input function `state` as the answer, interpolated away from its grid.

    Args:
        signature: typed inputs and output.
        output_domain: a grid, a product of grids or a sphere grid.
        state: name of the input, which lives on the output domain and has as many channels as the output.
        mask: name of an input function by which it is multiplied; none by default.

    Raises SignatureError for an input that is not of this kind.
    """

    queries: ClassVar[frozenset[Query]] = frozenset(Query)

    def __init__(self, signature: Signature, output_domain: Domain, state: str, mask: str | None = None) -> None:
        super().__init__(signature, output_domain)
        require_on_output(signature, output_domain, "residual", state)
        if mask is not None:
            require_on_output(signature, output_domain, "mask", mask)
        self.state, self.mask = state, mask
        self.interpolation = GridInterpolation(output_domain)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        values = inputs[self.state] if self.mask is None else inputs[self.state] * inputs[self.mask]
        return values.clone() if query is None else self.interpolation(values, query)
