"""What an operator does, beside what its reference does: slopes, structure, scales and other resolutions.

    derivative error   ‖G'v - R'v‖ / ‖R'v‖             v from one test input towards another
    superposition      ‖G(½u + ½v) - ½G(u) - ½G(v)‖ / ‖G(½u + ½v)‖            zero where G is affine
    reciprocity        |⟨G'v, w⟩ - ⟨v, G'w⟩| / (‖G'v‖ ‖w‖ + ‖v‖ ‖G'w‖)      zero where G' is symmetric

R is the reference solver. Whether the physics is linear or reciprocal is asked of R itself: where its own defect is
small, the operator's should be.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.errors import FredholmError, SignatureError
from fredholm.evaluation.derivative import Derivative, central_difference, inner, norm
from fredholm.evaluation.spectrum_error import Band, errors_by_band
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Function, Inputs
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.operator import Operator, Query
from fredholm.problems.problem import Problem

SINGULAR_VALUES, BASE_SAMPLES, DIRECTIONS = 6, 3, 4


@dataclass(frozen=True)
class Slopes:
    """The derivative with respect to one input function, around a few test inputs.

    `singular_values` are of the operator at the first of them; `gains` are ‖R'v‖ of the reference along the same input
    functions. `error` is the mean relative error of R'v, and None like `gains` where there is no reference.
    """

    name: str
    singular_values: tuple[float, ...]
    gains: tuple[float, ...] | None
    error: float | None


@dataclass(frozen=True)
class Defect:
    """How far the operator and its reference are from a structure."""

    name: str
    operator: float
    reference: float | None


@dataclass(frozen=True)
class Diagnostics:
    """What was found; `resolutions` maps numbers of points to mean relative L2 errors there."""

    slopes: tuple[Slopes, ...] = ()
    defects: tuple[Defect, ...] = ()
    bands: tuple[Band, ...] = ()
    resolutions: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain numbers."""
        return asdict(self)


def diagnose(operator: Operator, test: Dataset, problem: Problem | None = None) -> Diagnostics:
    """Look into an operator on test samples; with its problem, beside the reference solver.

    Takes a few dozen answers of the operator, and of the solver. What does not apply is left out: slopes and defects
    without input functions on fixed domains, bands away from grids, other resolutions for a network bound to its grid.
    """
    if test.query is not None or Query.DOMAIN not in operator.queries:
        return Diagnostics()
    names = [
        name
        for name, entry in operator.signature.inputs.items()
        if isinstance(entry, Function) and entry.domain.shape is not None and name in test.input_domains
    ]
    slopes = [_slopes(operator, test, name, problem) for name in names] if len(test) > 1 else []
    defects = _defects(operator, test, names, problem) if len(test) > 1 else []
    return Diagnostics(tuple(slopes), tuple(defects), _bands(operator, test), _resolutions(operator, test, problem))


def _slopes(operator: Operator, test: Dataset, name: str, problem: Problem | None) -> Slopes:
    domain, out = test.input_domains[name], operator.output_domain
    errors, triples, gains = [], None, None
    for base in range(min(BASE_SAMPLES, len(test))):
        inputs = test.inputs(torch.tensor([base]))
        derivative = Derivative(operator, inputs, name, domain)
        change = _directions(test, name, base)
        reference = _reference_products(problem, inputs, name, change)
        if reference is not None:
            wrong = norm(derivative.apply(change) - reference, out) / norm(reference, out).clamp_min(1e-30)
            errors.append(float(wrong.mean()))
        if triples is None:
            triples = derivative.leading(SINGULAR_VALUES)
            products = _reference_products(problem, inputs, name, triples.inputs)
            gains = None if products is None else tuple(norm(products, out).tolist())
    assert triples is not None
    error = sum(errors) / len(errors) if errors else None
    return Slopes(name, tuple(triples.values.tolist()), gains, error)


