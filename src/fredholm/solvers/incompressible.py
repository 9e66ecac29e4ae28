"""Incompressible flow in a box: the projection method on a staggered grid.

    ∂u/∂t + ∇·(u u) = -∇p/ρ + ν Δu + f,   ∇·u = 0

The velocity across a cell's face is known at the face, the pressure at the centre (marker-and-cell grid), so that the
divergence of every cell vanishes to rounding and no checkerboard of pressures can arise. Fluxes by plain averages keep
kinetic energy: without viscosity only the time steps change it. Both are of second order. In time, the Runge-Kutta
method of third order of Shu and Osher, every stage projected onto flows without divergence by a transform solve. It is
stable while

    dt (|u|/hx + |v|/hy) / 1.73 + 4 dt ν (1/hx² + 1/hy²) / 2.51 ≤ 1,

of which the solver keeps to four fifths, with the velocity of the moment.

Sources: Harlow, Welch, "Numerical calculation of time-dependent viscous incompressible flow of fluid with free
surface", Phys. Fluids 8 (1965); Chorin, Math. Comp. 22 (1968), for the projection; Shu, Osher, J. Comput. Phys. 77
(1988), for the time steps.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.errors import SolverError
from fredholm.solvers.fast_poisson import FastPoisson
from fredholm.solvers.flow_sides import Side, Wall
from fredholm.solvers.staggered_kernels import slopes

_ADVECTION, _DIFFUSION = 1.73, 2.51  # ends of the stability region on the imaginary and on the negative real axis
_SAFETY = 0.8
_STAGES = ((0.0, 1.0), (0.75, 0.25), (1 / 3, 2 / 3))  # shares of the step's start and of the stage before


@dataclass
class StaggeredFlow:
    """Velocities through upright faces u (ny, nx + 1) and level faces v (ny + 1, nx), with a ring of ghosts each."""

    u: Float[ndarray, "rows faces"]
    v: Float[ndarray, "levels columns"]

    @classmethod
    def at_rest(cls, shape: tuple[int, int]) -> "StaggeredFlow":
        """No motion on ny × nx cells."""
        ny, nx = shape
        return cls(np.zeros((ny + 2, nx + 3)), np.zeros((ny + 3, nx + 2)))

    @classmethod
    def of(cls, u: Float[ndarray, "ny nx1"], v: Float[ndarray, "ny1 nx"]) -> "StaggeredFlow":
        """The flow with given velocities through all faces; ghosts are the solver's to set."""
        return cls(np.pad(u.astype(np.float64), 1), np.pad(v.astype(np.float64), 1))

    @property
    def faces(self) -> tuple[Float[ndarray, "ny nx1"], Float[ndarray, "ny1 nx"]]:
        """Velocities without ghosts, as views."""
        return self.u[1:-1, 1:-1], self.v[1:-1, 1:-1]

    @property
    def centred(self) -> Float[ndarray, "2 ny nx"]:
        """(u, v) at the cells' centres, means of opposite faces."""
        u, v = self.faces
        return np.stack([(u[:, 1:] + u[:, :-1]) / 2, (v[1:] + v[:-1]) / 2])


