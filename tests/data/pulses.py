"""A toy problem with a closed-form solution, in a module that worker processes can import."""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from fredholm.errors import SolverError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Quantity, Signature
from fredholm.problems.problem import Problem, generator_of


@dataclass(frozen=True)
class Pulses(Problem):
    """Advection on the circle: u_t + c u_x = 0, u(x, 0) = exp(cos(2π(x - x₀))), so u(x, t) = u(x - c t, 0).

    `bad` is a sample that solves to NaN, `delay` are seconds that each sample takes.
    """

    name: ClassVar[str] = "pulses"
    summary: ClassVar[str] = "advection of a pulse on the circle"

    size: int = 16
    times: int = 5
    speed: float = 1.0
    damping: float = math.inf  # of the wall: only to have a number in the parameters that JSON lacks
    scale: float = 1.0
    bad: int = -1
    delay: float = 0.0

    @cached_property
    def circle(self) -> Grid:
        return Grid(Axis("x", 0.0, 1.0, self.size, units="m", periodic=True))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"u": Grid(Axis("x", 0.0, 1.0, self.size // 2, units="m", periodic=True))}

    @cached_property
    def output_domain(self) -> Domain:
        return self.circle * Grid(Axis("t", 0.0, 1.0, self.times, units="s"))

    @property
    def signature(self) -> Signature:
        height = (Quantity("height", "m"),)
        return Signature(
            {
                "u": Function(height, DomainType.of(self.input_domains["u"])),
                "place": Parameter((Quantity("x0", "m"), Quantity("index"))),
            },
            Function(height, DomainType.of(self.output_domain)),
        )

    def labels(self, n: int, seed: int, first: int = 0) -> dict[str, Tensor]:
        return {"x0": torch.stack([torch.rand(1, generator=generator_of(seed, first + i)) for i in range(n)])}

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        x0 = self.labels(n, seed, first)["x0"]
        x = self.input_domains["u"].coordinates()[:, 0]
        u = torch.exp(torch.cos(2 * math.pi * (x - x0))).float().unsqueeze(1)
        index = torch.arange(first, first + n)[:, None]
        return {"u": u, "place": torch.cat([x0, index], 1).float()}

    def exact(self, x0: Tensor) -> Tensor:
        """(n, 1, size, times)."""
        x, t = self.output_domain.coordinates().T
        values = self.scale * torch.exp(torch.cos(2 * math.pi * (x - self.speed * t - x0[:, :1].double())))
        return values.reshape(len(x0), 1, *self.output_domain.shape).float()

    def solve(self, inputs: Inputs) -> Tensor:
        time.sleep(self.delay * len(inputs["u"]))
        values = self.exact(inputs["place"])
        values[inputs["place"][:, 1] == self.bad] = math.nan
        return values


@dataclass(frozen=True)
class Fragile(Pulses):
    """Its solver gives up on every third sample, naming it, and `bad` solves to NaN."""

    name: ClassVar[str] = "fragile"

    def solve(self, inputs: Inputs) -> Tensor:
        broken = (inputs["place"][:, 1] % 3 == 2).nonzero()[:, 0].tolist()
        if broken:
            raise SolverError(broken[0], f"pulse {int(inputs['place'][broken[0], 1])} has burst")
        return super().solve(inputs)


@dataclass(frozen=True)
class Counted(Pulses):
    """Writes down how many samples it is asked to solve for at once, and answers with zeros."""

    name: ClassVar[str] = "counted"
    log: str = ""

    def solve(self, inputs: Inputs) -> Tensor:
        with open(self.log, "a") as file:
            file.write(f"{len(inputs['u'])}\n")
        return torch.zeros(len(inputs["u"]), 1, *self.output_domain.shape)


@dataclass(frozen=True)
class Hopeless(Pulses):
    """Its solver gives up on every sample, unless the file `cure` exists."""

    name: ClassVar[str] = "hopeless"
    cure: str = "no such file"

    def solve(self, inputs: Inputs) -> Tensor:
        if not Path(self.cure).exists():
            raise SolverError(0, "no pulse ever holds")
        return super().solve(inputs)


@dataclass(frozen=True)
class Fatal(Pulses):
    """Ends the process that solves it, as the operating system does where memory runs out."""

    name: ClassVar[str] = "fatal"

    def solve(self, inputs: Inputs) -> Tensor:
        os.kill(os.getpid(), 9)
        raise AssertionError
