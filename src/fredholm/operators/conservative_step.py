"""One step in time of a conserved tracer, around any operator.

    G(c, u) = c + fix(F(c - c̄, u)) + a f

F is any operator that is to predict the increment of c by transport; c̄ the mean of c over channels and points of the
sample; `fix` a mass fixer; a f what the explicit flux scheme adds. Each part answers one demand on a step that is to be
taken a thousand times: the increment spares F the identity; without its mean, the state does not leave what F was
trained on as the mean rises for decades; the fixer keeps the mass that F would lose or make; and the source goes where
it belongs, after the fixer, which would take it for an error. The total then changes by the flux alone, up to rounding.

Source: Benson, Bastos, Reimers, Winkler, Yang, Reichstein, "Atmospheric transport modeling of CO2 with neural
networks", Journal of Advances in Modeling Earth Systems 17 (2025).
"""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.signature import Function, Inputs
from fredholm.layers.interpolation import GridInterpolation
from fredholm.operators.flux_scheme import FluxScheme
from fredholm.operators.mass_fixer import MassFixer
from fredholm.operators.operator import Operator, Query
from fredholm.operators.residual_operator import step_of


class ConservativeStep(Operator):
    """An operator of increments as a conservative step in time.

    Args:
        operator: F, whose output has the channels of one of its input functions, the state c.
        centred: whether F sees c - c̄ rather than c.
        flux: what comes in through the surface; F has it among its inputs as well.
        fixer: keeps the mass of what F predicts.
        fixed_in_training: whether `fixer` works in training, too, where its gradient couples all points, or only in
            evaluation.

    Raises SignatureError where no input of F can be its state, or inputs that the parts name are missing.

    >>> from fredholm.problems import TracerTransport
    >>> problem = TracerTransport(latitudes=16, longitudes=32, spin_up_days=0.0)
    >>> unet = Operator.build(problem.signature, "sphere-unet/tiny", problem.output_domain)
    >>> step = ConservativeStep(unet, flux=FluxScheme("surface_flux", problem.flux_to_increment))
    >>> step(problem.sample(2, seed=0)).shape
    torch.Size([2, 3, 16, 32])
    """

    queries: ClassVar[frozenset[Query]] = frozenset(Query)

    def __init__(
        self,
        operator: Operator,
        centred: bool = True,
        flux: FluxScheme | None = None,
        fixer: MassFixer | None = None,
        fixed_in_training: bool = False,
    ) -> None:
        super().__init__(operator.signature, operator.output_domain)
        self.operator, self.centred, self.flux, self.fixer = operator, centred, flux, fixer
        self.fixed_in_training = fixed_in_training
        self.state, _ = step_of(operator.signature, operator.output_domain)
        self._require_parts()
        self.interpolation = GridInterpolation(operator.output_domain)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        state = inputs[self.state]
        increment: Tensor = self.operator(self._seen(inputs))
        if self.fixer is not None and (self.fixed_in_training or not self.training):
            increment = self.fixer(increment, state, inputs[self.fixer.weights])
        values = state + (increment + self._gained(inputs))
        return values if query is None else self.interpolation(values, query)

    def adapted(self, inputs: Inputs, outputs: Tensor) -> "ConservativeStep":
        """F adapted to what it sees and to what it is to predict: increments by transport."""
        increments = outputs - inputs[self.state] - self._gained(inputs)
        operator = self.operator.adapted(dict(self._seen(inputs)), increments)
        return ConservativeStep(operator, self.centred, self.flux, self.fixer, self.fixed_in_training)

    def _seen(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The inputs of F."""
        if not self.centred:
            return inputs
        state = inputs[self.state]
        return {**inputs, self.state: state - state.mean(tuple(range(1, state.ndim)), keepdim=True)}

    def _gained(self, inputs: Mapping[str, Tensor]) -> Tensor | float:
        """What the surface adds."""
        if self.flux is None:
            return 0.0
        return self.flux(inputs[self.flux.flux], len(self.signature.output.channels))

    def _require_parts(self) -> None:
        channels = len(self.signature.output.channels)
        if self.fixer is not None:
            self._require_input("weights", self.fixer.weights, {1, channels})
        if self.flux is not None:
            self._require_input("flux", self.flux.flux, {1})
            if not 0 <= self.flux.channel < channels:
                raise SignatureError(f"the flux goes to channel {self.flux.channel}, and the state has {channels}")

    def _require_input(self, role: str, name: str, channels: set[int]) -> None:
        """Raise SignatureError if `name` is no input function on the output's domain with so many channels."""
        entry = self.signature.inputs.get(name)
        domain = self.signature.output.domain
        if not (isinstance(entry, Function) and entry.domain == domain and len(entry.channels) in channels):
            counts = " or ".join(map(str, sorted(channels)))
            raise SignatureError(
                f"{role}={name!r} is no input function of {counts} channels on the output's domain: the inputs are "
                f"{sorted(self.signature.inputs)}"
            )
