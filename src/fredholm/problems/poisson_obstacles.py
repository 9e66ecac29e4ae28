"""Poisson's equation around obstacles, in two or three dimensions: from sources and obstacles to the pressure.

    -Δp = f  in (0, 1)ᵈ less the obstacles,   p = 0 at the walls,   ∂p/∂n = 0 at the obstacles

It is what a projection onto flows without divergence solves, in a box open to all sides in which solid bodies stand. f
is a pair of a source and a sink, a smooth random field, or noise in every cell. The operator maps f and the mask
of the fluid, on the nᵈ cells of a uniform grid, to p there, zero in the obstacles. The reference is a finite-volume
scheme, first order beside obstacles, by conjugate gradients that the solution without obstacles preconditions. Cells
that obstacles cut off from the walls count as obstacles. Lengths are in units of the side, p in those of f.

Source: Kaneda, Akar, Chen, Kala, Hyde, Teran, "A deep conjugate direction method for iteratively solving linear
systems", ICML 2023.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from jaxtyping import Bool
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.random_fields import CellNeumannGaussianField
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.problems.masks import inside_of
from fredholm.problems.obstacles import Balls, Boxes, Obstacle, Stars
from fredholm.problems.problem import Problem, StrongForm, generator_of

_WIDTH = 0.05  # of a source and a sink


@dataclass(frozen=True)
class PoissonObstacles(Problem, StrongForm):
    """-Δp = f around random closed obstacles in an open box.

    Args:
        points: n, cells along each side.
        dimension: d, 2 or 3.
        obstacles: each sample draws one kind, all equally likely.
        correlation_length: of smooth sources.

    >>> problem = PoissonObstacles(points=20)
    >>> inputs = problem.sample(2, seed=0)
    >>> {name: tuple(values.shape) for name, values in inputs.items()}
    {'source': (2, 1, 20, 20), 'mask': (2, 1, 20, 20)}
    >>> problem.solve(inputs).shape
    torch.Size([2, 1, 20, 20])
    """

    name: ClassVar[str] = "poisson-obstacles"
    summary: ClassVar[str] = "-Δp = f around closed obstacles in 2-D or 3-D: source, mask -> pressure"

    points: int = 64
    dimension: int = 2
    obstacles: tuple[Obstacle, ...] = (Balls(), Boxes(), Stars())
    correlation_length: float = 0.1

    def __post_init__(self) -> None:
        if self.dimension not in (2, 3):
            raise ValueError(f"a box of 2 or 3 dimensions is needed, got {self.dimension}")
        if not self.obstacles:
            raise ValueError("a kind of obstacle is needed, got no obstacles")
        smallest = min(obstacle.radius[0] for obstacle in self.obstacles)
        if not smallest * self.points >= 1:
            raise ValueError(f"obstacles of radius {smallest} are narrower than two of {self.points} cells: take more")
        if not self.correlation_length * self.points >= 2:
            raise ValueError(f"correlation length {self.correlation_length} is less than two of {self.points} cells")

    @cached_property
    def grid(self) -> Grid:
        """The cells' centres (i + ½) / n."""
        half = 0.5 / self.points
        return Grid(*(Axis(name, half, 1 - half, self.points) for name in "xyz"[: self.dimension]))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"source": self.grid, "mask": self.grid}

    @property
    def output_domain(self) -> Domain:
        return self.grid

    @property
    def signature(self) -> Signature:
        box = DomainType.of(self.grid)
        inputs = {name: Function((Quantity(name),), box) for name in ("source", "mask")}
        return Signature(inputs, Function((Quantity("pressure"),), box))

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        points = self.grid.coordinates()
        masks, sources = [], []
        for generator in (generator_of(seed, first + i) for i in range(n)):
            kind = self.obstacles[int(torch.randint(len(self.obstacles), (), generator=generator))]
            masks.append(_reached(~kind.covers(points, generator).reshape(self.grid.shape)))
            sources.append(self._source(generator))
        inside = torch.stack(masks)
        return {"source": (torch.stack(sources) * inside).float().unsqueeze(1), "mask": inside.float().unsqueeze(1)}

    def solve(self, inputs: Inputs) -> Tensor:
        """Pressure around any obstacles; raises SolverError where they cut fluid off from all walls."""
        from fredholm.solvers.finite_volume_diffusion import CLOSED
        from fredholm.solvers.poisson import PoissonSolver

        self.signature.check(inputs, finite=True)
        inside = inside_of(inputs["mask"])[:, 0].numpy()
        solver = PoissonSolver((1.0,) * self.dimension, obstacle=CLOSED)
        pressure = solver.solve(inputs["source"][:, 0].double().numpy(), inside)
        return torch.from_numpy(pressure).float().unsqueeze(1)

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """-Δp - f in the fluid and p in obstacles, (n, 1, *cells), by the fluxes through the cells' faces."""
        from fredholm.solvers.finite_volume_diffusion import CLOSED, FiniteVolumeDiffusion

        inside = inside_of(inputs["mask"])
        diffusion = FiniteVolumeDiffusion((1.0,) * self.dimension, obstacle=CLOSED)
        applied = diffusion.stencil(torch.ones_like(output), inside).apply(output)
        return torch.where(inside, applied - inputs["source"], output)

    def _source(self, generator: torch.Generator) -> Tensor:
        """One of three kinds."""
        kind = int(torch.randint(3, (), generator=generator))
        if kind == 0:  # a source and a sink, whose sum is zero but for the walls
            ends = torch.rand(2, self.dimension, generator=generator, dtype=torch.float64)
            squares = (self.grid.coordinates()[:, None] - ends).square().sum(-1)
            bumps = torch.exp(-squares / (2 * _WIDTH**2))
            return (bumps[:, 0] - bumps[:, 1]).reshape(self.grid.shape)
        if kind == 1:
            exponent = 2 + self.dimension / 2  # twice differentiable
            field = CellNeumannGaussianField.standard(self.grid, exponent, 2 / self.correlation_length)
            return field.sample_each([generator])[0]
        return torch.randn(self.grid.shape, generator=generator, dtype=torch.float64)


def _reached(fluid: Bool[Tensor, "*cells"]) -> Bool[Tensor, "*cells"]:
    """Fluid cells that are connected with a wall of the box, across faces."""
    from scipy.ndimage import label

    regions, _ = label(fluid.numpy())
    labels = torch.from_numpy(regions)
    ends = [labels.select(axis, end) for axis in range(labels.ndim) for end in (0, -1)]
    open_regions = torch.cat([end.reshape(-1) for end in ends]).unique()
    return fluid & torch.isin(labels, open_regions)
