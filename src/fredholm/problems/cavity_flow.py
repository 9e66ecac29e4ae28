"""Lid-driven cavity: from lid, fluid and box to the flow in it.

    ∂u/∂t + u·∇u = -∇p/ρ + (μ/ρ) Δu,   ∇·u = 0 in (0, w) × (0, h),   u = (U, 0) on the lid y = h,   0 on the other walls

The fluid starts at rest; U [m/s], ρ [kg/m³], μ [Pa s], h and w [m] make a case, whose Reynolds number ρ U w / μ decides
on the flow: one vortex, which sits higher and nearer to the right the slower the flow, with weak ones in the lower
corners. Velocities are known at n × n cells' centres at equidistant times. The reference is a projection method on a
staggered grid, second order in space; Reynolds numbers beyond n² are refused, as n cells do not resolve their layers.

Source: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023;
Ghia, Ghia, Shin, J. Comput. Phys. 48 (1982), for the flow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import torch
from jaxtyping import Float
from numpy import ndarray

from fredholm.fields.signature import Quantity
from fredholm.problems.benchmark_flow import BenchmarkFlow, Subset, draw_between, require_positive
from fredholm.solvers.flow_sides import Wall
from fredholm.solvers.incompressible import IncompressibleSolver

_BASE = {"vel_top": 8.0, "density": 1.0, "viscosity": 0.01, "height": 0.32, "width": 0.32}


@dataclass(frozen=True)
class CavityFlow(BenchmarkFlow):
    """Flow under a sliding lid.

    >>> problem = CavityFlow(points=16, frames=3)
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 2, 3, 16, 16])
    """

    name: ClassVar[str] = "cavity"
    summary: ClassVar[str] = "lid-driven cavity: lid speed, fluid and box -> velocity over time"
    components: ClassVar[tuple[Quantity, ...]] = (
        Quantity("vel_top", "m/s"),
        Quantity("density", "kg/m3"),
        Quantity("viscosity", "Pa s"),
        Quantity("height", "m"),
        Quantity("width", "m"),
    )

    def cases(self, subset: Subset) -> list[dict[str, float]]:
        """24 lid speeds; 4 densities × 6 viscosities; 4 heights × 4 widths. Reynolds numbers from 6 to 1024."""
        if subset == "bc":
            varied = [{"vel_top": float(speed)} for speed in range(1, 25)]
        elif subset == "prop":
            fluids = product((0.5, 1.0, 2.0, 4.0), (0.01, 0.02, 0.03, 0.05, 0.1, 0.2))
            varied = [{"density": density, "viscosity": viscosity} for density, viscosity in fluids]
        else:
            boxes = product((0.16, 0.24, 0.32, 0.4), repeat=2)
            varied = [{"height": height, "width": width} for height, width in boxes]
        return [_BASE | change for change in varied]

    def draw(self, generator: torch.Generator) -> dict[str, float]:
        """Reynolds numbers of the larger side from 10 to 1000, or to what the points resolve."""
        speed, density = draw_between(generator, 1.0, 24.0), draw_between(generator, 0.5, 4.0)
        height, width = draw_between(generator, 0.16, 0.4), draw_between(generator, 0.16, 0.4)
        reynolds = draw_between(generator, 10.0, min(1000.0, 0.99 * self.points**2))
        viscosity = density * speed * max(height, width) / reynolds
        return {"vel_top": speed, "density": density, "viscosity": viscosity, "height": height, "width": width}

    def require(self, case: Mapping[str, float]) -> None:
        self._solver(case)

    def trajectory(self, case: Mapping[str, float]) -> Float[ndarray, "frames 2 rows columns"]:
        return self._solver(case).solve(self.times)

    def _solver(self, case: Mapping[str, float]) -> IncompressibleSolver:
        require_positive(case, self.components)
        extent, lid = (case["height"], case["width"]), Wall(case["vel_top"])
        return IncompressibleSolver((self.points,) * 2, extent, case["viscosity"] / case["density"], north=lid)
