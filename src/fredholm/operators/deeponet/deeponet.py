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
from fredholm.fields.signature import Inputs, Signature
from fredholm.layers.adapted_sensors import fit_sensors
from fredholm.layers.affine import affine
from fredholm.layers.domain_points import DomainPoints
from fredholm.operators.deeponet.branch import Branch
from fredholm.operators.deeponet.split import Split, SplitBoth
from fredholm.operators.deeponet.trunk import Trunk
from fredholm.operators.operator import Operator, Query
from fredholm.operators.output_transform import OutputTransform, Rescaled


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
        self.split = split or SplitBoth()
        self.branch_share, self.trunk_share = self.split.shares(self.channels)
        self.terms = self.split.terms(branch.width, trunk.width, self.channels)
        self.bias = nn.Parameter(torch.zeros(self.channels)) if bias else None
        self.points = DomainPoints(output_domain)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        """Values (batch, channels, m) at shared (m, d) or own (batch, m, d) points, or on the output domain."""
        coefficients = self.branch(inputs)
        points = self.points(coefficients) if query is None else query
        if query is not None and query.ndim == 2 and self.channels == 1:
            values = self.trunk.combined(coefficients, query, self.bias).unsqueeze(1)
        else:
            values = self._contracted(
                coefficients, self.trunk.on_domain(points) if query is None else self.trunk(points)
            )
        if self.transform is not None:
            factor, offset = self.transform.factor(points), self.transform.offset(points)
            values = values * factor.transpose(-1, -2) + offset.transpose(-1, -2)
        return values.unflatten(-1, self.output_domain.shape) if query is None else values

    def adapted(self, inputs: Inputs, outputs: Tensor) -> "DeepONet":
        """Standardised sensors fitted, in place; an output of mean 0 and deviation 1 before a `Rescaled` transform.

        An operator that has a transform keeps it: a constraint is not for data to move.
        """
        fit_sensors(self, inputs)
        if self.transform is not None:
            return self
        transform = Rescaled.of(outputs)
        operator = DeepONet(
            self.signature, self.output_domain, self.branch, self.trunk, self.split, self.bias is not None, transform
        )
        operator.bias = self.bias
        return operator

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

    def _contracted(self, coefficients: Tensor, basis: Tensor) -> Float[Tensor, "batch channels m"]:
        """Σₖ bₖ tₖ + b₀ of every channel; the basis is shared (m, t) or each sample's own (batch, m, t)."""
        if self.channels == 1 and basis.ndim == 2:
            constant = None if self.bias is None else self.bias.expand(basis.shape[0])
            return affine(coefficients, basis, constant).unsqueeze(1)
        b = coefficients.unflatten(-1, (self.branch_share, self.terms)).expand(-1, self.channels, -1)
        t = basis.unflatten(-1, (self.trunk_share, self.terms)).expand(*basis.shape[:-1], self.channels, self.terms)
        if basis.ndim == 3:
            values = torch.einsum("bcp,bmcp->bcm", b, t)
            return values if self.bias is None else values + self.bias[:, None]
        constants = [None] * self.channels if self.bias is None else self.bias[:, None].expand(-1, basis.shape[0])
        return torch.stack([affine(b[:, i], t[:, i], constants[i]) for i in range(self.channels)], dim=1)

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
