"""Flow past a cylinder: from inflow, fluid and geometry to the wake.

    ∂u/∂t + u·∇u = -∇p/ρ + (μ/ρ) Δu,   ∇·u = 0 in a box around a disk of radius r
    u = (U, 0) at the inlet,   p = 0 at the outlet,   u = 0 on the disk,   no friction on the sides

Below a Reynolds number 2 r ρ U / μ of some 47 the wake is steady; above it the flow sheds vortices from alternate
sides. U [m/s], ρ [kg/m³], μ [Pa s], height and width of the box, the place of the disk's centre in it and its radius
[m] make a case. The reference is a lattice Boltzmann method with 20 cells across the disk, second order but for the
staircase that the disk is; its cells are averaged over those of the n × n points. Reynolds numbers above 160, near
which wakes cease to be plane and cells to resolve them, are refused. The disk stands a quarter of a lattice cell off
its place: the wake of a perfectly symmetric flow would wait for rounding errors to set it in motion.

Source: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023;
Williamson, Annu. Rev. Fluid Mech. 28 (1996), for the flow.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray

from fredholm.fields.signature import Quantity
from fredholm.problems.benchmark_flow import (
    BenchmarkFlow,
    Subset,
    cell_averages,
    draw_between,
    require_positive,
)
from fredholm.solvers.lattice_boltzmann import LatticeBoltzmannSolver

_ACROSS = 20  # lattice cells
_LATTICE_SPEED = 0.08  # a Mach number of 0.14
_LARGEST_REYNOLDS = 160.0
_BASE = {"vel_in": 1.0, "density": 10.0, "viscosity": 0.002, "height": 0.12, "width": 0.22}
_PLACE = {"center_x": 0.06, "center_y": 0.06, "radius": 0.01}


@dataclass(frozen=True)
class CylinderFlow(BenchmarkFlow):
    """Flow past a cylinder between frictionless sides.

    >>> problem = CylinderFlow(points=16, frames=2, step=0.002)
    >>> problem.solve({"case": torch.tensor([[1.0, 10.0, 0.01, 0.08, 0.12, 0.03, 0.04, 0.01]])}).shape
    torch.Size([1, 2, 2, 16, 16])
    """

    name: ClassVar[str] = "cylinder"
    summary: ClassVar[str] = "flow past a cylinder: inflow, fluid and geometry -> velocity over time"
    components: ClassVar[tuple[Quantity, ...]] = (
        Quantity("vel_in", "m/s"),
        Quantity("density", "kg/m3"),
        Quantity("viscosity", "Pa s"),
        Quantity("height", "m"),
        Quantity("width", "m"),
        Quantity("center_x", "m"),
        Quantity("center_y", "m"),
        Quantity("radius", "m"),
    )

    step: float = 0.04

    def cases(self, subset: Subset) -> list[dict[str, float]]:
        """15 inflows; 20 fluids; 4 radii × 4 distances of the sides. Reynolds numbers from 20 to 160."""
        if subset == "bc":
            varied = [{"vel_in": round(0.1 * tenths, 1)} for tenths in range(2, 17)]
        elif subset == "prop":
            fluids = product((5.0, 10.0, 15.0, 20.0), (0.0015, 0.002, 0.003, 0.004, 0.005, 0.008))
            varied = [{"density": rho, "viscosity": mu} for rho, mu in fluids if 20 <= 0.02 * rho / mu <= 160]
        else:
            varied = [
                {"radius": radius, "height": 2 * distance, "center_y": distance}
                for radius, distance in product((0.008, 0.01, 0.012, 0.015), (0.05, 0.06, 0.08, 0.1))
            ]
        return [_BASE | _PLACE | change for change in varied]

    def draw(self, generator: torch.Generator) -> dict[str, float]:
        """Reynolds numbers from 20 to 160, the sides 5 to 10 radii away."""
        draw = partial(draw_between, generator)
        speed, density, radius = draw(0.2, 1.6), draw(5.0, 20.0), draw(0.008, 0.015)
        viscosity = 2 * radius * density * speed / draw(20.0, _LARGEST_REYNOLDS)
        below, above, before, behind = (radius * draw(5.0, 10.0) for _ in range(4))
        return {
            "vel_in": speed,
            "density": density,
            "viscosity": viscosity,
            "height": below + above,
            "width": before + 2 * behind,
            "center_x": before,
            "center_y": below,
            "radius": radius,
        }

    def stored(self, case: Mapping[str, float]) -> dict[str, float]:
        """With the ends of the box, seen from the centre of the disk, in place of its size."""
        kept = {name: case[name] for name in ("vel_in", "density", "viscosity", "radius")}
        x, y = case["center_x"], case["center_y"]
        return kept | {"x_min": -x, "x_max": case["width"] - x, "y_min": -y, "y_max": case["height"] - y}

    def require(self, case: Mapping[str, float]) -> None:
        require_positive(case, self.components)
        reynolds = 2 * case["radius"] * case["density"] * case["vel_in"] / case["viscosity"]
        if reynolds > _LARGEST_REYNOLDS * (1 + 1e-6):  # as much as numbers in single precision are off
            raise ValueError(
                f"a Reynolds number of {reynolds:.4g} is above {_LARGEST_REYNOLDS:g}, near which wakes are not plane"
            )
        for name, centre, length in (("height", "center_y", "height"), ("width", "center_x", "width")):
            if not case["radius"] < case[centre] < case[length] - case["radius"]:
                raise ValueError(f"a disk of radius {case['radius']:g} at {case[centre]:g} is not inside the {name}")

    def mask(self, case: Mapping[str, float]) -> Bool[ndarray, "rows columns"]:
        y, x = (np.asarray(axis.points()) for axis in self.frame.axes)
        y, x = y * case["height"] - case["center_y"], x * case["width"] - case["center_x"]
        return np.hypot(y[:, None], x) > case["radius"]

    def trajectory(self, case: Mapping[str, float]) -> Float[ndarray, "frames 2 rows columns"]:
        self.require(case)
        rows = math.ceil(case["height"] * _ACROSS / (2 * case["radius"]))
        spacing = case["height"] / rows
        columns = math.ceil(case["width"] / spacing - 1e-9)
        y = (np.arange(rows) + 0.25) * spacing - case["center_y"]  # a quarter off
        x = (np.arange(columns) + 0.5) * spacing - case["center_x"]
        solid = np.hypot(y[:, None], x) <= case["radius"]
        viscosity = case["viscosity"] / case["density"]
        solver = LatticeBoltzmannSolver(solid, spacing, viscosity, case["vel_in"], "symmetry", _LATTICE_SPEED)
        extent = (case["height"], case["width"])
        return cell_averages(solver.solve(self.times), spacing, extent, self.points) * self.mask(case)
