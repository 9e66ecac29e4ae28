"""Darcy flow in parts of a square: from the permeability and the shape to the pressure.

    -div(k grad p) = 1  in Ω ⊂ (0, 1)²,   p = 0 on the boundary of Ω

Ω is a square, a disk or a triangle (an L to transfer to); log k is a Gaussian field on the whole square. The operator
maps log k and the mask of Ω, both on the n × n cells of a uniform grid, to the pressure there, zero outside Ω. The
reference is a finite-volume scheme on the cells whose centres lie in Ω: first order where its boundary crosses cells.
One network that learns all shapes at once is a multi-task problem: the mask tells it which, and cuts its answer.
Lengths are in units of the side, k and p of the source.

Source: Kumar, Goswami, Kontolati, Shields, Karniadakis, "Synergistic learning with multi-task DeepONet for efficient
PDE problem solving", Neural Networks 184 (2025).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.problems.masks import inside_of
from fredholm.problems.media import LogNormal
from fredholm.problems.plane_shapes import Disk, PlaneShape, SquarePlate, Triangle
from fredholm.problems.problem import Problem, StrongForm, generator_of


@dataclass(frozen=True)
class DarcyShapes(Problem, StrongForm):
    """-div(k grad p) = 1 in one of several parts of the unit square, with p = 0 around it.

    Args:
        points: n, cells along each side of the square.
        shapes: each sample draws one of them, all equally likely.
        deviation: of log k.
        correlation_length: of log k.

    >>> problem = DarcyShapes(points=24)
    >>> inputs = problem.sample(2, seed=0)
    >>> {name: tuple(values.shape) for name, values in inputs.items()}
    {'log_permeability': (2, 1, 24, 24), 'mask': (2, 1, 24, 24)}
    >>> problem.solve(inputs).shape
    torch.Size([2, 1, 24, 24])
    """

    name: ClassVar[str] = "darcy-shapes"
    summary: ClassVar[str] = "-div(k grad p) = 1 in parts of a square: log k, mask -> pressure"

    points: int = 48
    shapes: tuple[PlaneShape, ...] = (SquarePlate(), Disk(), Triangle())
    deviation: float = 0.5
    correlation_length: float = 0.2

    def __post_init__(self) -> None:
        self._medium.require_resolved(self.grid)
        if not self.shapes:
            raise ValueError("a part of the square is needed, got no shapes")
        for shape, mask in zip(self.shapes, self._masks, strict=True):
            if not mask.any():
                raise ValueError(f"{shape} holds the centre of none of {self.points} x {self.points} cells")

    @cached_property
    def grid(self) -> Grid:
        """The cells' centres (i + ½) / n."""
        half = 0.5 / self.points
        return Grid(*(Axis(name, half, 1 - half, self.points) for name in ("x", "y")))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"log_permeability": self.grid, "mask": self.grid}

    @property
    def output_domain(self) -> Domain:
        return self.grid

    @property
    def signature(self) -> Signature:
        square = DomainType.of(self.grid)
        inputs = {name: Function((Quantity(name),), square) for name in ("log_permeability", "mask")}
        return Signature(inputs, Function((Quantity("pressure"),), square))

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        generators = [generator_of(seed, first + i) for i in range(n)]
        masks = [self._masks[self._shape(g)] for g in generators]
        return {
            "log_permeability": self._medium.sample(self.grid, generators).log().float().unsqueeze(1),
            "mask": torch.stack(masks).float().unsqueeze(1),
        }

    def labels(self, n: int, seed: int, first: int = 0) -> dict[str, Tensor]:
        """Which of `shapes` each sample has, (n, 1)."""
        return {"shape": torch.tensor([[self._shape(generator_of(seed, first + i))] for i in range(n)])}

    def solve(self, inputs: Inputs) -> Tensor:
        """Pressure for any permeabilities and any masks of zeros and ones; raises SignatureError for others."""
        from fredholm.solvers.finite_volume_diffusion import FiniteVolumeDiffusion

        self.signature.check(inputs, finite=True)
        inside = inside_of(inputs["mask"])[:, 0].numpy()
        permeability = inputs["log_permeability"][:, 0].double().exp().numpy()
        pressure = FiniteVolumeDiffusion((1.0, 1.0)).solve(permeability, np.ones_like(permeability), inside)
        return torch.from_numpy(pressure).float().unsqueeze(1)

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """-div(k grad p) - 1 in the part and p outside it, (n, 1, *cells), by the fluxes through the cells' faces."""
        from fredholm.solvers.finite_volume_diffusion import FiniteVolumeDiffusion

        inside = inside_of(inputs["mask"])
        stencil = FiniteVolumeDiffusion((1.0, 1.0)).stencil(inputs["log_permeability"].exp(), inside)
        return torch.where(inside, stencil.apply(output) - 1, output)

    @cached_property
    def _masks(self) -> list[Bool[Tensor, "n n"]]:
        return [shape.inside(self.grid.coordinates()).reshape(self.grid.shape) for shape in self.shapes]

    @property
    def _medium(self) -> LogNormal:
        return LogNormal(1.0, self.deviation, self.correlation_length)

    def _shape(self, generator: torch.Generator) -> int:
        return int(torch.randint(len(self.shapes), (), generator=generator))
