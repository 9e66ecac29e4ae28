"""Networks that learn steps in time, from few simulations on disk and from a stream of many: part of the online study.

    (X, u(t)) -> u(t + dt),   û(t + k dt) = Gᵏ û(t)

The network predicts the increment; what is measured is its roll-out from the first state to the last, on simulations
that it has not seen. Both runs start from the same weights and take as many steps.

Source: Meyer, Schouler, Caulk, Ribés, Raffin 2023, "Training deep surrogate models with large scale online learning",
for the comparison with a Fourier neural operator and with message passing.
"""

from typing import Any

import torch

from fredholm.data import WholeFields
from fredholm.data.dataset import Dataset
from fredholm.data.online import Reservoir, Serial, Steps, Stream, collected, stream
from fredholm.evaluation import rollout
from fredholm.layers.perceptron import initialised
from fredholm.operators.baselines import Identity
from fredholm.operators.operator import Operator
from fredholm.operators.residual_operator import one_step
from fredholm.problems import Heat
from fredholm.studies.study import Budget, Run
from fredholm.training import Settings, adam, fit

_PROBLEM = Heat(points=16, times=13, duration=0.26, side=2.0, temperatures=(0.0, 1.0))
_NETWORKS = {"FNO": "fno/tiny", "message passing": "message-passing/tiny"}
_SIMULATIONS = {Budget.QUICK: 200, Budget.FULL: 1000}
_STEPS = {Budget.QUICK: 800, Budget.FULL: 6000}
_OFFLINE, _UNSEEN, _BATCH, _LIVE, _USES, _RATE = 10, 20, 10, 3, 4.0, 5e-3


def steps_in_time(run: Run) -> tuple[dict[str, Any], dict[str, Any]]:
    """What streams gave each network, and what sets on disk did, by name."""
    source, count = Steps(_PROBLEM), _SIMULATIONS[run.budget]
    few, unseen = collected(source, _OFFLINE, run.seed), collected(source, _UNSEEN, 10_000 + run.seed)
    about, measured = source.description, dict[str, Any]()
    kept = Identity(about.signature, about.output_domain, "state")
    baseline: dict[str, Any] = {"the first state kept": {"rollout_mse": _rolled_out(kept, unseen)}}
    for name, network in _NETWORKS.items():
        offline = _rolled_out(_trained(network, few, few, run), unseen)
        engine = Serial(live=_LIVE, uses=_USES)
        with stream(source, count, run.seed, buffer=Reservoir(count, count // 4, run.seed), engine=engine) as samples:
            online = _rolled_out(_trained(network, samples, few, run), unseen)
        baseline[f"{name}, offline, {_OFFLINE} simulations"] = {"rollout_mse": offline}
        measured[f"{name}, Reservoir, 4 batches per 10 samples"] = {
            "rollout_mse": online,
            "better_by_percent": 100 * (1 - online / offline),
        }
        run.say(f"  {name}: mean squared error of roll-outs {offline:.2e} offline, {online:.2e} online")
    return measured, baseline


def _trained(network: str, data: Dataset | Stream, few: Dataset, run: Run) -> Operator:
    """A network in the units of `few` simulations, trained on `data`."""
    about, steps, every = few.description, _STEPS[run.budget], torch.arange(len(few))
    with initialised(run.seed):
        build = one_step(lambda signature, domain: Operator.build(signature, network, domain))
        operator = build(about.signature, about.output_domain).adapted(few.inputs(every), few.outputs(every))
    optimizer = adam(operator, _RATE)
    fit(
        operator,
        data,
        sampler=WholeFields(_BATCH),
        iterations=steps,
        optimizer=optimizer,
        schedule=torch.optim.lr_scheduler.StepLR(optimizer, max(1, steps // 3), 0.5),
        settings=Settings(seed=run.seed, quiet=True),
    )
    return operator


def _rolled_out(operator: Operator, unseen: Dataset) -> float:
    """Mean squared error over all states of the roll-outs of unseen simulations."""
    steps = _PROBLEM.times - 1
    every, first = torch.arange(len(unseen)), torch.arange(0, len(unseen), steps)
    inputs = unseen.inputs(first)
    truth = unseen.outputs(every).unflatten(0, (-1, steps))
    with torch.no_grad():
        states = rollout(operator, inputs.pop("state"), inputs, steps)
    return float((states - truth).square().mean())
