"""Study: which models of a flow carry over to cases that they have not seen, and which only repeat what they are given.

A. Cavity flows split by case, three times: nine baselines and the identity, one step and a roll-out of twenty.
B. Extrapolation: lids twice as fast as any in training, boxes of other shapes.
C. The leak: frames of the test cases asked of a model that has seen their neighbours, and of one that has not.

Source: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from fredholm.data.cfdbench import write_cases
from fredholm.data.dataset import Dataset
from fredholm.data.readers.cfdbench import FlowCases
from fredholm.evaluation import StudyReport, Target
from fredholm.evaluation.figures import curves
from fredholm.evaluation.normalised_error import NormalisedErrors, normalised_errors
from fredholm.evaluation.rollout import rollout
from fredholm.operators import Operator
from fredholm.operators.baselines import Identity
from fredholm.problems.cavity_flow import CavityFlow
from fredholm.studies.cfdbench_models import AUTO_FEED_FORWARD, BATCH, FEED_FORWARD, FOURIER, MODELS, UNET, Model
from fredholm.studies.study import Budget, Run, Study

_POINTS = {Budget.QUICK: 32, Budget.FULL: 64}
_EPOCHS = {Budget.QUICK: 30, Budget.FULL: 200}
_SPLITS = {Budget.QUICK: 3, Budget.FULL: 10}
_REPEATED = (FEED_FORWARD, AUTO_FEED_FORWARD, FOURIER, UNET)  # trained for every split; the others for the first
_TEST_CASES = 8
_STEPS = 20
_FIRST = 1  # frame 0 is rest, in which no case differs from another


class CFDBenchStudy(Study):
    """Surrogates of flows, beside the identity."""

    slug: ClassVar[str] = "cfdbench"
    claim: ClassVar[str] = (
        "On unseen cases of a cavity's flow, a step in time by a feed-forward network does no better than the "
        "identity, and a U-Net several times better; its error grows in a roll-out, while that of a model asked for "
        "a time does not."
    )
    paper: ClassVar[str] = (
        "One step, cavity, normalised mean squared error: identity 1.41e-3, Auto-FFN 1.41e-3, FNO 0.50e-3, U-Net "
        "0.41e-3; over 20 steps the error of the U-Net grows to about 1 (Luo et al. 2023, figures 7 and 8)."
    )

    def run(self, run: Run) -> StudyReport:
        start = time.perf_counter()
        problem = CavityFlow(points=_POINTS[run.budget], frames=_STEPS + 5)
        run.say("  solving cavity flows")
        written = write_cases(problem, run.directory / "data", progress=False)
        run.say(f"  {written.cases} cases, of which {written.solved} are new")
        cases = FlowCases.read(run.directory / "data", problem.name, ("prop", "bc"))
        rows = _splits(cases, run)
        beyond, identity_beyond = _extrapolation(run, cases)
        leak = _leak(run, cases)
        identity = rows.pop("identity")
        steps = [name for name in _REPEATED if MODELS[name].stepping]
        winner = min(steps, key=lambda name: float(rows[name]["one_step"]))
        one_step = {name: rows[name]["one_step"] / identity["one_step"] for name in rows if "one_step" in rows[name]}
        targets = [
            Target("one step, U-Net / identity", one_step[UNET], "<=", 0.3),
            Target("one step, Auto-FFN / identity, from below", one_step[AUTO_FEED_FORWARD], ">=", 0.8),
            Target("one step, Auto-FFN / identity, from above", one_step[AUTO_FEED_FORWARD], "<=", 1.1),
            Target(f"growth over {_STEPS} steps of the best step, {winner}", _growth(rows[winner]), ">=", 5.0),
            Target(f"growth over {_STEPS} steps of the FFN asked for a time", _growth(rows[FEED_FORWARD]), "<=", 1.5),
            Target("FFN, frames split at random / cases", leak["split of frames"] / leak["split of cases"], "<=", 1.0),
        ]
        return StudyReport(
            self.slug,
            self.claim,
            self.paper,
            {**{name: _shown(row) for name, row in rows.items()}, **beyond, "FFN, NMSE of frames": leak},
            {"identity": _shown(identity), **identity_beyond},
            tuple(targets),
            time.perf_counter() - start,
            run.seed,
            run.budget,
            {"Error of u over a roll-out": [_figure(rows, identity)]},
        )


def _splits(cases: FlowCases, run: Run) -> dict[str, dict[str, Any]]:
    """For every model its errors, means over the splits that it was trained for."""
    found: dict[str, list[dict[str, Any]]] = {}
    for repeat in range(_SPLITS[run.budget]):
        seed = 100 * run.seed + repeat
        train, test = cases.split((1 - _TEST_CASES / len(cases),), seed=seed)
        data = test.steps(first=_FIRST)
        identity = Identity(data.signature, data.output_domain, "flow", "mask")
        found.setdefault("identity", []).append(_errors(identity, test, stepping=True))
        for name, model in MODELS.items():
            if repeat and name not in _REPEATED:
                continue
            started = time.process_time()
            operator = _trained(model, train, run, seed)
            result = _errors(operator, test, model.stepping)
            result |= {"parameters": operator.parameter_count, "training_cpu_seconds": time.process_time() - started}
            found.setdefault(name, []).append(result)
            run.say(f"  split {repeat + 1}, {name}: {result['one_step' if model.stepping else 'frames']:.4g}")
    return {name: _mean(results) for name, results in found.items()}


def _trained(model: Model, cases: FlowCases, run: Run, seed: int) -> Operator:
    data = cases.steps(first=_FIRST) if model.stepping else cases.frames(first=_FIRST)
    return model.trained(data, _iterations(data, run), seed)


def _iterations(data: Dataset, run: Run) -> int:
    return max(1, _EPOCHS[run.budget] * len(data) // BATCH)


def _errors(operator: Operator, test: FlowCases, stepping: bool) -> dict[str, Any]:
    """NMSE of u: of one step or of all frames, mean over frames and pooled; and of 20 frames from the first on."""
    data = test.steps(first=_FIRST) if stepping else test.frames(first=_FIRST)
    errors = normalised_errors(operator, data)
    kind = "one_step" if stepping else "frames"
    scores: dict[str, Any] = {kind: float(errors.mean()), f"{kind}_pooled": float(errors.pooled())}
    trajectories = test.trajectories(_STEPS, first=_FIRST)
    with torch.inference_mode():
        if stepping:
            states = rollout(operator, trajectories.state, trajectories.forcings, _STEPS)
        else:
            states = _asked(operator, test, trajectories.forcings["case"])
    curve = NormalisedErrors.of(states[:, :, 0], trajectories.truth[:, :, 0], steps=1).mean().tolist()
    return scores | {"rollout": curve}


def _asked(operator: Operator, test: FlowCases, numbers: Tensor) -> Tensor:
    """The same frames by a model that is asked for their times."""
    steps = torch.tensor([case.step for case in test.cases])
    times = [frame * steps[:, None] for frame in range(_FIRST + 1, _FIRST + 1 + _STEPS)]
    return torch.stack([operator({"case": torch.cat([numbers, time], 1)}) for time in times], 1)


def _extrapolation(run: Run, cases: FlowCases) -> tuple[dict[str, Any], dict[str, Any]]:
    """U-Net and identity where the lid is up to twice as fast as in training, and in boxes of other shapes."""
    lids = [case for case in cases.cases if case.directory.parent.name == "bc"]
    middle = statistics.median(case.numbers["vel_top"] for case in lids)
    slow = FlowCases(tuple(case for case in lids if case.numbers["vel_top"] < middle))
    fast = FlowCases(tuple(case for case in lids if case.numbers["vel_top"] > middle))
    boxes = FlowCases.read(run.directory / "data", "cavity", ("geo",))
    measured: dict[str, Any] = {}
    identities: dict[str, Any] = {}
    for name, train, test in (("lids twice as fast", slow, fast), ("other boxes", cases, boxes)):
        operator = _trained(MODELS[UNET], train, run, run.seed)
        data = test.steps(first=_FIRST)
        measured[f"{UNET}, {name}"] = _shown(_errors(operator, test, stepping=True))
        identity = Identity(data.signature, data.output_domain, "flow", "mask")
        identities[f"identity, {name}"] = _shown(_errors(identity, test, stepping=True))
    return measured, identities


def _leak(run: Run, cases: FlowCases) -> dict[str, float]:
    """NMSE of the FFN at half of the frames of the test cases: these cases unseen, or the other half of them seen."""
    model = MODELS[FEED_FORWARD]
    train, test = cases.split((1 - _TEST_CASES / len(cases),), seed=run.seed)
    unseen = train.frames(first=_FIRST)
    everything = replace(cases, cases=(*train.cases, *test.cases)).frames(first=_FIRST)  # those of the test come last
    order = torch.randperm(len(everything) - len(unseen), generator=torch.Generator().manual_seed(run.seed))
    seen, asked = (len(unseen) + order).tensor_split(2)
    leaked = everything.subset(torch.cat([torch.arange(len(unseen)), seen]))
    iterations = _iterations(leaked, run)
    return {
        f"split of {name}": float(
            normalised_errors(model.trained(data, iterations, run.seed), everything.subset(asked)).mean()
        )
        for name, data in (("cases", unseen), ("frames", leaked))
    }


def _mean(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over splits; roll-outs step by step."""
    mean: dict[str, Any] = {}
    for key, value in results[0].items():
        columns = [result[key] for result in results]
        if isinstance(value, list):
            mean[key] = [statistics.mean(column) for column in zip(*columns, strict=True)]
        else:
            mean[key] = type(value)(statistics.mean(columns))
    return mean


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row with three steps of its roll-out."""
    curve = row["rollout"]
    return {key: value for key, value in row.items() if key != "rollout"} | {
        f"rollout_{step}": curve[step - 1] for step in (1, _STEPS // 2, _STEPS)
    }


def _growth(row: dict[str, Any]) -> float:
    return row["rollout"][-1] / row["rollout"][0]


def _figure(rows: dict[str, dict[str, Any]], identity: dict[str, Any]) -> str:
    named = {**rows, "identity": identity}
    return curves("step", "NMSE of u", range(1, _STEPS + 1), {name: row["rollout"] for name, row in named.items()})
