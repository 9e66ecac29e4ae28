"""Problems: an operator to learn, with the solver that is its reference.

A problem states its signature, draws its inputs and solves for its output. Sample i of the sequence `seed` depends on
(seed, i) alone, so that a data set may be generated in any order, in pieces, and again.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from fredholm.errors import SolverError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Inputs, Signature

if TYPE_CHECKING:
    from fredholm.problems.custom import CustomProblem, Draw, Solver


class Problem(ABC):
    """A thing to learn: signature, sampler, reference solver.

    A subclass is a frozen dataclass of physical parameters and states the members below.
    """

    name: ClassVar[str]
    summary: ClassVar[str]  # one line for listings
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # a misspelt parameter is an error

    @property
    @abstractmethod
    def input_domains(self) -> Mapping[str, Domain]:
        """The domain of every input function."""

    @property
    @abstractmethod
    def output_domain(self) -> Domain:
        """The domain on which `solve` answers.

        Where the signature says that it varies from sample to sample, an example of it, with as many points as the
        input function that varies alike; `solve` answers at the points of that function, `name.coordinates`.
        """

    @property
    @abstractmethod
    def signature(self) -> Signature:
        """Typed inputs and output."""

    @abstractmethod
    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        """Inputs first, ..., first + n - 1 of the sequence `seed`, each tensor (n, ...)."""

    @abstractmethod
    def solve(self, inputs: Inputs) -> Tensor:
        """Reference output (n, channels, *output_domain.shape) of the inputs."""

    def attempt(self, inputs: Inputs) -> tuple[Tensor, dict[int, str]]:
        """The output of every sample, NaN where it cannot be solved for, and the reason for each of those.

        A sample fails by a SolverError of `solve`, which is then asked for the others, or by a solution that is not
        finite. Samples do not depend on each other, so that the rest is as if the failed ones had not been there.
        """
        count = len(next(iter(inputs.values())))
        left, failures = torch.arange(count), dict[int, str]()
        solved: Tensor | None = None
        while len(left) and solved is None:
            try:
                solved = self.solve({name: values[left] for name, values in inputs.items()} if failures else inputs)
            except SolverError as error:
                failures[int(left[error.sample])] = error.reason
                left = torch.cat([left[: error.sample], left[error.sample + 1 :]])
        shape = (len(self.signature.output.channels), *self.output_domain.shape) if solved is None else solved.shape[1:]
        output = torch.full((count, *shape), torch.nan)
        if solved is not None:
            output[left] = solved.to(output)
            wild = left[~torch.isfinite(solved.flatten(1)).all(1)].tolist()
            failures |= dict.fromkeys(wild, "its solution is not finite")
        return output, dict(sorted(failures.items()))

    @staticmethod
    def from_solver(
        solver: "Solver",
        sampler: "Draw",
        signature: Signature,
        *,
        name: str,
        output_domain: Domain | None = None,
        input_domains: Mapping[str, Domain] | None = None,
        batched: bool = False,
        parameters: Mapping[str, Any] | None = None,
    ) -> "CustomProblem":
        """A problem of any solver: a function of NumPy arrays, or a program (`ExternalCommand`).

        Args:
            solver: {name: array} of one sample (or, if `batched`, of many) -> output array. It fails on a sample by
                raising SolverError or ArithmeticError, or by an answer that is not finite.
            sampler: draws {name: array} of one sample from a `numpy.random.Generator`, which is that sample's own.
            signature: what goes in and comes out.
            name: recorded with every data set.
            output_domain: where the output lives; by default the grid of the signature. A masked grid, a mesh or a
                cloud must be given.
            input_domains: likewise for the input functions.
            batched: the solver takes and returns arrays with an axis of samples in front.
            parameters: numbers to record with every data set, which tell problems of one name apart.

        Arrays have an axis of channels only where there is more than one channel. Functions that worker processes are
        to import must stand in a module, not in the running script.

        >>> import numpy as np
        >>> from fredholm.fields import Axis, DomainType, Function, Grid, Quantity
        >>> line = DomainType.of(Grid(Axis("x", 0.0, 1.0, 8)))
        >>> signature = Signature({"v": Function((Quantity("v"),), line)}, Function((Quantity("u"),), line))
        >>> problem = Problem.from_solver(
        ...     lambda inputs: np.cumsum(inputs["v"]) / 8,
        ...     lambda random: {"v": random.standard_normal(8)},
        ...     signature,
        ...     name="sums",
        ... )
        >>> problem.solve(problem.sample(3, seed=0)).shape
        torch.Size([3, 1, 8])
        """
        from fredholm.problems.custom import custom_problem

        return custom_problem(
            solver,
            sampler,
            signature,
            name=name,
            output_domain=output_domain,
            input_domains=input_domains,
            batched=batched,
            parameters=parameters,
        )

    def coarsened(self, factor: float) -> "Problem | None":
        """The same problem for a solver on points `factor` times as far apart, cheaper and less accurate.

        By it a solver is timed at the accuracy of a surrogate. None, if a problem has no such version; raises
        ValueError where the grid cannot be that coarse.
        """
        return None

    def labels(self, n: int, seed: int, first: int = 0) -> dict[str, Tensor]:
        """Small numbers (n, ...) from which `sample` made the same inputs, such as a position."""
        return {}

    def parameters(self) -> dict[str, Any]:
        """The physical parameters as JSON, recorded with every data set."""
        from dataclasses import asdict

        return asdict(self)  # type: ignore[call-overload]


class StrongForm(ABC):
    """A problem whose equation can be evaluated on any field, solved or predicted."""

    @abstractmethod
    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """What is left of the equation, (n, equations, *shape), in its units.

        Zero for the exact solution, up to the order of the differences that stand for derivatives; differentiable.
        """


class Conserving(ABC):
    """A problem in which integrals of the state are kept, or change by what its inputs say."""

    @abstractmethod
    def imbalance(self, inputs: Inputs, output: Tensor) -> Tensor:
        """What each integral's mean over the domain has gained for no reason, (n, integrals), in the output's units.

        Zero for the exact solution.
        """


def fewer(points: int, factor: float) -> int:
    """Points of an axis that are `factor` times as far apart; raises ValueError for fewer than 4.

    >>> fewer(64, 2.5)
    26
    """
    count = round(points / factor)
    if count < 4:
        raise ValueError(f"{points} points cannot be {factor:g} times as far apart: fewer than 4 would be left")
    return count


def generator_of(seed: int, index: int) -> torch.Generator:
    """The random generator of sample `index` of the sequence `seed`: equal arguments, equal draws.

    Seed and index are mixed by NumPy's SeedSequence, so that neighbouring samples are independent.
    """
    import numpy as np

    state = np.random.SeedSequence([seed, index]).generate_state(1, dtype=np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))