@dataclass(frozen=True, eq=False)
class IncompressibleSolver:
    """Flow on ny × nx cells of a box; rows are y, columns x. Arrays are NumPy's, computed in float64.

    Args:
        shape: (ny, nx).
        extent: (height, width).
        viscosity: ν, kinematic.
        west, east, south, north: the sides.
        force: f through the upright and through the level faces, (ny, nx + 1) and (ny + 1, nx); none by default.

    Raises ValueError for a box or viscosity that is none, for sides through which more flows in than out, and for
    a Reynolds number whose boundary layers the cells do not resolve.

    >>> lid = IncompressibleSolver((16, 16), (1.0, 1.0), viscosity=0.01, north=Wall(1.0))
    >>> flow = lid.solve([0.5, 1.0])
    >>> flow.shape, bool(flow[-1, 0, -1].min() > 0)  # the fluid below the lid goes with it
    ((2, 2, 16, 16), True)
    """

    shape: tuple[int, int]
    extent: tuple[float, float]
    viscosity: float
    west: Side = field(default_factory=Wall)
    east: Side = field(default_factory=Wall)
    south: Side = field(default_factory=Wall)
    north: Side = field(default_factory=Wall)
    force: tuple[Float[ndarray, "ny nx1"], Float[ndarray, "ny1 nx"]] | None = None

    def __post_init__(self) -> None:
        if min(self.shape) < 4:
            raise ValueError(f"a flow needs at least 4 cells along each side, got {self.shape}")
        if not all(0 < length < math.inf for length in (*self.extent, self.viscosity)):
            raise ValueError(f"extent {self.extent} and viscosity {self.viscosity} must be positive and finite")
        for cells, length in zip(self.shape, self.extent, strict=True):
            reynolds = self.speed * length / self.viscosity
            if reynolds > cells**2:
                raise ValueError(
                    f"{cells} cells do not resolve a Reynolds number of {reynolds:.4g}: layers at walls are some "
                    f"1/√Re thick, so that it must be at most {cells}² = {cells**2}"
                )
        surplus = self._surplus()
        if not any(side.open for side in self.sides) and abs(surplus) > 1e-9 * self.speed * max(self.extent):
            raise ValueError(f"{surplus:g} more flows in than out and no side is open: make one an Outflow")

    @property
    def sides(self) -> tuple[Side, Side, Side, Side]:
        """West, east, south, north."""
        return self.west, self.east, self.south, self.north

    @property
    def spacing(self) -> tuple[float, float]:
        """(hy, hx)."""
        return self.extent[0] / self.shape[0], self.extent[1] / self.shape[1]

    @property
    def speed(self) -> float:
        """The highest speed that a side prescribes."""
        return max(side.speed for side in self.sides)

    def solve(self, times: Sequence[float], start: StaggeredFlow | None = None) -> Float[ndarray, "t 2 ny nx"]:
        """(u, v) at the cells' centres at ascending times after the start, which is rest by default.

        Raises SolverError where the flow stops being finite.
        """
        return np.stack([flow.centred for flow in self.flows(times, start)])

    def flows(self, times: Sequence[float], start: StaggeredFlow | None = None) -> Iterator[StaggeredFlow]:
        """The same on the faces: one flow that goes on, to be read before the next is asked for."""
        flow = start or StaggeredFlow.at_rest(self.shape)
        self._bound(flow)
        self._project(flow)
        now = 0.0
        for time in times:
            while time - now > 1e-12 * time:
                steps = math.ceil((time - now) / self._longest_step(flow))
                dt = (time - now) / steps
                self._step(flow, dt)
                now = time if steps == 1 else now + dt
            yield flow

    def divergence(self, flow: StaggeredFlow) -> Float[ndarray, "ny nx"]:
        """∇·u of every cell."""
        (u, v), (hy, hx) = flow.faces, self.spacing
        return (u[:, 1:] - u[:, :-1]) / hx + (v[1:] - v[:-1]) / hy

    def _surplus(self) -> float:
        """What flows in through sides that prescribe it, less what flows out."""
        (hy, hx), (ny, nx) = self.spacing, self.shape
        through = [np.broadcast_to(side.through, n).sum() for side, n in zip(self.sides, (ny, ny, nx, nx), strict=True)]
        return float(hy * (through[0] - through[1]) + hx * (through[2] - through[3]))

    def _longest_step(self, flow: StaggeredFlow) -> float:
        u, v = flow.faces
        hy, hx = self.spacing
        fastest = [float(np.abs(part).max()) for part in (u, v)]
        if not all(map(math.isfinite, fastest)):
            raise SolverError(0, f"its flow is not finite on {self.shape[0]} x {self.shape[1]} cells")
        advection = max(self.speed, fastest[0]) / hx + max(self.speed, fastest[1]) / hy
        diffusion = 4 * self.viscosity * (hx**-2 + hy**-2)
        return _SAFETY / (advection / _ADVECTION + diffusion / _DIFFUSION)

    def _step(self, flow: StaggeredFlow, dt: float) -> None:
        u, v = flow.u.copy(), flow.v.copy()
        du, dv = self._scratch
        for of_start, of_stage in _STAGES:
            slopes(flow.u, flow.v, self.viscosity, self.spacing, du, dv)
            if self.force is not None:
                du[1:-1, 1:-1] += self.force[0]
                dv[1:-1, 1:-1] += self.force[1]
            for values, start, slope in ((flow.u, u, du), (flow.v, v, dv)):
                values += dt * slope
                values *= of_stage
                values += of_start * start
            self._bound(flow)
            self._project(flow)

    def _bound(self, flow: StaggeredFlow) -> None:
        u, v = flow.u, flow.v
        self.west.bound(u.T[:, 1:-1], v.T[:, 1:-1])
        self.east.bound(u.T[::-1, 1:-1], v.T[::-1, 1:-1])
        self.south.bound(v[:, 1:-1], u[:, 1:-1])
        self.north.bound(v[::-1, 1:-1], u[::-1, 1:-1])

    def _project(self, flow: StaggeredFlow) -> None:
        """Take the gradient away that makes the divergence; prescribed velocities stay."""
        potential = self._poisson.solve(self.divergence(flow))
        (u, v), (hy, hx) = flow.faces, self.spacing
        u[:, 1:-1] -= np.diff(potential, axis=1) / hx
        v[1:-1] -= np.diff(potential, axis=0) / hy
        # the potential is zero on an open side, half a cell from the centre
        if self.west.open:
            u[:, 0] -= 2 / hx * potential[:, 0]
        if self.east.open:
            u[:, -1] += 2 / hx * potential[:, -1]
        if self.south.open:
            v[0] -= 2 / hy * potential[0]
        if self.north.open:
            v[-1] += 2 / hy * potential[-1]
        self._bound(flow)

    @cached_property
    def _poisson(self) -> FastPoisson:
        ends = ((self.south.open, self.north.open), (self.west.open, self.east.open))
        return FastPoisson(self.shape, self.spacing, ends)

    @cached_property
    def _scratch(self) -> tuple[Float[ndarray, "rows faces"], Float[ndarray, "levels columns"]]:
        """Slopes; their rings stay zero."""
        flow = StaggeredFlow.at_rest(self.shape)
        return flow.u, flow.v
