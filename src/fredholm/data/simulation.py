"""A few samples of a problem in memory, solved at once: for what fits there and need not be kept."""

from fredholm.data.dataset import Dataset, Description
from fredholm.data.source import ArraySource
from fredholm.problems.problem import Problem


def simulate(problem: Problem, n: int, seed: int) -> Dataset:
    """Samples 0, ..., n - 1 of the sequence `seed`, with the problem on record as in a generated data set.

    >>> from fredholm.problems import Antiderivative
    >>> len(simulate(Antiderivative(), 3, seed=0))
    3
    """
    inputs = problem.sample(n, seed)
    about = {"name": problem.name, "parameters": problem.parameters()}
    description = Description(problem.signature, problem.output_domain, problem.input_domains, about)
    return Dataset(description, ArraySource(inputs, problem.solve(inputs), None, problem.labels(n, seed)))
