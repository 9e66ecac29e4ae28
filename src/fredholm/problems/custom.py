"""A problem of your own: any solver, from Python or the command line, with a sampler and a signature.

    G: inputs -> output,    G(a) = solver(a)

The sampler draws the inputs of one sample from a random generator of that sample's own, so that sample i depends on
(seed, i) alone, as for every problem. The solver gets a dictionary of NumPy arrays (float64) and returns one array.
Arrays are as a NumPy solver has them: of the domain's shape, with an axis of channels in front only where there is
more than one channel; a parameter of one component is a number. Where the solver is batched, all have an axis of
samples in front.

What a data set records of such a problem is its name, its parameters and what its solver is called: nothing that is
executed when the set is opened.
"""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fredholm.errors import SignatureError, SolverError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Signature
from fredholm.problems.external_command import ExternalCommand
from fredholm.problems.problem import Problem

Arrays = dict[str, np.ndarray]
Solver = Callable[[Arrays], Any]
Draw = Callable[[np.random.Generator], Mapping[str, Any]]


class CustomProblem(Problem):
    """What `Problem.from_solver` makes, where the arguments are explained."""

    summary = "a problem of your own"

    def __init__(
        self,
        name: str,
        solver: Solver,
        sampler: Draw,
        signature: Signature,
        output_domain: Domain,
        input_domains: Mapping[str, Domain],
        batched: bool,
        parameters: Mapping[str, Any],
    ) -> None:
        from fredholm.problems.registry import PROBLEMS

        if not name or name in PROBLEMS:
            raise ValueError(f"a problem cannot be named {name!r}: choose a name that is not one of the toolkit's")
        self.name = name  # type: ignore[misc]  # its own, where other problems have their class's
        self._solver, self._sampler, self._batched = solver, sampler, batched
        self._signature, self._output_domain, self._input_domains = signature, output_domain, input_domains
        self._parameters = parameters

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return self._input_domains

    @property
    def output_domain(self) -> Domain:
        return self._output_domain

    @property
    def signature(self) -> Signature:
        return self._signature

    def parameters(self) -> dict[str, Any]:
        return {"solver": called(self._solver), "sampler": called(self._sampler), **self._parameters}

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        """Inputs of n samples; raises SignatureError where the sampler draws other shapes than the signature says."""
        drawn = [self._one(seed, first + i) for i in range(n)]
        return {name: torch.stack([one[name] for one in drawn]) for name in self.signature.inputs}

    def solve(self, inputs: Inputs) -> Tensor:
        """The solver's output; raises SolverError for the first sample that it fails on."""
        self.signature.check(inputs, finite=True)
        if self._batched:
            return self._answer(self._solver(self._arrays(inputs)), len(next(iter(inputs.values()))))
        count = len(next(iter(inputs.values())))
        return torch.cat([self._solve_one(inputs, sample) for sample in range(count)])

    def attempt(self, inputs: Inputs) -> tuple[Tensor, dict[int, str]]:
        if self._batched:
            return super().attempt(inputs)
        outputs, failures = (
            [],
            dict[int, str](),
        )  # one by one, so that no sample is solved for twice because another one fails
        for sample in range(len(next(iter(inputs.values())))):
            output, reasons = super().attempt({name: values[sample : sample + 1] for name, values in inputs.items()})
            outputs.append(output)
            if reasons:
                failures[sample] = reasons[0]
        return torch.cat(outputs), failures

    def _one(self, seed: int, index: int) -> Inputs:
        drawn = self._sampler(np.random.default_rng([seed, index]))
        if not isinstance(drawn, Mapping) or set(drawn) != set(self.signature.inputs):
            got = sorted(drawn) if isinstance(drawn, Mapping) else type(drawn).__name__
            raise SignatureError(
                f"the sampler of {self.name!r} drew {got}; expected a dictionary of {sorted(self.signature.inputs)}"
            )
        return {name: _tensor(f"input {name!r}", drawn[name], self._shapes[name])[0] for name in self._shapes}

    @cached_property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """(channels, *shape) or (components,) of each input."""
        return {
            name: (len(entry.components),)
            if isinstance(entry, Parameter)
            else (len(entry.channels), *self._input_domains[name].shape)
            for name, entry in self._signature.inputs.items()
        }

    def _solve_one(self, inputs: Inputs, sample: int) -> Tensor:
        one = self._arrays({name: values[sample : sample + 1] for name, values in inputs.items()})
        try:
            return self._answer(self._solver({name: values[0] for name, values in one.items()}), None)
        except SolverError as error:
            raise SolverError(sample, error.reason) from error
        except (ArithmeticError, np.linalg.LinAlgError) as error:
            raise SolverError(sample, f"{type(error).__name__}: {error}") from error
        except Exception as error:
            error.add_note(f"raised by the solver of {self.name!r} for sample {sample} of the batch it was given")
            raise

    def _arrays(self, inputs: Inputs) -> Arrays:
        """(n, *shape) where there is one channel, (n, channels, *shape) where there are more."""
        arrays = {name: values.double().numpy() for name, values in inputs.items()}
        return {name: values[:, 0] if values.shape[1] == 1 else values for name, values in arrays.items()}

    def _answer(self, answer: Any, count: int | None) -> Tensor:
        shape = (len(self.signature.output.channels), *self.output_domain.shape)
        return _tensor(f"the answer of the solver of {self.name!r}", answer, shape, count)


