"""Study: a surrogate trained while the solvers run, of more simulations than are ever stored.

Heat in a square of 24 × 24 cells, walls and start at five random temperatures, 25 times; a perceptron maps temperatures
and time to the state. All runs start from the same weights and take as many steps of ten samples as their data allow,
3000 at most; the error is that on simulations which none has seen.

    offline     few, more, or all simulations on disk, epochs over them
    FIFO        the stream as it comes, each sample once, which ends the run early
    Reservoir   the stream mixed, with one and with four batches for every ten samples that arrive

Networks that learn steps in time are compared in `online_steps`, without a target.

Source: Meyer, Schouler, Caulk, Ribés, Raffin 2023, "Training deep surrogate models with large scale online learning".
"""

import statistics
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from fredholm.data import WholeFields
from fredholm.data.dataset import Dataset
from fredholm.data.online import FIFO, Buffer, Frames, Reservoir, Serial, Stream, collected, stream
from fredholm.evaluation import StudyReport, Target
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.layers.perceptron import MLP, initialised
from fredholm.operators.operator import Operator, Query
from fredholm.problems import Heat
from fredholm.studies.online_steps import steps_in_time
from fredholm.studies.study import Budget, Run, Study
from fredholm.training import History, Settings, Validation, adam, fit

_PROBLEM = Heat(points=24, times=25, duration=0.5, side=2.0, temperatures=(0.0, 1.0))
_SIMULATIONS = {Budget.QUICK: 300, Budget.FULL: 1200}
_STEPS = {Budget.QUICK: 3000, Budget.FULL: 12000}
_OFFLINE = (10, 50)  # simulations of the smaller sets
_BATCH, _UNSEEN, _LIVE = 10, 40, 3
_SPREAD = 10  # last validations whose spread is compared
_EVERY = 20  # steps between validations


class StatePerceptron(Operator):
    """(X, t) ↦ u(·, t): a perceptron from the parameters to the values on the whole grid."""

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN})

    def __init__(self, signature: Signature, output_domain: Domain, network: nn.Module, duration: float) -> None:
        super().__init__(signature, output_domain)
        self.network, self.duration = network, duration

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        self.require_query(query)
        given = torch.cat([inputs["temperatures"], inputs["t"] / self.duration], dim=-1)
        values: Tensor = self.network(given)
        return values.unflatten(-1, (1, *self.output_domain.shape))


class OnlineSurrogateTraining(Study):
    """Streams, queues and sets on disk, at equal steps."""

    slug: ClassVar[str] = "online-surrogate-training"
    claim: ClassVar[str] = (
        "At equal optimiser steps, a surrogate trained on a stream through a Reservoir that holds 8 % of the samples "
        "is as good as one trained on all of them from disk, and several times better than one trained on the few "
        "simulations that would fit there. A queue in its place is biased towards what came last."
    )
    paper: ClassVar[str] = (
        "Online training improves the prediction of fully connected networks by 68 %, of FNO by 16 % and of message "
        "passing by 7 % (Meyer et al. 2023, abstract)."
    )

    def run(self, run: Run) -> StudyReport:
        start = time.perf_counter()
        frames, count, steps = Frames(_PROBLEM), _SIMULATIONS[run.budget], _STEPS[run.budget]
        unseen = collected(frames, _UNSEEN, seed=10_000 + run.seed)
        everything = collected(frames, count, run.seed)
        run.say(f"  {len(everything)} samples of {count} simulations to compare with")
        baseline: dict[str, Any] = {}
        for few in (*_OFFLINE, count):
            rows = torch.arange(few * _PROBLEM.times)
            name = f"offline, {few} simulations"
            baseline[name] = _trained(everything.subset(rows), unseen, steps, run)
            run.say(f"  {name}: mean squared error {baseline[name]['unseen_mse']:.2e}")
        streams: dict[str, tuple[Buffer, float]] = {
            "FIFO": (FIFO(_BATCH * 2), 1.0),
            "Reservoir, 1 batch per 10 samples": (_reservoir(count, run.seed), 1.0),
            "Reservoir, 4 batches per 10 samples": (_reservoir(count, run.seed), 4.0),
        }
        measured: dict[str, Any] = {}
        for name, (buffer, uses) in streams.items():
            with stream(frames, count, run.seed, buffer=buffer, engine=Serial(live=_LIVE, uses=uses)) as samples:
                measured[name] = _trained(samples, unseen, steps, run) | {
                    "held": samples.statistics.held / samples.statistics.received,
                    "repetition": samples.statistics.repetition,
                    "simulations_left": samples.left,
                }
            run.say(f"  {name}: mean squared error {measured[name]['unseen_mse']:.2e}")
        baseline["FIFO"] = measured.pop("FIFO")
        targets = tuple(_targets(measured, baseline, count))
        of_streams, of_sets = steps_in_time(run)
        return StudyReport(
            self.slug,
            self.claim,
            self.paper,
            measured | of_streams,
            baseline | of_sets,
            targets,
            time.perf_counter() - start,
            run.seed,
            run.budget,
        )


