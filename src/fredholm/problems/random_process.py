"""What problems with a random process as input share: the process on [0, 1], of random length, by its modes.

The process g(x; ω) = Σᵢ ξᵢ √λᵢ φᵢ(x) is given by the functions √λᵢ φᵢ at m equidistant sensors, as the channels of one
input, and a path of it by the numbers ξ too.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.karhunen_loeve import karhunen_loeve
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Quantity, Signature
from fredholm.problems.problem import Problem, generator_of


class GivenProcess(Problem):
    """An operator from a process to functions on the same line."""

    axis: ClassVar[str]
    outputs: ClassVar[tuple[Quantity, ...]]

    sensors: int
    terms: int
    lengths: tuple[float, float]

    def __post_init__(self) -> None:
        if self.sensors < 4:
            raise ValueError(f"a cubic spline needs at least 4 sensors, got {self.sensors}")
        if not 1 <= self.terms <= 64:
            raise ValueError(f"the number of terms must lie in 1, ..., 64, got {self.terms}")
        shortest, longest = self.lengths
        if not max(0.05, 1 / (self.sensors - 1)) <= shortest <= longest < float("inf"):
            raise ValueError(
                f"correlation lengths {self.lengths} must ascend from at least 0.05 and the spacing "
                f"{1 / (self.sensors - 1):.3g} of {self.sensors} sensors"
            )

    @cached_property
    def line(self) -> Grid:
        """The sensors, equidistant on [0, 1]."""
        return Grid(Axis(self.axis, 0.0, 1.0, self.sensors))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"modes": self.line}

    @property
    def output_domain(self) -> Domain:
        return self.line

    @property
    def signature(self) -> Signature:
        line = DomainType.of(self.line)
        modes = tuple(Quantity(f"mode_{i}") for i in range(1, self.terms + 1))
        return Signature({"modes": Function(modes, line)}, Function(self.outputs, line))

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        return self._process([generator_of(seed, first + i) for i in range(n)])

    def labels(self, n: int, seed: int, first: int = 0) -> dict[str, Tensor]:
        """The correlation length of each sample's process."""
        return {"correlation_length": self._lengths([generator_of(seed, first + i) for i in range(n)]).float()[:, None]}

    def _process(self, generators: list[torch.Generator]) -> Inputs:
        modes = karhunen_loeve(self._lengths(generators), self.line.axes[0].points(), self.terms)
        return {"modes": modes.float()}

    def _lengths(self, generators: list[torch.Generator]) -> Float[Tensor, " n"]:
        shortest, longest = self.lengths
        uniform = [torch.rand((), generator=g, dtype=torch.float64) for g in generators]
        return shortest + (longest - shortest) * torch.stack(uniform)


class GivenProcessPath(GivenProcess):
    """An operator from a process and ξ to functions of the path that they make."""

    @property
    def signature(self) -> Signature:
        process = super().signature
        xi = Parameter(tuple(Quantity(f"xi_{i}") for i in range(1, self.terms + 1)))
        return Signature({**process.inputs, "xi": xi}, process.output)

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        generators = [generator_of(seed, first + i) for i in range(n)]
        process = self._process(generators)
        return process | {"xi": torch.stack([torch.randn(self.terms, generator=g) for g in generators])}

    @staticmethod
    def path(modes: Float[Tensor, "n k m"], xi: Float[Tensor, "n k"]) -> Float[Tensor, "n m"]:
        """Σᵢ ξᵢ √λᵢ φᵢ."""
        return (xi[:, :, None] * modes).sum(1)
