"""Simulations: numbered runs of a solver that deliver samples as they go.

Simulation i depends on (seed, i) alone, so that it may be run by any process, at any time, and again after a failure:
its steps are the same. A sample is a pair (inputs, output) without an axis of samples; what is one is for the kind of
simulation to say:

    Whole     the solution of a problem, one sample a simulation
    Frames    the states of a solution at each of its times, (inputs, t) -> u(t)
    Steps     each state of a solution and the one after it, (inputs, u(t)) -> u(t + dt)
    Stepwise  whatever a generator of your own yields
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fredholm.data.dataset import Description
from fredholm.errors import DataError, SignatureError, SolverError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Grid
from fredholm.fields.product import grid_axes
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Quantity, Signature
from fredholm.problems.problem import Problem

Pair = tuple[Inputs, Tensor]
Simulate = Callable[[Mapping[str, Any], np.random.Generator], Iterator[tuple[Mapping[str, Any], Any]]]
Draw = Callable[[np.random.Generator], Mapping[str, Any]]


class Simulations(ABC):
    """A sequence of simulations for each seed."""

    @property
    @abstractmethod
    def description(self) -> Description:
        """Signature and domains of the samples, and the problem they are of."""

    @abstractmethod
    def run(self, seed: int, index: int) -> Iterator[Pair]:
        """The samples of simulation `index`, one after the other: inputs (channels, *shape) and output alike.

        Raises SolverError where it cannot go on.
        """

    @abstractmethod
    def place(self, seed: int, index: int) -> Mapping[str, Tensor]:
        """Where simulation `index` lies among the others, told without running it: numbers (...) by name.

        Parameters have one axis at most; functions have one of channels, then those of their domain.
        """


class Whole(Simulations):
    """Solutions of a problem, each of them one sample.

    >>> from fredholm.problems import Antiderivative
    >>> [output.shape for _, output in Whole(Antiderivative()).run(seed=0, index=3)]
    [torch.Size([1, 100])]
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    @property
    def description(self) -> Description:
        problem = self.problem
        about = {"name": problem.name, "parameters": problem.parameters()}
        return Description(problem.signature, problem.output_domain, problem.input_domains, about)

    def run(self, seed: int, index: int) -> Iterator[Pair]:
        inputs = self.problem.sample(1, seed, index)
        output, failures = self.problem.attempt(inputs)
        if failures:
            raise SolverError(index, failures[0])
        yield {name: values[0] for name, values in inputs.items()}, output[0]

    def place(self, seed: int, index: int) -> Mapping[str, Tensor]:
        """The labels from which the problem makes its inputs, or these where it has none."""
        values = self.problem.labels(1, seed, index) or self.problem.sample(1, seed, index)
        return {name: of_all[0] for name, of_all in values.items()}


class Frames(Simulations):
    """The states of a problem whose last axis is time: t becomes an input, and each time a sample.

        G: (inputs, t) -> u(·, t)

    Raises DataError for a problem whose output has no axes of space and time.

    >>> from fredholm.problems import Heat
    >>> frames = Frames(Heat(points=8, times=5))
    >>> [(round(float(inputs["t"]), 3), tuple(output.shape)) for inputs, output in frames.run(seed=0, index=0)][:2]
    [(0.1, (1, 8, 8)), (0.2, (1, 8, 8))]
    """

    def __init__(self, problem: Problem) -> None:
        *space, self.time = grid_axes(problem.output_domain)
        if not space or self.time.name in problem.signature.inputs:
            raise DataError(f"the output of {problem.name!r} has no axis of time behind its axes of space")
        self.problem, self.space = problem, Grid(*space)

    @property
    def description(self) -> Description:
        problem, time = self.problem, self.time
        signature = Signature(
            {**problem.signature.inputs, time.name: Parameter((Quantity(time.name, time.units),))},
            Function(problem.signature.output.channels, DomainType.of(self.space)),
        )
        about = {"name": problem.name, "parameters": problem.parameters(), "frames": time.size}
        return Description(signature, self.space, problem.input_domains, about)

    def run(self, seed: int, index: int) -> Iterator[Pair]:
        for inputs, output in Whole(self.problem).run(seed, index):
            for time, state in zip(self.time.points().float(), output.unbind(-1), strict=True):
                yield {**inputs, self.time.name: time[None]}, state.clone()

    def place(self, seed: int, index: int) -> Mapping[str, Tensor]:
        return Whole(self.problem).place(seed, index)


