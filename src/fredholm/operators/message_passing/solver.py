"""Message-passing PDE solver: one step of a method of lines whose stencils are learned, on any points.

    G(u)(x_i) = transform(δ(f_i)) + u_residual(x_i)

f are the features after some rounds of messages within balls (`Processor`), δ a decoder.

Source: Brandstetter, Worrall, Welling, "Message passing neural PDE solvers", ICLR 2022.
"""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Grid
from fredholm.fields.signature import Function, Inputs, Signature
from fredholm.layers.interpolation import GridInterpolation
from fredholm.layers.point_inputs import PointInputs
from fredholm.layers.scattered_interpolation import interpolated
from fredholm.operators.message_passing.decoder import Decoder, Pointwise
from fredholm.operators.message_passing.processor import Processor
from fredholm.operators.operator import Operator, Query
from fredholm.operators.output_transform import OutputTransform, Rescaled

KINDS = ("grid", "cloud", "mesh")


class MessagePassingSolver(Operator):
    """Message passing on a fixed grid, cloud or mesh, or on points that differ from sample to sample.

    It answers at the points of its input; elsewhere, and on an output domain of other points, the answer is
    interpolated. Padding, of weight zero, neither speaks nor counts.

    Args:
        signature: typed inputs and output; all input functions on one set of points.
        output_domain: where `query=None` asks, if it is fixed.
        processor: neighbourhoods and sizes of the network.
        decoder: δ; two pointwise layers if not given.
        inputs: how the network sees the inputs; on `output_domain` if they are fixed.
        transform: affine map of the decoder's answer, such as `Rescaled`.
        residual: name of the input function to which the answer is added; of one channel, or as many as the output.

    Raises SignatureError where the inputs do not live on one set of points, or the residual does not fit.
    """

    queries: ClassVar[frozenset[Query]] = frozenset(Query)
    where: Tensor

    def __init__(
        self,
        signature: Signature,
        output_domain: Domain,
        processor: Processor,
        decoder: Decoder | None = None,
        inputs: PointInputs | None = None,
        transform: OutputTransform | None = None,
        residual: str | None = None,
    ) -> None:
        super().__init__(signature, output_domain)
        self.inputs = inputs or PointInputs(signature, output_domain, kinds=KINDS)
        self.processor, self.decoder, self.transform, self.residual = processor, decoder, transform, residual
        self._require_fit()
        channels, dimension, domain = len(signature.output.channels), self.inputs.dimension, self.inputs.domain
        self.network = processor.network(self.inputs.features - dimension, dimension)
        self.head = (decoder or Pointwise()).layer(processor.width, channels, processor.activation)
        self.listed = None if domain is None or self.inputs.varies else processor.ball.fixed(domain)
        self.interpolation = GridInterpolation(domain) if self.listed and isinstance(domain, Grid) else None
        moves = signature.output.domain.shape is None
        self.answers_at_inputs = moves if self.inputs.varies else domain == output_domain
        if not moves:
            self.register_buffer("where", output_domain.coordinates().float(), persistent=False)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        features, places, weights = self.inputs(inputs)
        places = places.expand(features.shape[0], -1, -1)
        points = places * self.inputs.extent + self.inputs.lower
        graph = self.listed or self.processor.ball.moving(points, weights)
        hidden = self.network(features[..., : -self.inputs.dimension], places, graph)
        values: Tensor = self.head(hidden).mT
        if self.transform is not None:
            values = values * self.transform.factor(points).mT + self.transform.offset(points).mT
        if self.residual is not None:
            values = values + inputs[self.residual].flatten(2)
        if query is not None:
            return self._interpolated(values, points, weights, query)
        if self.answers_at_inputs:
            return values.reshape(*values.shape[:2], *inputs[self.inputs.functions[0]].shape[2:])
        return self._interpolated(values, points, weights, self.where).unflatten(-1, self.output_domain.shape)

    def adapted(self, inputs: Inputs, outputs: Tensor) -> "MessagePassingSolver":
        """Inputs and outputs of mean 0 and deviation 1, over these training samples."""
        if self.residual is not None:
            outputs = outputs - inputs[self.residual]
        made = MessagePassingSolver(
            self.signature,
            self.output_domain,
            self.processor,
            self.decoder,
            self.inputs.normalised(inputs),
            Rescaled.of(outputs),
            self.residual,
        )
        made.load_state_dict(self.state_dict())
        return made

    def _interpolated(self, values: Tensor, points: Tensor, weights: Tensor, query: Tensor) -> Tensor:
        if self.interpolation is not None and self.inputs.domain is not None:
            return self.interpolation(values.unflatten(-1, self.inputs.domain.shape), query)
        return interpolated(values, points, weights, query)

    def _require_fit(self) -> None:
        name, output = type(self).__name__, self.signature.output
        if output.domain.shape is None and not self.inputs.varies:
            raise SignatureError("the output's points differ by sample, and no input says where they are")
        if len(output.domain.axes) != self.inputs.dimension:
            raise SignatureError(
                f"{name} answers where its inputs live, in {self.inputs.dimension} coordinates; the output has "
                f"{len(output.domain.axes)}"
            )
        if self.residual is None:
            return
        given = self.signature.inputs.get(self.residual)
        if not isinstance(given, Function) or len(given.channels) not in (1, len(output.channels)):
            raise SignatureError(
                f"residual={self.residual!r}: expected an input function of one channel, or of {len(output.channels)} "
                f"as the output; the inputs are {sorted(self.signature.inputs)}"
            )
