"""Training on coefficients: for operators between one transform and one inverse, of which training then needs neither.

For an orthonormal basis with projection P onto the kept modes, a prediction v in its span and a target y,

    ‖v - y‖² = Σₖ (v̂ₖ - ŷₖ)² + ‖y - P y‖²        (Parseval, Pythagoras)

so that the relative L2 error in space is a loss between coefficients, and nothing is approximated. Targets and inputs
are transformed once, before training; a step touches no array of the grid's size, and costs the same on any grid.

Source: Poli, Massaroli, Berto, Park, Dao, Ré, Ermon, "Transform once: efficient operator learning in frequency domain",
NeurIPS 2022, section 3; that inputs may be transformed beforehand as well follows since lifting is linear.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.batch import Batch
from fredholm.data.dataset import Dataset
from fredholm.errors import SignatureError
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Quantity, Signature
from fredholm.layers.transform_bases import analysed, mean_square
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.operator import Operator, Query
from fredholm.operators.output_transform import Rescaled
from fredholm.operators.transform_once.t1 import T1
from fredholm.training.losses import Loss

_TINY = 1e-30  # keeps 0 / 0 of a sample that is zero everywhere finite


class SpectralLoss(Loss):
    """mean over samples of (Σₖ (v̂ₖ - ŷₖ)² + ‖y - P y‖²)^½ / ‖y‖: the relative L2 error in space.

    Args:
        discarded: ‖y - P y‖² of every sample of the data set.
        energy: ‖y‖² of every sample.
    """

    def __init__(self, discarded: Float[Tensor, " n"], energy: Float[Tensor, " n"]) -> None:
        self.discarded, self.energy = discarded, energy

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        discarded, energy = (table.to(prediction)[batch.samples] for table in (self.discarded, self.energy))
        kept = (prediction - batch.target).square().flatten(1).sum(1)
        return ((kept + discarded) / energy.clamp_min(_TINY)).sqrt().mean()


class OnCoefficients(Operator):
    """A T1 from the coefficients of its channels to those of its answer in physical units; it shares the weights."""

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN})
    factor: Tensor

    def __init__(self, signature: Signature, output_domain: Grid, network: T1, factor: list[float]) -> None:
        super().__init__(signature, output_domain)
        self.network = network
        self.register_buffer("factor", torch.tensor(factor).reshape(-1, *[1] * len(network.modes)), persistent=False)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        self.require_query(query)
        return self.factor * self.network.forward_spectral(inputs["coefficients"])


@dataclass(frozen=True)
class CoefficientTraining:
    """What `fit` is given in place of an operator on a grid and its data."""

    operator: OnCoefficients
    data: Dataset
    loss: SpectralLoss


def on_coefficients(operator: GridOperator, data: Dataset) -> CoefficientTraining:
    """Transform a data set for a T1 operator; what trains the result trains `operator`, by the same steps.

    Raises SignatureError for an operator whose answers are not those of a T1 times constants, plus what is known: one
    with a mask, or with another output transform than `Rescaled`.

    >>> spectral = on_coefficients(operator, data)  # doctest: +SKIP
    >>> fit_one_cycle(spectral.operator, spectral.data, 2000, loss=spectral.loss)  # doctest: +SKIP
    """
    network, transform = operator.network, operator.transform
    if not isinstance(network, T1):
        raise SignatureError(f"{type(network).__name__} works on the grid; on coefficients T1 alone can be trained")
    if operator.mask is not None or not (transform is None or isinstance(transform, Rescaled)):
        raise SignatureError(
            "masked answers, and answers multiplied by a function, mix coefficients: train this operator on its grid"
        )
    operator.signature.require(data.signature, "the training data")
    everything = torch.arange(len(data))
    given, truth = data.inputs(everything), data.outputs(everything)
    with torch.no_grad():
        channels = operator.inputs(given)
    target = truth
    if transform is not None:
        target = target - transform.shift.cpu().reshape(-1, *[1] * len(network.modes))
    if operator.residual is not None:
        target = target - given[operator.residual]
    bases, modes = network.bases, network.modes
    kept = analysed(target.double(), bases, modes)
    discarded = mean_square(target.double(), bases).sum(1) - kept.square().flatten(1).sum(1)
    loss = SpectralLoss(discarded.clamp_min(0).float(), mean_square(truth.double(), bases).sum(1).float())
    return _spectral(network, transform, analysed(channels, bases, modes), kept.float(), loss)


def _spectral(
    network: T1, transform: Rescaled | None, coefficients: Tensor, target: Tensor, loss: SpectralLoss
) -> CoefficientTraining:
    """Operator and data set on the grid of modes."""
    grid = Grid(*(Axis(f"mode_{i}", 0.0, m - 1.0, m) for i, m in enumerate(network.modes)))
    where = DomainType.of(grid)

    def function(name: str, count: int) -> Function:
        return Function(tuple(Quantity(f"{name}_{i}") for i in range(count)), where)

    signature = Signature({"coefficients": function("input", network.inputs)}, function("output", network.outputs))
    factor = [1.0] * network.outputs if transform is None else transform.scale.tolist()
    operator = OnCoefficients(signature, grid, network, factor)
    inputs = {"coefficients": coefficients}
    data = Dataset.from_arrays(signature, grid, inputs, target, input_domains={"coefficients": grid})
    return CoefficientTraining(operator, data, loss)
