"""An operator that goes through a latent vector, which generates its input as well as its output.

    β = tanh e(a),    a ~ law(f_a(·; β)),    G(a)(x) = f_u(x; β),    σ(x) = f_σ(x; β)  where a flux is decoded too

Forward: encode a, decode u. Backward: look for the β that explains some values of u, and decode a: see
`fredholm.inverse.invert`. It is trained without solutions by `fredholm.training.fit_generative`.

Source: Zang, Koutsourelakis, "DGenNO: a novel physics-aware neural operator for solving forward and inverse PDE
problems based on deep, generative probabilistic modeling", J. Comput. Phys. 538 (2025), 114137.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Function, Inputs, Signature
from fredholm.layers.adapted_sensors import fit_sensors
from fredholm.layers.architecture import Described
from fredholm.layers.domain_points import DomainPoints
from fredholm.layers.sensors import Sensors
from fredholm.operators.latent_generative.coefficient import CoefficientLaw
from fredholm.operators.latent_generative.decoder import LatentDecoder
from fredholm.operators.latent_generative.prior import LatentPrior
from fredholm.operators.operator import Operator, Query


class LatentEncoder(nn.Module, Described):
    """Inputs to z ∈ ℝ^d: a network on what sensors see."""

    def __init__(self, sensors: Sensors, network: nn.Module) -> None:
        super().__init__()
        self.sensors, self.network = sensors, network

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        z: Tensor = self.network(self.sensors(inputs))
        return z


class GenerativeInput(nn.Module, Described):
    """How the latent vector generates the input function: a decoder and the law of its values.

    Args:
        name: of the input function, in the signature.
        domain: its points.
        decoder: f_a.
        law: of the values, given f_a.
    """

    def __init__(self, name: str, domain: Domain, decoder: LatentDecoder, law: CoefficientLaw) -> None:
        super().__init__()
        self.name, self.domain, self.decoder, self.law = name, domain, decoder, law
        self.points = DomainPoints(domain)

    def mismatch(self, beta: Float[Tensor, "batch latent"], inputs: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """Of given values, at all points of the domain."""
        decoded = self.decoder(beta, self.points(beta))
        return self.law.mismatch(decoded, inputs[self.name].flatten(1))


class LatentGenerativeOperator(Operator):
    """Encoder, prior, and decoders of input, solution and flux.

    Args:
        signature: typed inputs and output, which has one channel.
        output_domain: where `query=None` asks.
        encoder: inputs to z.
        prior: of z, from which β = tanh z.
        solution: f_u.
        coefficient: how β generates the input; without it nothing can be inverted for.
        flux: f_σ, a decoder for each coordinate of space, of the mixed form.

    Raises SignatureError for an output of several channels, or an input that the signature has not.
    """

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN, Query.SHARED})

    def __init__(
        self,
        signature: Signature,
        output_domain: Domain,
        encoder: LatentEncoder,
        prior: LatentPrior,
        solution: LatentDecoder,
        coefficient: GenerativeInput | None = None,
        flux: Sequence[LatentDecoder] = (),
    ) -> None:
        super().__init__(signature, output_domain)
        if len(signature.output.channels) != 1:
            raise SignatureError(f"one decoder gives one channel, the output has {len(signature.output.channels)}")
        if coefficient is not None and not isinstance(signature.inputs.get(coefficient.name), Function):
            raise SignatureError(
                f"the signature has no input function {coefficient.name!r}: {sorted(signature.inputs)}"
            )
        self.encoder, self.prior, self.solution, self.coefficient = encoder, prior, solution, coefficient
        self.flux = nn.ModuleList(flux)
        self.points = DomainPoints(output_domain)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        """Solution (batch, 1, m) at shared points (m, d), or on the output domain."""
        self.require_query(query)
        beta = self.encode(inputs)
        values = self.solution(beta, self.points(beta) if query is None else query).unsqueeze(1)
        return values.unflatten(-1, self.output_domain.shape) if query is None else values

    def encode(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch latent"]:
        """Β of inputs."""
        return torch.tanh(self.encoder(inputs))

    def adapted(self, inputs: Inputs, outputs: Tensor | None = None) -> "LatentGenerativeOperator":
        """Standardised sensors fitted, in place; outputs are not needed."""
        fit_sensors(self, inputs)
        return self

    @torch.no_grad()
    def fit_laws(self, inputs: Mapping[str, Tensor]) -> None:
        """Fit the prior to the codes of training inputs, and the law of inputs to what is decoded; after training."""
        z = self.encoder(inputs)
        self.prior.fit(z)
        if self.coefficient is not None:
            decoded = self.coefficient.decoder(torch.tanh(z), self.coefficient.points(z))
            self.coefficient.law.fit(decoded, inputs[self.coefficient.name].flatten(1))
