"""Calibration of an operator by split conformal prediction: error bars that hold, and signs that they may not.

    |s(y) - G(u)(y)| ≤ q · σ(u)(y)

σ is a spread (`evaluation.spread`), and q a conformal quantile of |error| / σ over samples that the operator has not
seen. Pointwise bands have a q for every point y, and hold at each with the probability asked for. Simultaneous bands
have one q, of the largest ratio over all points and channels: with that probability the whole field lies inside. Both
promises are for new samples from where the calibration samples came from, and on the points of the output domain. So a
calibration also knows how far an input is from those of training, and what residual and imbalance of the equation the
operator's answers have: each has a limit that a new sample passes with a probability of at most 1 - the highest level.

Source: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, "Distribution-free predictive inference for regression", JASA 113
(2018); Diquigiovanni, Fontana, Vantini, "Conformal prediction bands for multivariate functional data", J. Multivariate
Analysis 189 (2022), for bands over whole functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from fredholm.data.dataset import Dataset
from fredholm.errors import DataError, SignatureError
from fredholm.evaluation.conformal import conformal_quantile, conformal_rank, feasible_levels
from fredholm.evaluation.input_distance import InputDistance
from fredholm.evaluation.metrics import batches
from fredholm.evaluation.physics import physics_scores
from fredholm.evaluation.spread import ConstantProfile, Spread, at_points, errors_of
from fredholm.fields.domain import Domain
from fredholm.layers.architecture import Described
from fredholm.operators.operator import Operator
from fredholm.problems.problem import Problem

DISTANCE = "distance"
_FLOOR = 0.01  # of the spread's RMS in a channel: where a spread says "no error", the largest ratio would be noise
_REFERENCES = 1000  # training inputs that are kept, to measure distances from


@dataclass(frozen=True)
class BandedPrediction:
    """A prediction with its band, all (batch, channels, *shape) or (batch, channels, m)."""

    values: Tensor
    lower: Tensor
    upper: Tensor

    def covers(self, truth: Tensor) -> Bool[Tensor, "..."]:
        """Where a field lies inside the band."""
        return (self.lower <= truth) & (truth <= self.upper)


@dataclass(frozen=True)
class Examination:
    """Scores of a batch of samples, each by the name of the check, and the limits that they should keep."""

    scores: dict[str, Float[Tensor, " batch"]]
    limits: dict[str, float]

    @property
    def passed(self) -> Bool[Tensor, " batch"]:
        """Which samples keep every limit; a score that is not a number keeps none."""
        return torch.stack([score <= self.limits[name] for name, score in self.scores.items()]).all(0)


class Calibration(nn.Module, Described):
    """Bands and limits of one operator; made by `fit_calibration`.

    Args:
        output_domain: of the operator.
        channels: of its output.
        levels: for which there are bands, rising.
        spread: σ.
        distance: from the training inputs.
        checks: names of the scores that have limits, the distance among them.
    """

    floor: Tensor
    pointwise: Tensor
    simultaneous: Tensor
    limits: Tensor

    def __init__(
        self,
        output_domain: Domain,
        channels: int,
        levels: Sequence[float],
        spread: Spread,
        distance: InputDistance,
        checks: Sequence[str],
    ) -> None:
        super().__init__()
        self.output_domain, self.levels, self.checks = output_domain, tuple(levels), tuple(checks)
        self.spread, self.distance = spread, distance
        self.register_buffer("floor", torch.zeros(channels))
        self.register_buffer("pointwise", torch.zeros(len(levels), channels, *output_domain.shape))
        self.register_buffer("simultaneous", torch.zeros(len(levels)))
        self.register_buffer("limits", torch.zeros(len(checks)))

    def half_width(
        self,
        inputs: Mapping[str, Tensor],
        query: Tensor | None = None,
        *,
        level: float,
        simultaneous: bool = False,
    ) -> Float[Tensor, "..."]:
        """Half the height of the band, (batch or 1, channels, *shape) or at query points (batch or 1, channels, m).

        Raises SignatureError for a level that was not calibrated.
        """
        self.require_level(level)
        row = self.levels.index(level)
        scale = self._scale(inputs, query)
        if simultaneous:
            return self.simultaneous[row] * scale
        factor = self.pointwise[row]
        return (factor if query is None else at_points(self.output_domain, factor, query)) * scale

    def require_level(self, level: float) -> None:
        """Raise SignatureError for a level that was not calibrated."""
        if level not in self.levels:
            raise SignatureError(f"there is no band of level {level:g}; calibrated are {list(self.levels)}")

    @property
    def bounds(self) -> dict[str, float]:
        """The limit of every check."""
        return dict(zip(self.checks, self.limits.tolist(), strict=True))

    def bands(self) -> list[dict[str, str]]:
        """One row a level: how many times the spread bands are high, pointwise on average, and over a whole field."""
        inside = (self.output_domain.weights() > 0).reshape(self.output_domain.shape)
        rows = zip(
            self.levels, self.pointwise[..., inside].mean((1, 2)).tolist(), self.simultaneous.tolist(), strict=True
        )
        return [
            {"level": f"{level:g}", "pointwise": f"{point:.3g} x spread", "simultaneous": f"{whole:.3g} x spread"}
            for level, point, whole in rows
        ]

    def examine(
        self, inputs: Mapping[str, Tensor], values: Float[Tensor, "n channels *shape"], problem: Problem | None
    ) -> Examination:
        """Scores of inputs and of the operator's answers to them; without its problem, the distance alone."""
        scores = {DISTANCE: self.distance(inputs)}
        scores |= {} if problem is None else physics_scores(problem, dict(inputs), values)
        limits = self.bounds
        return Examination({name: score for name, score in scores.items() if name in limits}, limits)

    def _scale(self, inputs: Mapping[str, Tensor], query: Tensor | None) -> Tensor:
        spread: Tensor = self.spread(inputs, query)
        return spread + self.floor.reshape(-1, *[1] * (spread.ndim - 2))


