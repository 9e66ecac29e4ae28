"""How many modes an operator in closed form needs: by its error on samples that were held out.

Modes are orthonormal, so that the error of every rank follows from one decomposition: for a field s with projections
cₖ = <s, φₖ> and predicted coefficients ĉₖ,

    |s - Σ_{k<r} ĉₖ φₖ|² = |s|² + Σ_{k<r} (ĉₖ² - 2 ĉₖ cₖ).

A rank that is too low lacks modes; one that is too high fits what the sensors do not determine.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.errors import DataError
from fredholm.layers.sensors import Sensors
from fredholm.operators.deeponet.closed_form import ProperOrthogonalDecomposition, ridge_regression

_EVERY = 5  # every fifth sample is held out


@dataclass(frozen=True)
class RankChoice:
    """A rank, the mean relative L2 error that it has on samples held out, and that of every rank from 1."""

    rank: int
    error: float
    errors: Float[Tensor, " ranks"]


def choose_rank(data: Dataset, sensors: Sensors, tolerance: float, ridge: float = 1e-8) -> RankChoice:
    """The least rank whose error on every fifth sample, not used in the fit, is at most `tolerance`; else the best.

    Raises DataError for fewer than ten samples, or samples with query points of their own.

    >>> choose_rank(data, sensors, tolerance=0.01).rank  # doctest: +SKIP
    28
    """
    if len(data) < 2 * _EVERY:
        raise DataError(f"choosing a rank holds out every fifth sample and needs ten at the least, got {len(data)}")
    every = torch.arange(len(data))
    held = every % _EVERY == _EVERY // 2
    kept, unseen = data.subset(every[~held]), data.subset(every[held])
    decomposition = ProperOrthogonalDecomposition.of(kept, rank=len(kept))
    weight = ridge_regression(sensors, kept, decomposition.coefficients, ridge)
    with torch.no_grad():
        predicted = sensors(unseen.inputs(torch.arange(len(unseen)))).double() @ weight
    fields = unseen.outputs(torch.arange(len(unseen))).double().flatten(2)
    weights = data.output_domain.weights().clamp_min(0).repeat(fields.shape[1])
    flat = fields.flatten(1)
    projected = (flat * weights) @ decomposition.modes.T
    energy = (flat.square() * weights).sum(1)
    squared = energy[:, None] + (predicted.square() - 2 * predicted * projected).cumsum(1)
    errors = (squared.clamp_min(0) / energy.clamp_min(1e-300)[:, None]).sqrt().mean(0)
    good = (errors <= tolerance).nonzero()
    rank = int(good[0, 0]) + 1 if len(good) else int(errors.argmin()) + 1
    return RankChoice(rank, float(errors[rank - 1]), errors)