def _directions(test: Dataset, name: str, base: int) -> Float[Tensor, "k channels *shape"]:
    """From one test input towards others."""
    others = torch.tensor([i for i in range(min(len(test), BASE_SAMPLES + DIRECTIONS)) if i != base][:DIRECTIONS])
    return test.inputs(others)[name] - test.inputs(torch.tensor([base]))[name]


def _reference_products(problem: Problem | None, inputs: Inputs, name: str, change: Tensor) -> Tensor | None:
    """R'v by central differences; None where the solver cannot leave its samples, such as media of two phases."""
    if problem is None:
        return None
    try:
        return central_difference(problem.solve, inputs, name, change)
    except (FredholmError, ValueError):
        return None


def _defects(operator: Operator, test: Dataset, names: list[str], problem: Problem | None) -> list[Defect]:
    defects = []
    answers: dict[str, Callable[[Inputs], Tensor]] = {"operator": torch.no_grad()(operator)}
    if problem is not None:
        answers["reference"] = problem.solve
    found = {who: _superposition(answer, test, operator.output_domain) for who, answer in answers.items()}
    if found["operator"] is not None:
        defects.append(Defect("superposition", found["operator"], found.get("reference")))
    for name in names:
        domain, entry = test.input_domains[name], operator.signature.inputs[name]
        assert isinstance(entry, Function)
        if domain == operator.output_domain and len(entry.channels) == len(operator.signature.output.channels):
            inputs = test.inputs(torch.tensor([0]))
            change = _directions(test, name, 0)
            own = Derivative(operator, inputs, name, domain).apply(change)
            true = _reference_products(problem, inputs, name, change)
            reference = None if true is None else _reciprocity(change, true, domain)
            defects.append(Defect(f"reciprocity of {name}", _reciprocity(change, own, domain), reference))
    return defects


def _superposition(answer: Callable[[Inputs], Tensor], test: Dataset, domain: Domain) -> float | None:
    half = min(len(test) // 2, 4)
    first, second = (test.inputs(torch.arange(start, start + half)) for start in (0, half))
    middle = {name: (first[name] + second[name]) / 2 for name in first}
    try:
        ends, between = (answer(first) + answer(second)) / 2, answer(middle)
    except (FredholmError, ValueError):  # the mean of two inputs need be no input
        return None
    return float((norm(between - ends, domain) / norm(between, domain).clamp_min(1e-30)).mean())


def _reciprocity(change: Tensor, products: Tensor, domain: Domain) -> float:
    """Mean defect over pairs of neighbouring directions."""
    v, w, gv, gw = change[:-1], change[1:], products[:-1], products[1:]
    scale = norm(gv, domain) * norm(w, domain) + norm(v, domain) * norm(gw, domain)
    return float(((inner(gv, w, domain) - inner(v, gw, domain)).abs() / scale.clamp_min(1e-30)).mean())


def _bands(operator: Operator, test: Dataset) -> tuple[Band, ...]:
    if not bool((test.output_domain.weights() > 0).all()):
        return ()  # a hole has no spectrum
    samples = torch.arange(min(len(test), 64))
    with torch.inference_mode():
        prediction = operator(test.inputs(samples))
    try:
        return errors_by_band(prediction, test.outputs(samples), test.output_domain)
    except SignatureError:
        return ()


def _resolutions(operator: Operator, test: Dataset, problem: Problem | None) -> dict[str, float]:
    """Errors of the same weights on half and twice the points, where network and problem allow it."""
    points = getattr(problem, "points", None)
    if problem is None or not isinstance(points, int) or not isinstance(operator, GridOperator):
        return {}
    found = {}
    for factor in (0.5, 1.0, 2.0):
        try:
            other = replace(problem, points=int(factor * points))  # type: ignore[type-var]
            moved = operator.at(other.output_domain)
            inputs = other.sample(min(len(test), 16), seed=2**20)
            truth = other.solve(inputs)
        except (FredholmError, ValueError):
            continue
        with torch.inference_mode():
            error = norm(moved(inputs) - truth, other.output_domain) / norm(truth, other.output_domain)
        found[" x ".join(map(str, other.output_domain.shape))] = float(error.mean())
    return found if len(found) > 1 else {}
