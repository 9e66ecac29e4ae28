"""Flow around bodies in a channel: the lattice Boltzmann method on nine velocities, with two relaxation times.

    fᵢ(x + cᵢ, t + 1) = fᵢ - (fᵢ⁺ - eᵢ⁺)/τ⁺ - (fᵢ⁻ - eᵢ⁻)/τ⁻        fᵢ± = (fᵢ ± f₋ᵢ)/2,  eᵢ± alike
    eᵢ = wᵢ (ρ + 3 cᵢ·j + 9/2 (cᵢ·j)² - 3/2 j²)                      ρ = Σ fᵢ,  u = j = Σ cᵢ fᵢ

Populations fᵢ stream along the links of a square lattice and relax towards the equilibrium e of an incompressible
fluid. In lattice units (spacing and step 1) the viscosity is ν = (τ⁺ - ½)/3, the speed of sound 1/√3. With the "magic"
(τ⁺ - ½)(τ⁻ - ½) = 3/16 a straight wall lies exactly halfway between nodes, whatever the viscosity, where populations
that reach it bounce back: the profile of Poiseuille flow is then the exact parabola. The error is second order in
space, plus one of the square of the Mach number u√3.

Solids are sets of cells, their surfaces staircases. Fluid enters from the west at a given velocity (bounced back off a
wall that moves) and leaves in the east at pressure zero (given back with opposite sign), which bends profiles near
the outlet, the more the more viscous the flow. North and south are walls, or mirrors. At the start the fluid has the
inflow's velocity, as one that cannot be compressed would at once; from rest, its sound would go to and fro for long.

Sources: Ginzburg, Verhaeghe, d'Humières, "Two-relaxation-time lattice Boltzmann scheme", Commun. Comput. Phys. 3
(2008); He, Luo, J. Stat. Phys. 88 (1997), for the incompressible equilibrium; Ladd, J. Fluid Mech. 271 (1994), for
moving walls and the force on a body by the momentum that its links exchange; Izquierdo, Fueyo, Phys. Rev. E 78 (2008),
for outlets.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from fredholm.errors import SolverError
from fredholm.solvers.lattice_kernels import advance, moments, uniform

_MAGIC = 3 / 16
_LARGEST_MACH = 0.3  # above, what compressibility does is no longer small
_SMALLEST_RELAXATION = 0.503  # τ⁺: below, the scheme is close to its stability limit
_CELL_REYNOLDS = 10.0  # u / ν in lattice units: above, shear over a few cells is not resolved


@dataclass(frozen=True, eq=False)
class LatticeBoltzmannSolver:
    """Flow through ny × nx cells with square sides; rows are y, columns x.

    Args:
        solid: (ny, nx), true in bodies.
        spacing: side of a cell.
        viscosity: ν, kinematic.
        inflow: velocity in the west, one number or one a row.
        sides: what is north and south: walls to which fluid sticks, or lines of symmetry.
        lattice_speed: the inflow's highest velocity in lattice units, which sets the step; the smaller, the less
            compressible and the slower.

    Raises ValueError naming the limit that is broken: of the Mach number, of the relaxation time, or of the Reynolds
    number of a cell.

    >>> solver = LatticeBoltzmannSolver(np.zeros((16, 32), bool), spacing=0.1, viscosity=0.1, inflow=1.0)
    >>> solver.solve([1.0, 2.0]).shape
    (2, 2, 16, 32)
    """

    solid: Bool[ndarray, "ny nx"]
    spacing: float
    viscosity: float
    inflow: float | Float[ndarray, " ny"]
    sides: Literal["walls", "symmetry"] = "walls"
    lattice_speed: float = 0.08

    def __post_init__(self) -> None:
        if min(self.solid.shape) < 4:
            raise ValueError(f"a flow needs at least 4 cells along each side, got {self.solid.shape}")
        if not all(0 < value < math.inf for value in (self.spacing, self.viscosity, self.speed, self.lattice_speed)):
            raise ValueError(
                f"spacing {self.spacing}, viscosity {self.viscosity}, inflow {self.speed} and lattice speed "
                f"{self.lattice_speed} must be positive and finite"
            )
        mach = self.lattice_speed * math.sqrt(3)
        if mach > _LARGEST_MACH:
            raise ValueError(
                f"a lattice speed of {self.lattice_speed:g} is a Mach number of {mach:.2f}; "
                f"at most {_LARGEST_MACH} counts as incompressible"
            )
        reynolds = self.speed * self.spacing / self.viscosity
        if reynolds > _CELL_REYNOLDS:
            raise ValueError(
                f"cells of {self.spacing:g} have a Reynolds number of {reynolds:.3g}, above {_CELL_REYNOLDS:g}: take "
                "finer cells or a more viscous fluid"
            )
        if self.relaxation < _SMALLEST_RELAXATION:
            raise ValueError(
                f"the relaxation time {self.relaxation:.4f} is below {_SMALLEST_RELAXATION}, where the scheme is "
                "hardly stable: take a higher lattice speed or finer cells"
            )

    @property
    def speed(self) -> float:
        """The highest velocity of the inflow."""
        return float(np.max(self.inflow))

    @property
    def step(self) -> float:
        """Time of one step."""
        return self.lattice_speed * self.spacing / self.speed

    @property
    def relaxation(self) -> float:
        """τ⁺ in steps."""
        return 0.5 + 3 * self.viscosity * self.step / self.spacing**2

    def solve(self, times: Sequence[float]) -> Float[ndarray, "t 2 ny nx"]:
        """(u, v) at the cells' centres at ascending times, linear between steps; zero in solids.

        At time zero the inflow's velocity is everywhere but in solids, which are then in its way.

        Raises SolverError where the flow stops being finite.
        """
        return np.stack([velocity for velocity, _ in self.flows(times)])

    def flows(self, times: Sequence[float]) -> Iterator[tuple[Float[ndarray, "2 ny nx"], Float[ndarray, " 2"]]]:
        """The same one after the other, with the force on all solids over density and length at the last step."""
        plus = 1 / self.relaxation
        minus = 1 / (0.5 + _MAGIC / (self.relaxation - 0.5))
        unit = self.spacing / self.step
        inflow = np.broadcast_to(np.asarray(self.inflow, np.float64), self.solid.shape[0]) / unit
        populations = uniform(inflow, self.solid)
        others, force = np.empty_like(populations), np.zeros(2)
        taken, before, now = 0, np.zeros((2, *self.solid.shape)), moments(populations, self.solid) * unit
        for time in times:
            while taken * self.step < time * (1 - 1e-12):
                before = now
                force = np.zeros(2)
                advance(populations, others, self.solid, inflow, self.sides == "symmetry", plus, minus, force)
                populations, others = others, populations
                taken += 1
                if (taken + 1) * self.step >= time * (1 - 1e-12):  # one of the two between which `time` lies
                    now = moments(populations, self.solid) * unit
            if not np.isfinite(now).all():
                raise SolverError(0, f"its flow is not finite after {taken} steps: take a lower lattice speed")
            share = taken - time / self.step
            yield (1 - share) * now + share * before, force * unit**2 * self.spacing
