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
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Inputs
from fredholm.fields.spline_interpolation import is_tensor_product, spline_between
from fredholm.operators import DeepONet, FixedQuery
from fredholm.operators.operator import Operator
from fredholm.problems.problem import Problem

_FACTORS = (1.25, 1.5, 2.0, 2.5, 3.0, 4.0)


@dataclass(frozen=True)
class TrainingCost:
    """Seconds spent before the first query; data of unknown cost are as dear as the solver that is timed."""

    training_seconds: float
    generation_seconds: float | None = None
    samples: int = 0

    def seconds(self, solver_seconds: float) -> float:
        """Of data and training, where a sample takes the solver `solver_seconds`."""
        generation = self.generation_seconds
        return self.training_seconds + (self.samples * solver_seconds if generation is None else generation)


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
    even = cost.seconds(times["solver"]) / gain if cost and gain > 0 else None
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
    samples = torch.arange(min(len(test), 4))
    truth, inputs = test.outputs(samples), test.inputs(samples)
    weights = test.output_domain.weights().float().reshape(test.output_domain.shape)
    for factor in _FACTORS:
        try:
            coarse = problem.coarsened(factor)
            if coarse is None:
                break
            values = coarse.solve(_restricted(inputs, problem, coarse))
            prediction = _between(values, coarse.output_domain, test.output_domain)
        except (FredholmError, ValueError):
            break
        difference = (prediction - truth).square() * weights
        relative = (difference.flatten(1).sum(1) / (truth.square() * weights).flatten(1).sum(1)).sqrt()
        if not float(relative.mean()) <= error:
            break
        best = (coarse, factor, float(relative.mean()))
    return best


def _restricted(inputs: dict[str, Tensor], fine: Problem, coarse: Problem) -> dict[str, Tensor]:
    """Input functions on the coarser problem's domains, within the bounds of their values: none turns negative."""
    result = dict(inputs)
    for name, domain in fine.input_domains.items():
        target = coarse.input_domains[name]
        if target == domain:
            continue
        given = inputs[name]
        shape = (len(given), *[1] * (given.ndim - 1))
        least, most = given.flatten(1).amin(1).reshape(shape), given.flatten(1).amax(1).reshape(shape)
        result[name] = _between(given, domain, target).clamp(least, most)
    return result


def _between(values: Tensor, source: Domain, target: Domain) -> Tensor:
    """Values on another domain: by splines between whole grids, by stencils else, zero outside masks."""
    if is_tensor_product(source) and is_tensor_product(target):
        return spline_between(values, source, target)
    inside = target.weights() > 0
    stencil = source.stencil(target.coordinates()[inside])
    result = torch.zeros(*values.shape[:2], target.size)
    result[..., inside] = stencil.apply(values.flatten(2))
    return result.reshape(*values.shape[:2], *target.shape)
