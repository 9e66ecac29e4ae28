"""Sound in a room: from an initial pressure pulse to the pressure everywhere, at all times.

    ∂²p/∂t² = c² Δp,   p(x, 0) = u(x),   ∂p/∂t(x, 0) = 0,   walls: v·n = p / Z,  Z = ξ ρ c

The operator G: u ↦ p is linear in u. Pulses are Gaussian, u(x) = exp(-|x - x₀|² / σ₀²) with σ₀ = 2c / (π fmax), so
that their spectrum ends near fmax. Locally reacting walls absorb 4ξ / (1 + ξ)² of a wave at normal incidence (20 % at
ξ = 17.98).

Source: Borrel-Jensen, Goswami, Engsig-Karup, Karniadakis, Jeong, "Sound propagation in realistic interactive 3D scenes
with parameterized sources using deep neural operators", PNAS 2024.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import OutsideDomainError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature, require_finite
from fredholm.problems.problem import Problem
from fredholm.problems.room_shapes import Box, RoomShape
from fredholm.problems.source_positions import RandomSources, SourcePositions

_AXES = ("x", "y", "z")


@dataclass(frozen=True)
class Recording:
    """Output times 0, interval, ..., duration, in s.

    >>> Recording(duration=0.012, interval=0.0005).count
    25
    """

    duration: float = 0.012
    interval: float = 0.0005

    def __post_init__(self) -> None:
        if not 0 < self.interval <= self.duration:
            raise ValueError(f"recording interval {self.interval} s does not fit in a duration of {self.duration} s")

    @property
    def count(self) -> int:
        """Number of output times."""
        return round(self.duration / self.interval) + 1


@dataclass(frozen=True)
class Room(Problem):
    """The wave equation in a room with locally reacting walls.

    Args:
        shape: `Box` or `LShape`, with lengths in m.
        sources: `SourceLattice` (training) or `RandomSources` (testing).
        highest_frequency: fmax of the pulse, Hz.
        wall_impedance: ξ = Z / (ρ c); infinity makes rigid walls.
        spacing: of the solver's grid, m; it must divide the lengths. Ten points per wavelength c / fmax or more.
        recording: output times.
        margin: least distance of a source from the walls, m.
        sound_speed: c, m/s.

    >>> room = Room()
    >>> room.output_domain.shape
    (51, 51, 25)
    """

    name: ClassVar[str] = "room"
    summary: ClassVar[str] = (
        "sound in a 2-D or 3-D room with absorbing walls: initial pressure -> pressure at any (x, t)"
    )

    shape: RoomShape = field(default_factory=Box)
    sources: SourcePositions = field(default_factory=RandomSources)
    highest_frequency: float = 500.0
    wall_impedance: float = 17.98
    spacing: float = 0.04
    recording: Recording = field(default_factory=Recording)
    margin: float = 0.44
    sound_speed: float = 343.0

    def __post_init__(self) -> None:
        if not self.wall_impedance > 0:
            raise ValueError(f"wall impedance must be positive, got {self.wall_impedance}")
        halves = 2 if self.shape.kind == "l_shape" else 1
        for axis, length in zip(_AXES, self.shape.lengths, strict=False):
            cells = length / self.spacing / halves
            if abs(cells - round(cells)) > 1e-6 or cells < 2:
                raise ValueError(
                    f"a spacing of {self.spacing:g} m does not divide the room's {axis} length of {length:g} m"
                    + (", whose half must be on the grid" if halves == 2 else "")
                )
        if self.points_per_wavelength < 5:
            raise ValueError(
                f"spacing {self.spacing:g} m gives {self.points_per_wavelength:.1f} points per wavelength at "
                f"{self.highest_frequency:g} Hz; the solver needs 5 at the least and 10 to be accurate"
            )

    @property
    def points_per_wavelength(self) -> float:
        """Grid points per shortest wavelength c / fmax."""
        return self.sound_speed / self.highest_frequency / self.spacing

    @property
    def pulse_width(self) -> float:
        """σ₀ = 2c / (π fmax), m."""
        return 2 * self.sound_speed / (torch.pi * self.highest_frequency)

    @property
    def source_region(self) -> tuple[tuple[float, float], ...]:
        """Bounding box of the source positions, m."""
        return tuple((self.margin, length - self.margin) for length in self.shape.lengths)

    @cached_property
    def grid(self) -> Grid:
        """The solver's grid; points outside the room are masked."""
        axes = [
            Axis(name, 0.0, length, round(length / self.spacing) + 1, units="m")
            for name, length in zip(_AXES, self.shape.lengths, strict=False)
        ]
        box = Grid(*axes)
        inside = self.shape.inside(box.coordinates()).reshape(box.shape)
        return box if bool(inside.all()) else Grid(*axes, mask=inside)

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"initial_pressure": self.grid}

    @cached_property
    def output_domain(self) -> Domain:
        end = self.recording.interval * (self.recording.count - 1)
        return self.grid * Grid(Axis("t", 0.0, end, self.recording.count, units="s"))

    @property
    def signature(self) -> Signature:
        pressure = (Quantity("pressure", "Pa"),)
        return Signature(
            {"initial_pressure": Function(pressure, DomainType.of(self.grid))},
            Function(pressure, DomainType.of(self.output_domain)),
        )

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        return self.pulses(self._positions(n, seed, first))

    def labels(self, n: int, seed: int, first: int = 0) -> dict[str, Tensor]:
        return {"source": self._positions(n, seed, first)}

    def pulses(self, positions: Float[Tensor, "n d"]) -> Inputs:
        """Inputs of unit Gaussian pulses at `positions` in m; raises OutsideDomainError for one outside the room."""
        outside = ~self.shape.inside(positions)
        if bool(outside.any()):
            first = int(outside.nonzero()[0, 0])
            where = ", ".join(f"{x:g}" for x in positions[first].tolist())
            raise OutsideDomainError(
                f"source {first} at ({where}) m is outside the room {self.shape}: move it inside the walls"
            )
        squared = torch.cdist(positions.double(), self.grid.coordinates()).square()
        pressure = torch.exp(-squared / self.pulse_width**2).reshape(-1, 1, *self.grid.shape)
        if self.grid.mask is not None:
            pressure = pressure * self.grid.mask
        return {"initial_pressure": pressure.float()}

    def solve(self, inputs: Inputs) -> Tensor:
        from fredholm.solvers.wave import WaveSolver

        self.signature.check(inputs)
        require_finite("input 'initial_pressure'", inputs["initial_pressure"])
        mask = self.grid.mask if self.grid.mask is not None else torch.ones(self.grid.shape, dtype=torch.bool)
        solver = WaveSolver(mask.numpy(), self.spacing, self.sound_speed, self.wall_impedance)
        initial = inputs["initial_pressure"][:, 0].float().contiguous().numpy()
        pressure = solver.solve(initial, self.recording.interval, self.recording.count)
        return torch.from_numpy(pressure).movedim(1, -1).unsqueeze(1).contiguous()

    def coarsened(self, factor: float) -> "Room":
        """The same room on a grid about `factor` times coarser; raises ValueError where the grid cannot be."""
        halves = 2 if self.shape.kind == "l_shape" else 1
        cells = max(1, round(min(self.shape.lengths) / self.spacing / factor / halves)) * halves
        return replace(self, spacing=min(self.shape.lengths) / cells)

    def _positions(self, n: int, seed: int, first: int) -> Tensor:
        return self.sources.positions(self.shape, self.margin, n, seed, first)
