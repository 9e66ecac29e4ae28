"""A DeepONet whose terms are not summed but decoded by a network.

    G(u)(y) = N(b(u) ∘ t(y)),    ∘ term by term

With N(z) = Σₖ zₖ + b₀ it is a DeepONet. N makes it nonlinear in the coefficients, at the price of one evaluation of N
for every pair of function and point.

Source: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023
(Auto-DeepONetCNN).
"""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Inputs, Signature
from fredholm.layers.adapted_sensors import fit_sensors
from fredholm.layers.domain_points import DomainPoints
from fredholm.operators.deeponet.branch import Branch
from fredholm.operators.deeponet.trunk import Trunk
from fredholm.operators.operator import Operator, Query
from fredholm.operators.output_transform import OutputTransform, Rescaled


class DecodedDeepONet(Operator):
    """Branch and trunk multiplied term by term, then a network.

    Args:
        signature: typed inputs and output.
        output_domain: where `query=None` asks.
        branch: inputs to coefficients.
        trunk: points to basis functions, as many.
        decoder: N, of their number to one output a channel.
        transform: affine map of the output.

    Raises SignatureError if the widths of branch and trunk differ.
    """

    queries: ClassVar[frozenset[Query]] = frozenset(Query)

    def __init__(
        self,
        signature: Signature,
        output_domain: Domain,
        branch: Branch,
        trunk: Trunk,
        decoder: nn.Module,
        transform: OutputTransform | None = None,
    ) -> None:
        super().__init__(signature, output_domain)
        if branch.width != trunk.width:
            raise SignatureError(f"a branch of {branch.width} coefficients meets a trunk of {trunk.width} functions")
        self.branch, self.trunk, self.decoder, self.transform = branch, trunk, decoder, transform
        self.points = DomainPoints(output_domain)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        coefficients = self.branch(inputs)
        points = self.points(coefficients) if query is None else query
        basis = self.trunk.on_domain(points) if query is None else self.trunk(points)
        values: Tensor = self.decoder(coefficients.unsqueeze(1) * basis)
        if self.transform is not None:
            values = values * self.transform.factor(points) + self.transform.offset(points)
        values = values.transpose(1, 2)
        return values.unflatten(-1, self.output_domain.shape) if query is None else values

    def adapted(self, inputs: Inputs, outputs: Tensor) -> "DecodedDeepONet":
        fit_sensors(self, inputs)
        transform = self.transform or Rescaled.of(outputs)
        return DecodedDeepONet(self.signature, self.output_domain, self.branch, self.trunk, self.decoder, transform)