class Steps(Simulations):
    """Neighbouring states of a problem whose last axis is time: each but the last, and the one after it.

        G: (inputs, u(·, t)) -> u(·, t + dt)

    The state is the input function `state`. Raises DataError as `Frames` does.

    >>> from fredholm.problems import Heat
    >>> steps = Steps(Heat(points=8, times=5))
    >>> [(tuple(inputs["state"].shape), tuple(output.shape)) for inputs, output in steps.run(seed=0, index=0)][:2]
    [((1, 8, 8), (1, 8, 8)), ((1, 8, 8), (1, 8, 8))]
    """

    def __init__(self, problem: Problem) -> None:
        self.problem, self._frames = problem, Frames(problem)

    @property
    def description(self) -> Description:
        problem, space = self.problem, self._frames.space
        state = Function(problem.signature.output.channels, DomainType.of(space))
        signature = Signature({**problem.signature.inputs, "state": state}, state)
        about = {"name": problem.name, "parameters": problem.parameters(), "steps": self._frames.time.size - 1}
        return Description(signature, space, {**problem.input_domains, "state": space}, about)

    def run(self, seed: int, index: int) -> Iterator[Pair]:
        for (inputs, state), (_, following) in pairwise(self._frames.run(seed, index)):
            given = {name: inputs[name] for name in self.problem.signature.inputs}
            yield {**given, "state": state}, following

    def place(self, seed: int, index: int) -> Mapping[str, Tensor]:
        return Whole(self.problem).place(seed, index)


class Stepwise(Simulations):
    """A generator of your own, which yields samples while it runs.

    Args:
        simulate: (parameters, random) -> iterator of (inputs, output), dictionaries of arrays and arrays, with an axis
            of channels only where there is more than one.
        sampler: draws the parameters of one simulation from its own `numpy.random.Generator`.
        signature: of the samples.
        name: of what is simulated.
        output_domain: where outputs live; by default the grid of the signature.
        input_domains: likewise for input functions.

    >>> from fredholm.fields import Axis
    >>> line = DomainType.of(Grid(Axis("x", 0.0, 1.0, 4)))
    >>> def decay(parameters, random):
    ...     for t in range(3):
    ...         yield {"t": t}, parameters["start"] * 0.5**t * np.ones(4)
    >>> signature = Signature({"t": Parameter((Quantity("t"),))}, Function((Quantity("u"),), line))
    >>> runs = Stepwise(decay, lambda random: {"start": 8.0}, signature, name="decay")
    >>> [float(output[0, 0]) for _, output in runs.run(seed=0, index=0)]
    [8.0, 4.0, 2.0]
    """

    def __init__(
        self,
        simulate: Simulate,
        sampler: Draw,
        signature: Signature,
        *,
        name: str,
        output_domain: Domain | None = None,
        input_domains: Mapping[str, Domain] | None = None,
    ) -> None:
        self.simulate, self.sampler, self.name = simulate, sampler, name
        domain = output_domain or signature.output.domain.grid()
        self._description = Description(signature, domain, input_domains or {}, {"name": name})
        self._shape = (len(signature.output.channels), *domain.shape)

    @property
    def description(self) -> Description:
        return self._description

    def run(self, seed: int, index: int) -> Iterator[Pair]:
        random = np.random.default_rng([seed, index])
        parameters = self.sampler(random)
        signature = self._description.signature
        for inputs, output in self.simulate(parameters, random):
            given = {
                name: self._with_channels(signature.inputs[name], values)
                for name, values in inputs.items()
                if name in signature.inputs
            }
            signature.check({name: values[None] for name, values in given.items()}, finite=True)
            yield given, self._output(output)

    def place(self, seed: int, index: int) -> Mapping[str, Tensor]:
        """The parameters; raises DataError for one that is no number and no array of numbers."""
        parameters = self.sampler(np.random.default_rng([seed, index]))
        try:
            return {name: _float32(values) for name, values in parameters.items()}
        except (TypeError, ValueError) as error:
            raise DataError(f"the parameters of {self.name!r} are not all numbers, {parameters}: {error}") from error

    def _with_channels(self, entry: Function | Parameter, values: Any) -> Tensor:
        tensor = _float32(values)
        plain = 0 if isinstance(entry, Parameter) else len(entry.domain.shape or ())
        return tensor[None] if tensor.ndim == plain else tensor

    def _output(self, values: Any) -> Tensor:
        tensor = _float32(values)
        if tuple(tensor.shape) == self._shape[1:] and self._shape[0] == 1:
            tensor = tensor[None]
        if tuple(tensor.shape) != self._shape:
            raise SignatureError(f"{self.name!r} yields an output {tuple(tensor.shape)}; expected {self._shape}")
        return tensor


def _float32(values: Any) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32))
