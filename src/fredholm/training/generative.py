"""Training of a latent generative operator without solutions, or with a few.

    loss = w_a · mismatch(a; f_a(e(a))) + w_r · mean_i ‖rᵢ‖ + w_u · mean over labelled samples of ‖û - u‖ / ‖u‖

rᵢ are the weak residuals of sample i, which are "observed" to be zero at new random places in every step. Samples share
the places, so that trunks and their derivatives are evaluated once for the batch.

Source: Zang, Koutsourelakis, "DGenNO", J. Comput. Phys. 538 (2025): with an encoder that is certain of β, the evidence
lower bound of inputs and virtual observations is a loss of this form.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.errors import TrainingError
from fredholm.operators.latent_generative import LatentGenerativeOperator
from fredholm.training.display import Display
from fredholm.training.history import History
from fredholm.training.optimizers import adam
from fredholm.training.physics.weak_form import LocalFields, WeakForm

_LOG_EVERY = 50
_HALVINGS = 5  # parts of a run, at the end of each of which the learning rate is halved


@dataclass(frozen=True)
class GenerativeSettings:
    """How it is trained.

    Args:
        batch: samples in a step.
        rate: of Adam, halved after each fifth of the iterations.
        input_weight: w_a.
        equation_weight: w_r.
        label_weight: w_u.
        seed: of batches and places.
        quiet: no progress bar.
    """

    batch: int = 40
    rate: float = 1e-3
    input_weight: float = 1.0
    equation_weight: float = 1.0
    label_weight: float = 1.0
    seed: int = 0
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.batch < 1 or not self.rate > 0:
            raise ValueError(f"a batch {self.batch} has 1 sample or more, a rate {self.rate} is positive")
        weights = self.input_weight, self.equation_weight, self.label_weight
        if min(weights) < 0:
            raise ValueError(f"weights of a loss must not be negative, got {weights}")


def fit_generative(
    operator: LatentGenerativeOperator,
    inputs: Mapping[str, Tensor],
    form: WeakForm,
    *,
    iterations: int,
    labels: Dataset | None = None,
    settings: GenerativeSettings | None = None,
) -> History:
    """Train in place on inputs alone, and on the solutions of `labels` if there are any; then fit prior and laws.

    Args:
        operator: with a flux, it is trained by the mixed form.
        inputs: of the operator's signature, without solutions.
        form: the equation.
        iterations: steps.
        labels: samples with solutions on the operator's output domain.
        settings: batch, rate, weights, seed.

    Raises SignatureError for inputs or labels that are not the operator's, TrainingError for a loss that is not finite.
    """
    settings = settings or GenerativeSettings()
    count = operator.signature.check(inputs, finite=True)
    if operator.coefficient is not None:
        operator.coefficient.law.require(inputs[operator.coefficient.name])
    if labels is not None:
        operator.signature.require(labels.signature, "the labelled data")
    operator.adapted(dict(inputs))
    optimizer, history = adam(operator, settings.rate), History()
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, max(1, iterations // _HALVINGS), 0.5)
    generator = torch.Generator().manual_seed(settings.seed)
    start, pending = time.perf_counter(), []
    operator.train()
    with Display(iterations, 0, not settings.quiet) as display:
        for step in range(1, iterations + 1):
            rows = torch.randperm(count, generator=generator)[: settings.batch]
            loss = unlabelled_loss(
                operator, {name: values[rows] for name, values in inputs.items()}, form, form.draw(generator), settings
            )
            if labels is not None and settings.label_weight:
                loss = loss + settings.label_weight * _label_loss(operator, labels, settings.batch, generator)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            pending.append(loss.detach())
            if step % _LOG_EVERY == 0 or step == iterations:
                history.losses.append((step, _mean(pending, step)))
                pending.clear()
                display.update(step, history.losses[-1][1], float(optimizer.param_groups[0]["lr"]))
    operator.eval()
    operator.fit_laws(inputs)
    history.iterations, history.seconds = iterations, time.perf_counter() - start
    return history


def unlabelled_loss(
    operator: LatentGenerativeOperator,
    inputs: Mapping[str, Tensor],
    form: WeakForm,
    points: Float[Tensor, "pq d"],
    settings: GenerativeSettings,
) -> Float[Tensor, ""]:
    """The loss of a batch of inputs at the nodes `points` of some balls."""
    beta = operator.encode(inputs)
    solution, gradient = operator.solution.with_gradient(beta, points)
    fields = LocalFields(points, solution, gradient, form.input_values(inputs, points))
    loss = settings.equation_weight * equation_loss(operator, beta, fields, form)
    if operator.coefficient is not None and settings.input_weight:
        loss = loss + settings.input_weight * operator.coefficient.mismatch(beta, inputs)
    return loss


def equation_loss(
    operator: LatentGenerativeOperator, beta: Float[Tensor, "b latent"], fields: LocalFields, form: WeakForm
) -> Float[Tensor, ""]:
    """Mean over samples of ‖r‖, root mean squares over balls; with a flux, of both residuals of the mixed form."""
    if not operator.flux:
        return _norms(form.residual(fields)).mean()
    flux = torch.stack([decoder(beta, fields.points) for decoder in operator.flux], dim=-1)
    constitutive = _norms((flux - form.law.flux(fields)).flatten(1))
    return (constitutive + _norms(form.residual(fields, flux))).mean()


def _label_loss(
    operator: LatentGenerativeOperator, labels: Dataset, batch: int, generator: torch.Generator
) -> Float[Tensor, ""]:
    rows = torch.randperm(len(labels), generator=generator)[:batch]
    truth = labels.outputs(rows).flatten(1)
    error = operator(labels.inputs(rows)).flatten(1) - truth
    return (error.norm(dim=1) / truth.norm(dim=1).clamp_min(1e-30)).mean()


def _norms(residuals: Float[Tensor, "b p"]) -> Float[Tensor, " b"]:
    return (residuals.square().mean(1) + 1e-20).sqrt()


def _mean(losses: list[Tensor], step: int) -> float:
    values = torch.stack(losses)
    if not bool(torch.isfinite(values).all()):
        raise TrainingError(f"the loss is not finite near iteration {step}: lower the rate, or look at the inputs")
    return float(values.mean())
