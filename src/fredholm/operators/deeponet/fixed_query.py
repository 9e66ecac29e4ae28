"""A DeepONet asked again and again at the same points: the basis is computed once, each input costs a branch."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.operators.deeponet.deeponet import DeepONet


class FixedQuery:
    """u ↦ G(u) at fixed points, or on the output domain.

    The operator's weights are taken as they are now.

    >>> field = FixedQuery(operator, grid_at_one_time)  # doctest: +SKIP
    >>> field({"initial_pressure": pulse}).shape  # doctest: +SKIP
    torch.Size([1, 1, 4096])
    """

    def __init__(self, operator: DeepONet, query: Float[Tensor, "m d"] | None = None) -> None:
        self.operator = operator
        self.shape = operator.output_domain.shape if query is None else (len(query),)
        points = operator.output_domain.coordinates().float() if query is None else query
        with torch.inference_mode():
            basis = torch.cat([operator.basis(part) for part in points.split(16384)])
        self.basis = basis.permute(1, 2, 0).contiguous()  # channel, term, point

    def __call__(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Values (batch, channels, m), or on the output domain's shape."""
        with torch.inference_mode():
            coefficients = self.operator.coefficients(inputs).transpose(0, 1)
            values = torch.matmul(coefficients, self.basis).transpose(0, 1)
            return values.reshape(*values.shape[:-1], *self.shape)
