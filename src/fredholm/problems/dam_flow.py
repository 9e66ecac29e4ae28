"""Flow over a barrier: from inflow, fluid and barrier to the flow behind it.

    ∂u/∂t + u·∇u = -∇p/ρ + (μ/ρ) Δu,   ∇·u = 0 in a channel of 1.5 m × 0.4 m less the barrier
    u = (U, 0) at the inlet, the lower 0.1 m of the left side,   p = 0 on the right side,   u = 0 elsewhere

The jet from the inlet meets a barrier on the floor, 0.5 m downstream, and goes over it. U [m/s], ρ [kg/m³], μ [Pa s],
and the barrier's height and width [m] make a case; the channel's are the same in all. Velocities are known at n × n
cells' centres; the reference is a lattice Boltzmann method on square cells of 1/160 m.

This stands in for the benchmark's dam, in which water of these densities and viscosities enters a channel full of air
and falls over the barrier under gravity. One fluid fills the channel here: there is no surface, and no gravity.
Geometry, inlet, the numbers of a case and the files are those of the benchmark, its flows are not.

Source: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023.
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

_HEIGHT, _WIDTH, _INLET, _BARRIER = 0.4, 1.5, 0.1, 0.5  # m; where the barrier begins
_ROWS, _COLUMNS = 64, 240
_LATTICE_SPEED = 0.05
_BASE = {"velocity": 1.0, "density": 100.0, "viscosity": 0.1, "height": _HEIGHT, "width": _WIDTH}
_OBSTACLE = {"barrier_height": 0.1, "barrier_width": 0.05}


@dataclass(frozen=True)
class DamFlow(BenchmarkFlow):
    """Flow of one fluid over a barrier.

    >>> problem = DamFlow(points=16, frames=2, step=0.05)
    >>> problem.trajectory(problem.cases("bc")[0]).shape
    (2, 2, 16, 16)
    """

    name: ClassVar[str] = "dam"
    summary: ClassVar[str] = "flow of one fluid over a barrier: inflow, fluid and barrier -> velocity over time"
    components: ClassVar[tuple[Quantity, ...]] = (
        Quantity("velocity", "m/s"),
        Quantity("density", "kg/m3"),
        Quantity("viscosity", "Pa s"),
        Quantity("height", "m"),
        Quantity("width", "m"),
        Quantity("barrier_height", "m"),
        Quantity("barrier_width", "m"),
    )

    step: float = 0.1

    def cases(self, subset: Subset) -> list[dict[str, float]]:
        """12 inflows; 20 fluids; 4 heights × 4 widths of the barrier. Reynolds numbers of the inlet from 4 to 120."""
        if subset == "bc":
            varied = [{"velocity": round(0.1 * tenths, 1)} for tenths in range(1, 13)]
        elif subset == "prop":
            fluids = product((20.0, 50.0, 100.0, 120.0), (0.1, 0.2, 0.3, 0.4, 0.5))
            varied = [{"density": density, "viscosity": viscosity} for density, viscosity in fluids]
        else:
            shapes = product((0.11, 0.12, 0.13, 0.15), (0.025, 0.05, 0.075, 0.1))
            varied = [{"barrier_height": height, "barrier_width": width} for height, width in shapes]
        return [_BASE | _OBSTACLE | change for change in varied]

    def draw(self, generator: torch.Generator) -> dict[str, float]:
        """Reynolds numbers of the inlet from 5 to 120."""
        draw = partial(draw_between, generator)
        speed, density, reynolds = draw(0.1, 1.2), draw(20.0, 120.0), draw(5.0, 120.0)
        fluid = {"velocity": speed, "density": density, "viscosity": _INLET * density * speed / reynolds}
        return _BASE | fluid | {"barrier_height": draw(0.05, 0.15), "barrier_width": draw(0.025, 0.1)}

    def require(self, case: Mapping[str, float]) -> None:
        self._solver(case)

    def mask(self, case: Mapping[str, float]) -> Bool[ndarray, "rows columns"]:
        y, x = (np.asarray(axis.points()) for axis in self.frame.axes)
        return ~_inside(y * _HEIGHT, x * _WIDTH, case)

    def trajectory(self, case: Mapping[str, float]) -> Float[ndarray, "frames 2 rows columns"]:
        velocity, spacing = self._solver(case).solve(self.times), _HEIGHT / _ROWS
        return cell_averages(velocity, spacing, (_HEIGHT, _WIDTH), self.points) * self.mask(case)

    def _solver(self, case: Mapping[str, float]) -> LatticeBoltzmannSolver:
        require_positive(case, self.components)
        if not (
            math.isclose(case["height"], _HEIGHT, rel_tol=1e-6) and math.isclose(case["width"], _WIDTH, rel_tol=1e-6)
        ):
            raise ValueError(
                f"the channel is {_HEIGHT} m high and {_WIDTH} m long, got {case['height']}, {case['width']}"
            )
        if case["barrier_height"] >= _HEIGHT or case["barrier_width"] >= _WIDTH - _BARRIER:
            raise ValueError(f"a barrier of {case['barrier_height']} m x {case['barrier_width']} m closes the channel")
        spacing = _HEIGHT / _ROWS
        y, x = (np.arange(_ROWS) + 0.5) * spacing, (np.arange(_COLUMNS) + 0.5) * spacing
        inflow = np.where(y < _INLET, case["velocity"], 0.0)
        viscosity = case["viscosity"] / case["density"]
        return LatticeBoltzmannSolver(_inside(y, x, case), spacing, viscosity, inflow, lattice_speed=_LATTICE_SPEED)


def _inside(y: Float[ndarray, " rows"], x: Float[ndarray, " columns"], case: Mapping[str, float]) -> ndarray:
    """Which cells belong to the barrier."""
    along = (x >= _BARRIER) & (x < _BARRIER + case["barrier_width"])
    return (y < case["barrier_height"])[:, None] & along
