"""Flows of a benchmark: a case of operating parameters, and the velocity of its trajectory from rest.

A case is a few numbers: a velocity at the boundary, a density, a viscosity and lengths. Learning is from cases to
trajectories, or from one frame and the case to the next frame; the question is how far either carries over to cases of
another boundary velocity ("bc"), another fluid ("prop") or another shape ("geo"). A subset varies one of these three
while the others stay at the base case.

Source: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023.
Its cases were solved for by a commercial code, with turbulence models where they are turbulent; these here are smaller,
laminar, and solved for by the solvers of this toolkit.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor

from fredholm.errors import SolverError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Quantity, Signature
from fredholm.problems.problem import Problem, fewer, generator_of

Subset = Literal["prop", "bc", "geo"]
SUBSETS: tuple[Subset, ...] = ("prop", "bc", "geo")  # in the order in which the benchmark joins them
VELOCITY = (Quantity("u", "m/s"), Quantity("v", "m/s"))


@dataclass(frozen=True)
class BenchmarkFlow(Problem):
    """One of the benchmark's problems: from the numbers of a case to its velocity on frames × rows × columns.

    Args:
        points: rows and columns of a frame; they are the cells' centres, y and x in units of height and width.
        frames: of a trajectory, the first at the start.
        step: time between frames.

    A subclass names the components of a case, lists the cases of each subset, and solves one.
    """

    components: ClassVar[tuple[Quantity, ...]]

    points: int = 64
    frames: int = 25
    step: float = 0.02

    def __post_init__(self) -> None:
        if self.points < 8 or self.frames < 2 or not 0 < self.step < math.inf:
            raise ValueError(
                f"a trajectory needs at least 8 points and 2 frames, and a positive step; got {self.points} points, "
                f"{self.frames} frames and a step of {self.step}"
            )

    @abstractmethod
    def cases(self, subset: Subset) -> list[dict[str, float]]:
        """The cases of a subset, in the benchmark's order."""

    @abstractmethod
    def draw(self, generator: torch.Generator) -> dict[str, float]:
        """A case at random, among those that the points resolve."""

    @abstractmethod
    def require(self, case: Mapping[str, float]) -> None:
        """Raise ValueError naming the limit that a case breaks: it is no case, or the points do not resolve it."""

    @abstractmethod
    def trajectory(self, case: Mapping[str, float]) -> Float[ndarray, "frames 2 rows columns"]:
        """(u, v) of a case at all frames; zero inside solids. Raises ValueError as `require`, and SolverError."""

    def stored(self, case: Mapping[str, float]) -> dict[str, float]:
        """The numbers of a case as the benchmark's files have them."""
        return dict(case)

    def mask(self, case: Mapping[str, float]) -> Bool[ndarray, "rows columns"]:
        """Where a case has fluid: everywhere, unless it has an obstacle."""
        return np.ones((self.points, self.points), bool)

    @cached_property
    def frame(self) -> Grid:
        """The points of a frame."""
        half = 0.5 / self.points
        return Grid(*(Axis(name, half, 1 - half, self.points) for name in ("y", "x")))

    @property
    def times(self) -> list[float]:
        """The times of the frames."""
        return [self.step * frame for frame in range(self.frames)]

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {}

    @cached_property
    def output_domain(self) -> Domain:
        return Grid(Axis("t", 0.0, self.times[-1], self.frames, units="s"), *self.frame.axes)

    @property
    def signature(self) -> Signature:
        return Signature({"case": Parameter(self.components)}, Function(VELOCITY, DomainType.of(self.output_domain)))

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        drawn = [self.draw(generator_of(seed, first + i)) for i in range(n)]
        return {"case": torch.tensor([[case[q.name] for q in self.components] for case in drawn])}

    def coarsened(self, factor: float) -> "BenchmarkFlow":
        return replace(self, points=fewer(self.points, factor))

    def solve(self, inputs: Inputs) -> Tensor:
        """Velocity (n, 2, frames, rows, columns); raises SolverError naming a sample that cannot be resolved."""
        self.signature.check(inputs, finite=True)
        solved = []
        for sample, values in enumerate(inputs["case"].tolist()):
            case = {quantity.name: value for quantity, value in zip(self.components, values, strict=True)}
            try:
                solved.append(self.trajectory(case))
            except SolverError as error:
                raise SolverError(sample, error.reason) from error
            except ValueError as error:
                raise SolverError(sample, str(error)) from error
        return torch.from_numpy(np.stack(solved)).float().transpose(1, 2)


def require_positive(case: Mapping[str, float], components: tuple[Quantity, ...]) -> None:
    """Raise ValueError naming what a case lacks or has too much of, or the component that is not positive."""
    names = [quantity.name for quantity in components]
    if set(case) != set(names):
        raise ValueError(f"a case has the numbers {names}, got {sorted(case)}")
    for name in names:
        if not 0 < case[name] < math.inf:
            raise ValueError(f"{name} = {case[name]} of a case must be positive and finite")


def draw_between(generator: torch.Generator, lower: float, upper: float) -> float:
    """A number between two positive ones, its logarithm uniform."""
    share = float(torch.rand((), generator=generator, dtype=torch.float64))
    return lower * (upper / lower) ** share


def cell_averages(
    values: Float[ndarray, "*fields ny nx"], spacing: float, extent: tuple[float, float], points: int
) -> Float[ndarray, "*fields rows columns"]:
    """Means over the points × points cells of a box of what is constant on square cells of another size."""
    for length in reversed(extent):  # of the last axis, then of the one before
        values = _averages(values, spacing, length, points).swapaxes(-1, -2)
    return values


def _averages(
    values: Float[ndarray, "*fields n"], spacing: float, length: float, points: int
) -> Float[ndarray, "*fields m"]:
    n = values.shape[-1]
    integral = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, -1)], -1)
    edges = np.clip(np.linspace(0, length, points + 1) / spacing, 0, n)
    cell = np.minimum(edges.astype(int), n - 1)
    at_edges = integral[..., cell] + (edges - cell) * values[..., cell]
    return np.diff(at_edges, axis=-1) * (spacing * points / length)
