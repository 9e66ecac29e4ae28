"""Transformer between functions: attention by quadrature over the points of the input, asked at any points.

    encoder    v ↦ v + A(N v),  v ↦ v + F(N v)                      at the points of the input, L times
    decoder    z = E(y),  z ↦ z + A(N z, N v),  z ↦ z + F(N z)      at the points where one asks
    G(u)(y) = Q(N z)

A is attention with quadrature weights and rotary coordinates, N the layer norm of the channels, F a channel network
of twice the width, E one of the coordinates, on the circle where they are periodic.

Sources: Vaswani et al., "Attention is all you need", 2017; Cao, "Choose a transformer: Fourier or Galerkin", 2021;
Li, Meidani, Farimani, "Transformer for partial differential equations' operator learning", TMLR 2023.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Inputs, Signature
from fredholm.layers.domain_points import DomainPoints
from fredholm.layers.places import PlaceEncoding
from fredholm.layers.quadrature_attention import QuadratureAttention, Sampled
from fredholm.layers.sampled_inputs import SampledInputs
from fredholm.operators.attention.kinds import AttentionKind, LinearKernel
from fredholm.operators.operator import Operator, Query
from fredholm.operators.output_transform import OutputTransform, Rescaled


class TransformerOperator(Operator):
    """A transformer on grids, point clouds and meshes, fixed or different for every sample.

    Without a query it answers on the output domain, or, where that differs from sample to sample too, at the points
    of the input.

    Args:
        signature: typed inputs and output; all input functions on one set of points.
        output_domain: where `query=None` asks, if it is fixed.
        width: channels inside.
        layers: L, of the encoder.
        heads: of every attention.
        attention: kind of its kernel; linear if not given.
        inputs: how the network sees the inputs.
        transform: affine map of the answer, such as `Rescaled`.

    Raises SignatureError where inputs and output do not live in one space.
    """

    queries: ClassVar[frozenset[Query]] = frozenset(Query)

    def __init__(
        self,
        signature: Signature,
        output_domain: Domain,
        width: int = 64,
        layers: int = 4,
        heads: int = 4,
        attention: AttentionKind | None = None,
        inputs: SampledInputs | None = None,
        transform: OutputTransform | None = None,
    ) -> None:
        super().__init__(signature, output_domain)
        self.inputs = inputs or SampledInputs.on(signature, output_domain)
        self.inputs.require_query_space(signature.output.domain)
        self.transform = transform
        kind, periodic = attention or LinearKernel(), self.inputs.periodic
        self.encoding = PlaceEncoding(periodic)
        self.lift = nn.Linear(self.inputs.channels + self.encoding.width, width)
        self.encoder = nn.ModuleList(_Layer(width, kind.layer(width, heads, periodic)) for _ in range(layers))
        self.ask = nn.Sequential(nn.Linear(self.encoding.width, width), nn.GELU(), nn.Linear(width, width))
        self.norm = nn.LayerNorm(width)
        self.decoder = _Layer(width, kind.layer(width, heads, periodic))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(signature.output.channels)))
        self.points = DomainPoints(output_domain)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        known = self.encoded(inputs)
        if query is not None:
            return self._answer(known, query)
        if self.signature.output.domain.shape is None:
            return self._answer(known, inputs[f"{self.signature.moving_input}.coordinates"])
        return self._answer(known, self.points(known.values)).unflatten(-1, self.output_domain.shape)

    def encoded(self, inputs: Mapping[str, Tensor]) -> Sampled:
        """The latent function at the points of the input."""
        given = self.inputs.sampled(inputs)
        where = self.encoding(given.places).expand(given.values.shape[0], -1, -1)
        values = self.lift(torch.cat([given.values, where], dim=-1))
        for layer in self.encoder:
            values = layer(values, given)
        return Sampled(self.norm(values), given.places, given.weights)

    def adapted(self, inputs: Inputs, outputs: Tensor) -> "TransformerOperator":
        """Inputs and outputs of mean 0 and deviation 1, over these training samples."""
        arguments = {**self._arguments, "inputs": self.inputs.normalised(inputs), "transform": Rescaled.of(outputs)}
        made = TransformerOperator(**arguments)
        made.load_state_dict(self.state_dict())
        return made

    def _answer(self, known: Sampled, points: Float[Tensor, "*batch m d"]) -> Float[Tensor, "batch channels m"]:
        places = self.inputs.unit(points if points.ndim == 3 else points.unsqueeze(0))
        asked = self.ask(self.encoding(places)).expand(known.values.shape[0], -1, -1)
        values: Tensor = self.head(self.decoder.asked(asked, places, known)).mT
        if self.transform is not None:
            values = values * self.transform.factor(points).mT + self.transform.offset(points).mT
        return values


class _Layer(nn.Module):
    """Attention, then a channel network, each beside the identity and behind a norm.

    A function asks itself, at its own points, or another one.
    """

    def __init__(self, width: int, attention: QuadratureAttention) -> None:
        super().__init__()
        self.attention, self.norm = attention, nn.LayerNorm(width)
        self.network = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, values: Float[Tensor, "batch n width"], at: Sampled) -> Float[Tensor, "batch n width"]:
        normed = self.norm(values)
        return self._refined(values + self.attention(normed, at.places, Sampled(normed, at.places, at.weights)))

    def asked(
        self, values: Float[Tensor, "batch m width"], places: Float[Tensor, "#batch m d"], of: Sampled
    ) -> Float[Tensor, "batch m width"]:
        """The same of another function, at other places."""
        return self._refined(values + self.attention(self.norm(values), places, of))

    def _refined(self, values: Tensor) -> Tensor:
        refined: Tensor = values + self.network(values)
        return refined
