"""What every operator and every problem must do, as checks for your own tests.

    operators   G({u₁, u₂}) = {G(u₁), G(u₂)};   all promised queries agree;   build(describe(G)) = G;
                every weight learns;   the exported graph answers as G does
    problems    sample i depends on (seed, i) alone, and so does its solution;   it lies where the problem says

Each check raises ContractError that says what does not hold. The tests of the toolkit's own operators and problems
call them, too.
"""

import copy
import json
from collections.abc import Callable

import torch
from torch import Tensor

from fredholm.errors import ContractError
from fredholm.fields.signature import Inputs
from fredholm.layers.architecture import build, describe
from fredholm.operators.operator import Operator, Query
from fredholm.problems.problem import Problem


def check_operator(operator: Operator, inputs: Inputs | None = None) -> None:
    """All checks of an operator, which is left as it was.

    Args:
        operator: as built, or trained.
        inputs: a batch of at least two samples; random ones by default.

    >>> from fredholm.problems import Antiderivative
    >>> check_operator(Operator.build(Antiderivative(sensors=16).signature, "fno/tiny"))
    """
    from fredholm.deploy.onnx_export import examples_of

    given = examples_of(operator.signature) if inputs is None else inputs
    for check in (check_batch, check_queries, check_description, check_learning):
        check(copy.deepcopy(operator).eval(), given)
    check_export(copy.deepcopy(operator).eval())


def check_batch(operator: Operator, inputs: Inputs) -> None:
    """The answer to a batch has the shape of the contract, and is that to its samples one by one."""
    with torch.inference_mode():
        whole = operator(inputs)
        count = operator.signature.check(inputs)
        expected = (count, len(operator.signature.output.channels), *operator.output_domain.shape)
        if tuple(whole.shape) != expected:
            raise ContractError(
                f"{_name(operator)} answers shape {tuple(whole.shape)}; expected {expected}, (batch, channels, *shape)"
            )
        for i in range(count):
            alone = operator({name: values[i : i + 1] for name, values in inputs.items()})
            _require_close(f"{_name(operator)}: sample {i} alone and in its batch", alone, whole[i : i + 1])


def check_queries(operator: Operator, inputs: Inputs, seed: int = 0) -> None:
    """Shared points, points of each sample and the output domain give one function, as far as they are promised."""
    domain, count = operator.output_domain, operator.signature.check(inputs)
    lower, upper = domain.bounds
    unit = torch.rand(5, len(lower), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    some = next(iter(inputs.values()))
    points = (lower + (upper - lower) * unit).to(some.dtype)
    if Query.SHARED not in operator.queries:
        return
    with torch.inference_mode():
        shared = operator(inputs, points)
        if Query.PER_SAMPLE in operator.queries:
            own = operator(inputs, points.expand(count, -1, -1))
            _require_close(f"{_name(operator)}: points of each sample and shared points", own, shared)
        if Query.DOMAIN in operator.queries:
            at_nodes = operator(inputs, domain.coordinates().to(some.dtype))
            whole = operator(inputs).flatten(2)
            _require_close(f"{_name(operator)}: the domain's points and query=None", at_nodes, whole, 1e-4)


def check_description(operator: Operator, inputs: Inputs) -> None:
    """An operator built again from its description and its weights gives the same numbers, to the last bit."""
    again = build(json.loads(json.dumps(describe(operator)))).to(next(iter(inputs.values())).dtype).eval()
    again.load_state_dict(operator.state_dict())
    with torch.inference_mode():
        if not torch.equal(again(inputs), operator(inputs)):
            raise ContractError(
                f"{_name(operator)} built again from its description answers otherwise: keep what matters in "
                "constructor arguments and in buffers"
            )


def check_learning(operator: Operator, inputs: Inputs) -> None:
    """After three steps of an optimiser every weight has moved: none is cut off. The operator is changed by it."""
    start = {name: weight.clone() for name, weight in operator.named_parameters() if weight.requires_grad}
    if not start:
        return
    operator.train()
    optimizer = torch.optim.Adam([weight for weight in operator.parameters() if weight.requires_grad], 1e-2)
    target = 1 + next(iter(inputs.values())).mean()
    for _ in range(3):
        optimizer.zero_grad()
        (operator(inputs) - target).square().mean().backward()
        optimizer.step()
    now = dict(operator.named_parameters())
    if still := [name for name, weight in start.items() if torch.equal(weight, now[name])]:
        raise ContractError(f"{_name(operator)} has weights that no gradient reaches: {', '.join(still)}")


def check_export(operator: Operator) -> None:
    """The graphs it is exported as answer like it in ONNX Runtime, whatever the batch; raises ExportError."""
    from fredholm.deploy.backend import OnnxRuntimeBackend, session, to_onnx
    from fredholm.deploy.onnx_export import compare, graphs_of

    graphs = graphs_of(operator)
    part = "field" if "field" in graphs else "operator"
    compare(part, graphs[part], session(to_onnx(graphs[part]), threads=1), OnnxRuntimeBackend())


def check_problem(problem: Problem, seed: int = 0) -> None:
    """All checks of a problem, on two samples.

    >>> from fredholm.problems import Antiderivative
    >>> check_problem(Antiderivative(sensors=16))
    """
    together = problem.sample(2, seed)
    problem.signature.check(together, finite=True)
    last = problem.sample(1, seed, first=1)
    if not all(torch.equal(together[name][1:], last[name]) for name in together):
        raise ContractError(f"sample 1 of {problem.name} depends on what is drawn with it: use generator_of(seed, i)")
    other = problem.sample(2, seed + 1)
    if all(torch.equal(together[name], other[name]) for name in together):
        raise ContractError(f"{problem.name} draws the same samples for another seed: use generator_of(seed, i)")
    outputs = problem.solve(together)
    expected = (2, len(problem.signature.output.channels), *problem.output_domain.shape)
    if tuple(outputs.shape) != expected or not torch.isfinite(outputs).all():
        raise ContractError(
            f"{problem.name} answers shape {tuple(outputs.shape)}, finite: {bool(torch.isfinite(outputs).all())}; "
            f"expected finite numbers {expected}, (samples, channels, *shape)"
        )
    _require_close(f"{problem.name}: solution 1 alone and in its batch", problem.solve(last), outputs[1:])
    _require_json(problem.name, problem.parameters)


def _require_json(name: str, parameters: Callable[[], object]) -> None:
    try:
        json.dumps(parameters())
    except (TypeError, ValueError) as error:
        raise ContractError(f"the parameters of {name} cannot be recorded as JSON: {error}") from error


def _require_close(what: str, first: Tensor, second: Tensor, tolerance: float | None = None) -> None:
    """Raise ContractError where two answers differ by more than rounding, in units of the greatest number."""
    allowed = tolerance or (1e-9 if second.dtype == torch.float64 else 1e-4)
    difference = float((first - second).abs().max() / second.abs().max().clamp_min(1.0))
    if not difference <= allowed:
        raise ContractError(f"{what} differ by {difference:.2g}, where {allowed:.0e} is allowed")


def _name(operator: Operator) -> str:
    inner = getattr(operator, "network", None)
    return type(operator).__name__ + (f" of {type(inner).__name__}" if inner is not None else "")
