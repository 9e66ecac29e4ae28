"""Honest speed: what the solver costs at the surrogate's accuracy, not at its own best.

The solver is coarsened for as long as its error against the reference stays below the surrogate's. Then

    break-even queries = (generation + training seconds) / (solver seconds at equal accuracy - surrogate seconds)

is when training has paid for itself; there is none if the surrogate is not the faster of the two.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.errors import FredholmError
from fredholm.fields.signature import Inputs
from fredholm.operators import DeepONet, FixedQuery
from fredholm.operators.operator import Operator
from fredholm.problems.problem import Problem

_FACTORS = (1.25, 1.5, 2.0, 2.5, 3.0, 4.0)


@dataclass(frozen=True)
class TrainingCost:
    """Seconds spent before the first query."""

    generation_seconds: float
    training_seconds: float


@dataclass(frozen=True)
class Speed:
    """Seconds a sample, medians, solver and surrogate in turn in one run; errors are mean relative L2."""

    solver_seconds: float
    surrogate_seconds: float
    equal_solver_seconds: float
    equal_solver_error: float
    equal_factor: float
    break_even_queries: float | None


def honest_speed(operator: Operator, problem: Problem, test: Dataset, error: float, cost: TrainingCost | None) -> Speed:
    """Time both; `error` is the surrogate's mean relative L2 error, against which the solver is coarsened."""
    coarse, factor, coarse_error = _equally_accurate(problem, test, error)
    one = torch.arange(1)
    inputs = test.inputs(one)
    restricted = _restricted(inputs, problem, coarse)

    if isinstance(operator, DeepONet):
        surrogate: Callable[[Inputs], Tensor] = FixedQuery(operator)  # the points are the same for every input
    else:
        surrogate = torch.inference_mode()(operator)

    def ask() -> None:
        surrogate(inputs)

    times = interleaved(
        {"solver": lambda: problem.solve(inputs), "equal": lambda: coarse.solve(restricted), "ask": ask}
    )
    gain = times["equal"] - times["ask"]
    even = (cost.generation_seconds + cost.training_seconds) / gain if cost and gain > 0 else None
    return Speed(times["solver"], times["ask"], times["equal"], coarse_error, factor, even)


def interleaved(actions: dict[str, Callable[[], object]], rounds: int = 9) -> dict[str, float]:
    """Median seconds of several actions, run in turn after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for round_ in range(rounds + 1):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            if round_:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def _equally_accurate(problem: Problem, test: Dataset, error: float) -> tuple[Problem, float, float]:
    """The coarsest version of the problem that is as accurate as the surrogate, its factor and its error."""
    best = (problem, 1.0, 0.0)
    coarsened = getattr(problem, "coarsened", None)
    if coarsened is None:
        return best
    samples = torch.arange(min(len(test), 4))
    truth, inputs = test.outputs(samples), test.inputs(samples)
    weights = test.output_domain.weights().float().reshape(test.output_domain.shape)
    points = test.output_domain.coordinates()
    inside = test.output_domain.weights() > 0
    for factor in _FACTORS:
        try:
            coarse = coarsened(factor)
            values = coarse.solve(_restricted(inputs, problem, coarse))
            stencil = coarse.output_domain.stencil(points[inside])
        except (FredholmError, ValueError):
            break
        prediction = torch.zeros(*truth.shape[:2], len(points))
        prediction[..., inside] = stencil.apply(values.flatten(2))
        difference = (prediction.reshape(truth.shape) - truth).square() * weights
        relative = (difference.flatten(1).sum(1) / (truth.square() * weights).flatten(1).sum(1)).sqrt()
        if float(relative.mean()) > error:
            break
        best = (coarse, factor, float(relative.mean()))
    return best


def _restricted(inputs: dict[str, Tensor], fine: Problem, coarse: Problem) -> dict[str, Tensor]:
    """Input functions on the coarser problem's domains."""
    result = dict(inputs)
    for name, domain in fine.input_domains.items():
        target = coarse.input_domains[name]
        if target == domain:
            continue
        inside = target.weights() > 0
        stencil = domain.stencil(target.coordinates()[inside])
        values = torch.zeros(*inputs[name].shape[:2], target.size)
        values[..., inside] = stencil.apply(inputs[name].flatten(2))
        result[name] = values.reshape(*inputs[name].shape[:2], *target.shape)
    return result