def fit_calibration(
    operator: Operator,
    data: Dataset,
    *,
    training: Dataset | None = None,
    problem: Problem | None = None,
    spread: Spread | None = None,
    levels: Sequence[float] | None = None,
    seed: int = 0,
) -> Calibration:
    """Calibrate an operator on samples that it has not seen.

    Args:
        operator: what is calibrated; it must answer on its output domain.
        data: samples from where new ones will come from. A quarter of them, drawn by `seed`, shows how large errors
            are; the rest calibrates.
        training: the operator's training samples, from which inputs are told to be far; that quarter, if None.
        problem: for limits on the residual and the imbalance of its equation, where it has them.
        spread: where errors are large; the RMS error at every point, if None.
        levels: of the bands; of 0.5, 0.8, 0.9, 0.95 and 0.99 those that the samples can carry, if None.

    Raises DataError for too few samples, SignatureError for data that do not fit.
    """
    operator.signature.require(data.signature, "the calibration data")
    operator.require_query(None)
    if data.query is not None or operator.signature.output.domain.shape is None:
        raise DataError("bands need outputs on one output domain; these are at points of each sample's own")
    if len(data) < 4:
        raise DataError(f"calibration needs at least 4 samples, there are {len(data)}")
    operator.eval()
    part = len(data) // 4
    shown, kept = data.split(part, len(data) - part, seed=seed)
    levels = tuple(sorted(levels)) if levels else feasible_levels(len(kept))
    for level in levels:
        conformal_rank(len(kept), level)
    errors = errors_of(operator, shown)
    references = training if training is not None else shown
    first = torch.arange(min(len(references), _REFERENCES))
    distance = InputDistance.of(operator.signature, references.inputs(first))
    spread = spread or ConstantProfile.of(errors, operator.output_domain)
    scores = _scores(operator, kept, distance, problem)
    calibration = Calibration(operator.output_domain, errors.shape[1], levels, spread.eval(), distance, list(scores))
    inside = (operator.output_domain.weights() > 0).reshape(operator.output_domain.shape)
    with torch.inference_mode():
        typical = spread(shown.inputs(torch.arange(min(part, 64))))[..., inside].square().mean((0, 2)).sqrt()
        calibration.floor.copy_((_FLOOR * typical).clamp_min(1e-30))
        ratios = _ratios(operator, kept, calibration) * inside
    for row, level in enumerate(levels):
        calibration.pointwise[row] = conformal_quantile(ratios, level)
        calibration.simultaneous[row] = conformal_quantile(ratios.flatten(1).amax(1), level)
    for column, score in enumerate(scores.values()):
        calibration.limits[column] = conformal_quantile(score, levels[-1])
    return calibration.eval()


def _ratios(operator: Operator, data: Dataset, calibration: Calibration) -> Float[Tensor, "n channels *shape"]:
    parts = []
    for samples in batches(data, 64):
        inputs = data.inputs(samples)
        parts.append((operator(inputs) - data.outputs(samples)).abs() / calibration._scale(inputs, None))
    return torch.cat(parts)


def _scores(operator: Operator, data: Dataset, distance: InputDistance, problem: Problem | None) -> dict[str, Tensor]:
    """Scores of every check over a data set."""
    parts: list[dict[str, Tensor]] = []
    with torch.inference_mode():
        for samples in batches(data, 64):
            inputs = data.inputs(samples)
            physics = {} if problem is None else physics_scores(problem, inputs, operator(inputs))
            parts.append({DISTANCE: distance(inputs), **physics})
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