def custom_problem(
    solver: Solver,
    sampler: Draw,
    signature: Signature,
    *,
    name: str,
    output_domain: Domain | None = None,
    input_domains: Mapping[str, Domain] | None = None,
    batched: bool = False,
    parameters: Mapping[str, Any] | None = None,
) -> CustomProblem:
    """See `Problem.from_solver`."""
    if batched and isinstance(solver, ExternalCommand):
        raise ValueError("an external command solves for one sample at a time: leave batched=False")
    functions = {n: entry for n, entry in signature.inputs.items() if isinstance(entry, Function)}
    for entry_name, entry in {**functions, "the output": signature.output}.items():
        if entry.domain.shape is None:
            raise ValueError(
                f"{entry_name} has a domain of each sample's own: derive a class from Problem, which can say so"
            )
    domains = {n: (input_domains or {}).get(n) or entry.domain.grid() for n, entry in functions.items()}
    output = output_domain or signature.output.domain.grid()
    for entry_name, entry, domain in [(n, functions[n], domains[n]) for n in functions] + [
        ("the output", signature.output, output)
    ]:
        if DomainType.of(domain) != entry.domain:
            raise ValueError(f"the domain of {entry_name} is {domain!r}, but the signature says {entry.domain}")
    return CustomProblem(name, solver, sampler, signature, output, domains, batched, dict(parameters or {}))


def called(function: Any) -> Any:
    """What a function is called, for the record: the script that it stands in does not matter.

    >>> called(np.cumsum), called(partial(np.cumsum, axis=1))
    ('cumsum', ['cumsum', {'axis': '1'}])
    """
    if isinstance(function, ExternalCommand):
        return list(function.command)
    if isinstance(function, partial):
        bound = {f"{i}": repr(value) for i, value in enumerate(function.args)}
        return [called(function.func), bound | {key: repr(value) for key, value in function.keywords.items()}]
    return getattr(function, "__qualname__", None) or type(function).__qualname__


def _tensor(what: str, values: Any, shape: tuple[int, ...], count: int | None = None) -> Tensor:
    """float32 (count or 1, *shape) of an array of that shape, with or without an axis of length one for channels."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SignatureError(f"{what} is no array of numbers: {error}") from error
    batch = () if count is None else (count,)
    allowed = [(*batch, *shape)] + ([(*batch, *shape[1:])] if shape[0] == 1 else [])
    if array.shape not in allowed:
        raise SignatureError(f"{what} has shape {array.shape}; expected {' or '.join(map(str, allowed))}")
    return torch.from_numpy(np.array(array.reshape(count or 1, *shape), np.float32))
