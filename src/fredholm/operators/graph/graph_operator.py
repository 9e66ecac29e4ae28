"""Graph neural operator: kernel integrals over balls of a fixed radius, on any points, asked at any points.

    v₀ = P [u, E(x)],    v ↦ v + V σ(W N v + K N v),    G(u)(y) = Q [(K v_L)(y), E(y)]

K is the kernel integral of `GraphKernelIntegral`, N the layer norm of the channels, E encodes places, on the circle
where they are periodic. The graph joins points nearer than the radius, in physical units; sums over it are weighted
by quadrature.

Source: Li, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar, "Neural operator: graph kernel network
for partial differential equations", 2020.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Inputs, Signature
from fredholm.layers.domain_points import DomainPoints
from fredholm.layers.graph_kernel import (
    GraphKernelIntegral,
    Neighbourhoods,
    fixed_neighbourhoods,
    most_neighbours,
    neighbourhoods,
)
from fredholm.layers.places import PlaceEncoding
from fredholm.layers.sampled_inputs import SampledInputs
from fredholm.operators.operator import Operator, Query
from fredholm.operators.output_transform import OutputTransform, Rescaled


class GraphOperator(Operator):
    """Graph kernel network on grids, point clouds and meshes, fixed or different for every sample.

    On fixed points the graph is found once; otherwise all pairs of points are looked at. Without a query it answers
    on the output domain, or, where that differs from sample to sample too, at the points of the input.

    Args:
        signature: typed inputs and output; all input functions on one set of points.
        output_domain: where `query=None` asks, if it is fixed.
        radius: of the neighbourhoods, for each coordinate or for all, in their units; at most half of a period.
        width: channels inside.
        layers: L.
        hidden: width of the kernels' hidden layers.
        inputs: how the network sees the inputs.
        transform: affine map of the answer, such as `Rescaled`.

    Raises SignatureError where inputs, output and radius do not fit.
    """

    queries: ClassVar[frozenset[Query]] = frozenset(Query)
    scale: Tensor
    periods: Tensor
    indices: Tensor
    offsets: Tensor
    measure: Tensor

    def __init__(
        self,
        signature: Signature,
        output_domain: Domain,
        radius: float | Sequence[float],
        width: int = 32,
        layers: int = 4,
        hidden: int = 32,
        inputs: SampledInputs | None = None,
        transform: OutputTransform | None = None,
    ) -> None:
        super().__init__(signature, output_domain)
        self.inputs = inputs or SampledInputs.on(signature, output_domain)
        self.inputs.require_query_space(signature.output.domain)
        self.transform = transform
        self._prepare_graph(radius)
        periodic = self.inputs.periodic
        self.encoding = PlaceEncoding(periodic)
        self.lift = nn.Linear(self.inputs.channels + self.encoding.width, width)
        self.layers = nn.ModuleList(_Layer(width, self.encoding.width, len(periodic), hidden) for _ in range(layers))
        self.last = GraphKernelIntegral(width, self.encoding.width, len(periodic), hidden)
        self.head = nn.Sequential(
            nn.Linear(width + self.encoding.width, 2 * width),
            nn.GELU(),
            nn.Linear(2 * width, len(signature.output.channels)),
        )
        self.points = DomainPoints(output_domain)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        given = self.inputs.sampled(inputs)
        places, weights = given.places * self.scale, given.weights * self.scale.prod()
        where = self.encoding(given.places)
        near = self._near(places, weights)
        values = self.lift(torch.cat([given.values, where.expand(given.values.shape[0], -1, -1)], dim=-1))
        for layer in self.layers:
            values = layer(values, where, near)
        moving = query is None and self.signature.output.domain.shape is None
        points = inputs[f"{self.signature.moving_input}.coordinates"] if moving else query
        if points is None:
            points = self.points(values)
        unit = self.inputs.unit(points if points.ndim == 3 else points.unsqueeze(0))
        around = unit * self.scale
        if points.ndim == 2 and not self.inputs.varies:  # one graph for all samples
            places, weights, around = places[0], weights[0], around[0]
        answer = self._answer(values, unit, neighbourhoods(places, weights, around, self.periods, self.most))
        if self.transform is not None:
            answer = answer * self.transform.factor(points).mT + self.transform.offset(points).mT
        return answer.unflatten(-1, self.output_domain.shape) if query is None and not moving else answer

    def adapted(self, inputs: Inputs, outputs: Tensor) -> "GraphOperator":
        """Inputs and outputs of mean 0 and deviation 1, over these training samples."""
        arguments = {**self._arguments, "inputs": self.inputs.normalised(inputs), "transform": Rescaled.of(outputs)}
        made = GraphOperator(**arguments)
        made.load_state_dict(self.state_dict())
        return made

    def _answer(self, values: Tensor, unit: Tensor, near: Neighbourhoods) -> Float[Tensor, "batch channels m"]:
        where = self.encoding(unit)
        seen = self.last(values, where, near)
        answer: Tensor = self.head(torch.cat([seen, where.expand(seen.shape[0], -1, -1)], dim=-1)).mT
        return answer

    def _near(self, places: Tensor, weights: Tensor) -> Neighbourhoods:
        if self.inputs.varies:
            return neighbourhoods(places, weights, places, self.periods)
        return Neighbourhoods(self.indices, self.offsets, self.measure)

    def _prepare_graph(self, radius: float | Sequence[float]) -> None:
        """The scale that makes neighbourhoods unit balls, and the graph of fixed points."""
        extent = self.inputs.extent.double()
        radii = torch.as_tensor(radius, dtype=torch.float64).expand(len(extent))
        scale = extent / radii
        for axis, (share, closes) in enumerate(zip(scale.tolist(), self.inputs.periodic, strict=True)):
            if closes and share < 2:
                raise SignatureError(
                    f"a radius of {float(radii[axis]):g} meets itself on a periodic coordinate of length "
                    f"{float(extent[axis]):g}: take at most half of that"
                )
        periods = scale * torch.tensor(self.inputs.periodic)
        self.register_buffer("scale", scale.float(), persistent=False)
        self.register_buffer("periods", periods.float(), persistent=False)
        self.most: int | None = None
        if not self.inputs.varies:
            places = self.inputs.places[0].double() * scale
            near = fixed_neighbourhoods(places, self.inputs.weights[0].double() * scale.prod(), periods)
            self.most = min(len(places), most_neighbours(places, periods))
            self.register_buffer("indices", near.indices, persistent=False)
            self.register_buffer("offsets", near.offsets.float(), persistent=False)
            self.register_buffer("measure", near.measure.float(), persistent=False)


class _Layer(nn.Module):
    """v ↦ v + V σ(W N v + K N v)."""

    def __init__(self, width: int, inputs: int, dimension: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.integral = GraphKernelIntegral(width, inputs, dimension, hidden)
        self.local, self.mix = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, values: Tensor, where: Tensor, near: Neighbourhoods) -> Tensor:
        normed = self.norm(values)
        mixed: Tensor = self.mix(nn.functional.gelu(self.local(normed) + self.integral(normed, where, near)))
        return values + mixed
