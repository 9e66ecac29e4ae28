"""DeepONet: an operator as a sum of products of what depends on the input and what depends on where one asks.

    G(u)(y) ≈ Σ_{k=1..p} bₖ(u) tₖ(y) + b₀

Branch, trunk, split into channels and output transform are objects that one exchanges.

Source: Lu, Jin, Pang, Zhang, Karniadakis, "Learning nonlinear operators via DeepONet based on the universal
approximation theorem of operators", Nature Machine Intelligence 3 (2021), equations (1) and (2).
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.operators.deeponet.branch import Branch
from fredholm.operators.deeponet.split import Split, SplitBoth
from fredholm.operators.deeponet.trunk import Trunk
from fredholm.operators.operator import Operator, Query
from fredholm.operators.output_transform import OutputTransform


class DeepONet(Operator):
    """Branch and trunk, contracted.

    Args:
        signature: typed inputs and output.
        output_domain: where `query=None` asks.
        branch: inputs to coefficients.
        trunk: points to basis functions.
        split: how several channels share them.
        bias: whether every channel has a trainable constant b₀, which starts at 0.
        transform: affine map of the output, such as a hard constraint.

    Raises ValueError if the widths of branch and trunk do not fit.
    """

    queries: ClassVar[frozenset[Query]] = frozenset(Query)

    def __init__(
        self,
        signature: Signature,
        output_domain: Domain,
        branch: Branch,
        trunk: Trunk,
        split: Split | None = None,
        bias: bool = True,
        transform: OutputTransform | None = None,
    ) -> None:
        super().__init__(signature, output_domain)
        self.branch, self.trunk, self.transform = branch, trunk, transform
        self.channels = len(signature.output.channels)
        split = split or SplitBoth()
        self.branch_share, self.trunk_share = split.shares(self.channels)
        self.terms = split.terms(branch.width, trunk.width, self.channels)
        self.bias = nn.Parameter(torch.zeros(self.channels)) if bias else None
        self._points: Tensor | None = None

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        """Values (batch, channels, m) at shared (m, d) or own (batch, m, d) points, or on the output domain."""
        if query is not None and query.ndim == 2 and self.channels == 1 and self.transform is None:
            values = self.trunk.combined(self.branch(inputs), query).unsqueeze(1)
            return values if self.bias is None else values + self.bias[:, None]
        coefficients = self.coefficients(inputs)
        if query is None:
            values = torch.einsum("bcp,mcp->bcm", coefficients, self._basis_on_domain(coefficients))
            return values.reshape(*values.shape[:-1], *self.output_domain.shape)
        pattern = "bcp,mcp->bcm" if query.ndim == 2 else "bcp,bmcp->bcm"
        return torch.einsum(pattern, coefficients, self.basis(query))

    def coefficients(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch channels p"]:
        """All that depends on the inputs; `forward` is its contraction with `basis`."""
        values = self.branch(inputs).unflatten(-1, (self.branch_share, self.terms))
        values = values.expand(-1, self.channels, -1)
        columns = [values]
        if self.bias is not None:
            columns.append(self.bias.to(values.dtype)[:, None].expand(values.shape[0], -1, -1))
        if self.transform is not None:
            columns.append(torch.ones_like(values[..., :1]))
        return torch.cat(columns, dim=-1) if len(columns) > 1 else values

    def basis(self, query: Float[Tensor, "*batch m d"]) -> Float[Tensor, "*batch m channels p"]:
        """All that depends on the points, bias and output transform folded in as further terms."""
        return self._folded(self.trunk(query), query)

    def _basis_on_domain(self, like: Tensor) -> Tensor:
        if self._points is None or self._points.device != like.device or self._points.dtype != like.dtype:
            self._points = self.output_domain.coordinates().to(like)
        return self._folded(self.trunk.on_domain(self._points), self._points)

    def _folded(self, values: Tensor, points: Tensor) -> Tensor:
        values = values.unflatten(-1, (self.trunk_share, self.terms))
        values = values.expand(*values.shape[:-2], self.channels, self.terms)
        columns = [values]
        if self.bias is not None:
            columns.append(torch.ones_like(values[..., :1]))
        if self.transform is None:
            return torch.cat(columns, dim=-1) if len(columns) > 1 else values
        factor = self.transform.factor(points).unsqueeze(-1)
        columns = [factor * column for column in columns]
        offset = self.transform.offset(points).unsqueeze(-1)
        return torch.cat([*columns, offset.expand_as(values[..., :1])], dim=-1)
