"""A few samples of a problem in memory, solved at once: for what fits there and need not be kept."""

import torch

from fredholm.data.dataset import Dataset, Description
from fredholm.data.failures import warn
from fredholm.data.source import ArraySource
from fredholm.errors import DataError
from fredholm.problems.problem import Problem


def simulate(problem: Problem, n: int, seed: int) -> Dataset:
    """Samples 0, ..., n - 1 of the sequence `seed`, with the problem on record as in a generated data set.

    Those that cannot be solved for are left out with a warning; raises DataError if that is all of them.

    >>> from fredholm.problems import Antiderivative
    >>> len(simulate(Antiderivative(), 3, seed=0))
    3
    """
    inputs = problem.sample(n, seed)
    outputs, failures = problem.attempt(inputs)
    if len(failures) == n:
        raise DataError(f"not one of {n} samples of seed {seed} can be solved for; sample 0: {failures[0]}")
    warn(failures, n, seed)
    about = {"name": problem.name, "parameters": problem.parameters()}
    description = Description(problem.signature, problem.output_domain, problem.input_domains, about, failures)
    rows = torch.tensor([row for row in range(n) if row not in failures]) if failures else None
    return Dataset(description, ArraySource(inputs, outputs, None, problem.labels(n, seed)), rows)
