"""Flow into a tube: from inflow, fluid and shape to the developing flow.

    ∂u/∂t + u·∇u = -∇p/ρ + (μ/ρ) Δu,   ∇·u = 0 in (0, l) × (0, d)
    u = (U, 0) at x = 0,   p = 0 and ∂u/∂x = 0 at x = l,   u = 0 on the walls y = 0, d

Fluid enters evenly and sticks to the walls; layers grow from the inlet until they meet, after some 0.06 Re diameters
(Re = ρ U d / μ), and leave the parabola 6 U (y/d)(1 - y/d). U [m/s], ρ [kg/m³], μ [Pa s], d (`height`) and l (`width`)
[m] make a case. Velocities are known at n × n cells' centres; the reference is a projection method on a staggered grid,
second order in space.

One fluid fills the tube from the start. In the published data water enters a tube full of air: theirs has a front that
moves with the flow, this has not.

Source: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023.
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
from fredholm.solvers.flow_sides import Inflow, Outflow
from fredholm.solvers.incompressible import IncompressibleSolver

_BASE = {"vel_in": 1.0, "density": 100.0, "viscosity": 0.1, "height": 0.1, "width": 1.0}


@dataclass(frozen=True)
class TubeFlow(BenchmarkFlow):
    """Flow that develops behind the inlet of a plane tube.

    >>> problem = TubeFlow(points=16, frames=3)
    >>> problem.solve(problem.sample(2, seed=0)).shape
    torch.Size([2, 2, 3, 16, 16])
    """

    name: ClassVar[str] = "tube"
    summary: ClassVar[str] = "developing flow in a tube: inflow, fluid and shape -> velocity over time"
    components: ClassVar[tuple[Quantity, ...]] = (
        Quantity("vel_in", "m/s"),
        Quantity("density", "kg/m3"),
        Quantity("viscosity", "Pa s"),
        Quantity("height", "m"),
        Quantity("width", "m"),
    )

    step: float = 0.05

    def cases(self, subset: Subset) -> list[dict[str, float]]:
        """24 inflows; 4 densities × 6 viscosities; 4 diameters × 4 aspect ratios. Re from 2 to 400."""
        if subset == "bc":
            varied = [{"vel_in": round(0.1 * tenths, 1)} for tenths in range(1, 25)]
        elif subset == "prop":
            fluids = product((20.0, 50.0, 100.0, 200.0), (0.05, 0.1, 0.2, 0.3, 0.5, 1.0))
            varied = [{"density": density, "viscosity": viscosity} for density, viscosity in fluids]
        else:
            shapes = product((0.05, 0.1, 0.15, 0.2), (4.0, 6.0, 10.0, 15.0))
            varied = [{"height": diameter, "width": round(aspect * diameter, 6)} for diameter, aspect in shapes]
        return [_BASE | change for change in varied]

    def draw(self, generator: torch.Generator) -> dict[str, float]:
        """Reynolds numbers of the length from 100 to 4000, or to what the points resolve."""
        speed, density = draw_between(generator, 0.1, 2.4), draw_between(generator, 20.0, 200.0)
        diameter = draw_between(generator, 0.05, 0.2)
        length = diameter * draw_between(generator, 4.0, 15.0)
        reynolds = draw_between(generator, 100.0, min(4000.0, 0.99 * self.points**2))
        viscosity = density * speed * length / reynolds
        return {"vel_in": speed, "density": density, "viscosity": viscosity, "height": diameter, "width": length}

    def require(self, case: Mapping[str, float]) -> None:
        self._solver(case)

    def trajectory(self, case: Mapping[str, float]) -> Float[ndarray, "frames 2 rows columns"]:
        return self._solver(case).solve(self.times)

    def _solver(self, case: Mapping[str, float]) -> IncompressibleSolver:
        require_positive(case, self.components)
        return IncompressibleSolver(
            (self.points,) * 2,
            (case["height"], case["width"]),
            case["viscosity"] / case["density"],
            west=Inflow(case["vel_in"]),
            east=Outflow(),
        )