def _reservoir(count: int, seed: int) -> Reservoir:
    """2/25 of all samples, a quarter of them before the first batch."""
    capacity = 2 * count * _PROBLEM.times // 25
    return Reservoir(capacity, capacity // 4, seed)


def _trained(data: Dataset | Stream, unseen: Dataset, steps: int, run: Run) -> dict[str, Any]:
    """Error on unseen simulations after training from the weights that all runs have in common."""
    frames = Frames(_PROBLEM)
    with initialised(run.seed):
        network = MLP([6, 64, 64, _PROBLEM.points**2], nn.ReLU())
    operator = StatePerceptron(frames.description.signature, frames.space, network, _PROBLEM.duration)
    optimizer = adam(operator, 1e-3)
    few = unseen.subset(torch.arange(0, len(unseen), 10))
    history = fit(
        operator,
        data,
        sampler=WholeFields(_BATCH),
        iterations=steps,
        optimizer=optimizer,
        schedule=torch.optim.lr_scheduler.StepLR(optimizer, max(1, steps // 3), 0.5),
        settings=Settings(seed=run.seed, quiet=True, validation=Validation(few, _EVERY, batch=len(few))),
    )
    return {
        "unseen_mse": _squared_error(operator, unseen),
        "train_mse": history.losses[-1][1] if history.losses else float("nan"),
        "batches": history.iterations,
        "spread": _spread(history),
    }


def _squared_error(operator: Operator, data: Dataset) -> float:
    every = torch.arange(len(data))
    with torch.no_grad():
        return float((operator(data.inputs(every)) - data.outputs(every)).square().mean())


def _spread(history: History) -> float:
    """Standard deviation of the last validation errors, over their mean."""
    last = [error for _, error in history.validation[-_SPREAD:]]
    return statistics.stdev(last) / statistics.mean(last) if len(last) > 1 else 0.0


def _targets(measured: dict[str, Any], baseline: dict[str, Any], count: int) -> list[Target]:
    once, often = measured["Reservoir, 1 batch per 10 samples"], measured["Reservoir, 4 batches per 10 samples"]
    few, whole, fifo = (
        baseline[name] for name in (f"offline, {_OFFLINE[0]} simulations", f"offline, {count} simulations", "FIFO")
    )
    error, left = "unseen_mse", once["simulations_left"] + often["simulations_left"]
    return [
        Target("error, offline of 10 simulations / Reservoir x4", few[error] / often[error], ">=", 3.0),
        Target("error, Reservoir x4 / offline of all simulations", often[error] / whole[error], "<=", 1.3),
        Target("error, FIFO / Reservoir x1", fifo[error] / once[error], ">=", 1.5),
        Target("spread of validation errors, FIFO / Reservoir x4", fifo["spread"] / often["spread"], ">=", 1.0),
        Target("samples held / samples produced, Reservoir", often["held"], "<=", 0.08),
        Target("simulations not used to the last sample", left, "<=", 0),
    ]
