"""Roll-outs: a step in time applied to its own answers, and how far these stay with the truth.

    sₖ₊₁ = G(sₖ, fₖ),   k = 0, ..., K - 1

    RMSE = (Σ w (ŝ - s)² / Σ w)^½
    R²   = (Σ w ŝ' s')² / (Σ w ŝ'² Σ w s'²),   x' = x - Σ w x / Σ w       squared correlation: blind to drift and gain
    drift = Σ w (ŝ - s) / Σ w s                                           of what a conservation law keeps, the mass

Sums are over channels and points, each at one time of one sample. R² forgives what RMSE and drift tell of, so that the
three belong together.

Source of the measures: Benson, Bastos, Reimers, Winkler, Yang, Reichstein, "Atmospheric transport modeling of CO2 with
neural networks", Journal of Advances in Modeling Earth Systems 17 (2025).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.operators.operator import Operator
from fredholm.operators.residual_operator import step_of

Forcings = Mapping[str, Tensor] | Callable[[int], Mapping[str, Tensor]]


def rollout(
    step: Operator, state: Float[Tensor, "batch channels *shape"], forcings: Forcings, steps: int
) -> Float[Tensor, "batch steps channels *shape"]:
    """States after 1, ..., `steps` steps from `state`.

    Args:
        step: an operator whose output is the next state of one of its input functions (`step_of` tells which).
        state: where each sample starts; several starts in one long record are several samples.
        forcings: all other inputs of the step, the same at all times or as a function of the number of steps taken.
        steps: K.

    Gradients go back through all steps, unless the caller forbids them. Raises SignatureError for an operator that is
    no step in time and for inputs that are not its own.

    >>> from fredholm.fields import Axis, DomainType, Function, Grid, Quantity, Signature
    >>> from fredholm.operators.baselines import Identity
    >>> line = Grid(Axis("x", 0.0, 1.0, 8))
    >>> u = Function((Quantity("u"),), DomainType.of(line))
    >>> rollout(Identity(Signature({"u": u}, u), line, "u"), torch.ones(2, 1, 8), {}, steps=5).shape
    torch.Size([2, 5, 1, 8])
    """
    if steps < 1:
        raise ValueError(f"a roll-out needs at least one step, got {steps}")
    name, _ = step_of(step.signature, step.output_domain)
    states: list[Tensor] = []
    for taken in range(steps):
        inputs = {**(forcings(taken) if callable(forcings) else forcings), name: state}
        step.signature.check(inputs)
        state = step(inputs)
        states.append(state)
    return torch.stack(states, dim=1)


@dataclass(frozen=True)
class Skill:
    """Measures of roll-outs at every lead time; what has blown up has infinite or undefined ones."""

    rmse: Float[Tensor, "batch steps"]
    correlation: Float[Tensor, "batch steps"]  # R²
    drift: Float[Tensor, "batch steps"]

    @property
    def largest_drift(self) -> float:
        """The largest relative error of the integral, over all samples and times."""
        return float(self.drift.abs().max())

    def decorrelation(self, threshold: float = 0.8) -> Float[Tensor, " batch"]:
        """Number of the first step at which R² is below the threshold, infinity where it never is."""
        lost = ~(self.correlation >= threshold)  # undefined is lost
        first = lost.double().argmax(1) + 1.0
        return torch.where(lost.any(1), first, torch.inf)


def skill(
    states: Float[Tensor, "batch steps channels *shape"],
    truth: Float[Tensor, "batch steps channels *shape"],
    weights: Float[Tensor, "..."],
) -> Skill:
    """Measures of `states` against `truth`, in float64.

    `weights` are of the points, (*shape), or of channels and points, (channels, *shape): quadrature weights, or what
    multiplies the field to give the density of what is conserved.

    >>> truth = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    >>> measures = skill(2 * truth, truth, torch.ones(3))
    >>> float(measures.correlation), float(measures.drift)
    (1.0, 1.0)
    """
    w = weights.double().expand(states.shape[2:])
    w = w / w.sum()

    def mean(values: Tensor) -> Tensor:
        return (w * values).flatten(2).sum(2)

    def deviation(values: Tensor) -> Tensor:
        return values - mean(values).reshape(*values.shape[:2], *[1] * w.ndim)

    predicted, true = states.detach().double(), truth.detach().double()
    first, second = deviation(predicted), deviation(true)
    correlation = mean(first * second).square() / (mean(first.square()) * mean(second.square()))
    error = predicted - true
    return Skill(mean(error.square()).sqrt(), correlation, mean(error) / mean(true))
