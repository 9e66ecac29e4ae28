"""Sound in a scene of any shape, its walls of any material: from an initial pressure pulse to pressure at receivers.

    ∂²p/∂t² = c² Δp,   p(x, 0) = u(x),   ∂p/∂t(x, 0) = 0,   walls: v·n = Y p, with Y(f) of each surface

The operator G: u ↦ p is linear in u. Pulses are Gaussian, u(x) = exp(-|x - x₀|² / σ₀²) with σ₀ = 2c / (π fmax); they
are given on a uniform grid over the scene's bounding box, five points to the shortest wavelength, also where that is
outside. The reference is a spectral-element method of order 4, to whose nodes quintic splines bring the pulse. Pressure
is recorded on a grid of receivers, zero outside the scene, or at single ones.

Source: Borrel-Jensen, Goswami, Engsig-Karup, Karniadakis, Jeong, "Sound propagation in realistic interactive 3D scenes
with parameterized sources using deep neural operators", PNAS 2024.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import OutsideDomainError, UnknownNameError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.point_cloud import PointCloud
from fredholm.fields.signature import DomainType, Function, Inputs, Quantity, Signature
from fredholm.problems.problem import Problem
from fredholm.problems.room import Recording
from fredholm.problems.scene_region import SceneRegion
from fredholm.problems.scene_shapes import SceneShape, furnished_plan
from fredholm.problems.source_positions import RandomSources, SourcePositions
from fredholm.problems.wall_materials import Impedance, WallMaterial
from fredholm.solvers.spectral_elements import SpectralElements

_ORDER = 4
_PULSE_POINTS = 5  # of the pulse's grid to the shortest wavelength: 3.2 to σ₀
_SPLINE = 5
_SOURCES = 32  # solved together, which bounds the memory
_NEGLIGIBLE = 1e-7


@dataclass(frozen=True)
class GridReceivers:
    """Receivers on a uniform grid over the bounding box; those outside the scene hear nothing.

    `per_wavelength` points or more stand on the shortest wavelength.
    """

    per_wavelength: float = 8.0
    kind: Literal["grid"] = "grid"


@dataclass(frozen=True)
class PointReceivers:
    """Receivers at given points of the scene, m."""

    points: tuple[tuple[float, ...], ...]
    kind: Literal["points"] = "points"


@dataclass(frozen=True)
class SoundScene(Problem):
    """The wave equation in a scene of any shape and walls.

    Args:
        shape: `Blocks`, `Disc`, `Dome` or `MeshFile`, in two or three dimensions.
        sources: `SourceLattice` (training) or `RandomSources` (testing).
        receivers: `GridReceivers`, or `PointReceivers` at single points.
        walls: material of all surfaces that are not named in `surfaces`.
        surfaces: material of each named surface of the shape.
        highest_frequency: fmax of the pulse, Hz.
        recording: output times.
        margin: least distance of a source from the walls, m.

    >>> scene = SoundScene()
    >>> scene.output_domain.shape
    (36, 36, 25)
    """

    name: ClassVar[str] = "sound-scene"
    summary: ClassVar[str] = "sound in a 2-D or 3-D scene with walls of any material: initial pressure -> pressure"

    shape: SceneShape = field(default_factory=furnished_plan)
    sources: SourcePositions = field(default_factory=RandomSources)
    receivers: GridReceivers | PointReceivers = field(default_factory=GridReceivers)
    walls: WallMaterial = field(default_factory=Impedance)
    surfaces: dict[str, WallMaterial] = field(default_factory=dict)
    highest_frequency: float = 500.0
    recording: Recording = field(default_factory=Recording)
    margin: float = 0.3

    sound_speed: ClassVar[float] = 343.0
    points_per_wavelength: ClassVar[float] = 6.0  # of the reference solver

    def __post_init__(self) -> None:
        if not 0 < self.highest_frequency < math.inf:
            raise ValueError(f"the highest frequency must be positive and finite, got {self.highest_frequency} Hz")
        if isinstance(self.receivers, GridReceivers) and not self.receivers.per_wavelength >= 2:
            raise ValueError(f"a grid of receivers takes 2 points a wavelength, got {self.receivers.per_wavelength}")

    @property
    def shortest_wavelength(self) -> float:
        """Wavelength c / fmax, m."""
        return self.sound_speed / self.highest_frequency

    @property
    def pulse_width(self) -> float:
        """σ₀ = 2c / (π fmax), m."""
        return 2 * self.shortest_wavelength / math.pi

    @cached_property
    def space(self) -> SpectralElements:
        """The spectral elements of the reference solver; raises UnknownNameError for a surface that is not there."""
        size = self.shortest_wavelength / self.points_per_wavelength * _ORDER
        space = SpectralElements(self.shape.mesh(size), _ORDER)
        for name in self.surfaces:
            if name not in space.walls:
                raise UnknownNameError("surface", name, space.walls)
        return space

    @cached_property
    def region(self) -> SceneRegion:
        """The space inside the walls."""
        return SceneRegion(self.space)

    @cached_property
    def pulse_grid(self) -> Grid:
        """Where the initial pressure is given: the bounding box."""
        return self._box_grid(_PULSE_POINTS)

    @cached_property
    def receiver_domain(self) -> Domain:
        """The receivers; raises OutsideDomainError for one outside the scene."""
        if isinstance(self.receivers, PointReceivers):
            points = torch.tensor(self.receivers.points, dtype=torch.float64)
            self.require_inside(points, "receiver")
            return PointCloud(points, self._names, ("m",) * len(self._names))
        box = self._box_grid(self.receivers.per_wavelength)
        inside = self.inside(box.coordinates()).reshape(box.shape)
        return box if bool(inside.all()) else Grid(*box.axes, mask=inside)

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"initial_pressure": self.pulse_grid}

    @cached_property
    def output_domain(self) -> Domain:
        end = self.recording.interval * (self.recording.count - 1)
        return self.receiver_domain * Grid(Axis("t", 0.0, end, self.recording.count, units="s"))

    @property
    def signature(self) -> Signature:
        pressure = (Quantity("pressure", "Pa"),)
        return Signature(
            {"initial_pressure": Function(pressure, DomainType.of(self.pulse_grid))},
            Function(pressure, DomainType.of(self.output_domain)),
        )

    def inside(self, points: Float[Tensor, "m d"], margin: float = 0.0) -> Any:
        """Which points lie in the scene, at least `margin` m from every wall."""
        return self.region.inside(points - torch.from_numpy(self.region.lower), margin)

    def require_inside(self, points: Float[Tensor, "m d"], what: str) -> None:
        """Raise OutsideDomainError naming the first of the points, which are `what`, outside the scene."""
        outside = ~self.inside(points)
        if bool(outside.any()):
            first = int(outside.nonzero()[0, 0])
            where = ", ".join(f"{x:g}" for x in points[first].tolist())
            raise OutsideDomainError(f"{what} {first} at ({where}) m is outside the scene: move it inside the walls")

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        return self._pulses(self._positions(n, seed, first))

    def labels(self, n: int, seed: int, first: int = 0) -> dict[str, Tensor]:
        return {"source": self._positions(n, seed, first)}

    def pulses(self, positions: Float[Tensor, "n d"]) -> Inputs:
        """Inputs of unit Gaussian pulses at `positions` in m; raises OutsideDomainError for one outside the scene."""
        self.require_inside(positions, "source")
        return self._pulses(positions)

    def solve(self, inputs: Inputs) -> Tensor:
        self.signature.check(inputs, finite=True)
        initial = inputs["initial_pressure"][:, 0].flatten(1).double().numpy()
        at_nodes = (self._to_nodes @ initial.T).T.astype(np.float32)
        points = self.receiver_domain.coordinates().numpy()
        mask = self.receiver_domain.mask if isinstance(self.receiver_domain, Grid) else None
        inside = np.ones(len(points), bool) if mask is None else mask.reshape(-1).numpy()
        output = np.zeros((len(initial), self.recording.count, len(points)), np.float32)
        for start in range(0, len(initial), _SOURCES):
            part = np.ascontiguousarray(at_nodes[start : start + _SOURCES])
            times = (self.recording.interval, self.recording.count)
            output[start : start + _SOURCES, :, inside] = self.solver.solve(part, *times, points[inside])
        shaped = torch.from_numpy(output).unflatten(-1, self.receiver_domain.shape)
        return shaped.movedim(1, -1).unsqueeze(1).contiguous()

    @cached_property
    def solver(self) -> Any:
        """The reference solver."""
        from fredholm.solvers.spectral_wave import SpectralWaveSolver

        terms = (self.highest_frequency, self.sound_speed)
        walls = {name: material.admittance(*terms) for name, material in self.surfaces.items()}
        return SpectralWaveSolver(self.space, walls, self.walls.admittance(*terms), self.sound_speed)

    def coarsened(self, factor: float) -> "SoundScene":
        """The same scene with the shortest wavelength, and so all spacings, `factor` times longer."""
        return replace(self, highest_frequency=self.highest_frequency / factor)

    def _pulses(self, positions: Tensor) -> Inputs:
        squared = torch.cdist(positions.double(), self.pulse_grid.coordinates()).square()
        pressure = torch.exp(-squared / self.pulse_width**2).reshape(-1, 1, *self.pulse_grid.shape)
        return {"initial_pressure": pressure.float()}

    def _positions(self, n: int, seed: int, first: int) -> Tensor:
        relative = self.sources.positions(self.region, self.margin, n, seed, first)
        return relative + torch.from_numpy(self.region.lower)

    @property
    def _names(self) -> tuple[str, ...]:
        return ("x", "y", "z")[: len(self.region.lengths)]

    def _box_grid(self, per_wavelength: float) -> Grid:
        axes = []
        for name, lower, length in zip(self._names, self.region.lower.tolist(), self.region.lengths, strict=True):
            cells = max(_SPLINE, math.ceil(length * per_wavelength / self.shortest_wavelength - 1e-9))
            axes.append(Axis(name, lower, lower + length, cells + 1, units="m"))
        return Grid(*axes)

    @cached_property
    def _to_nodes(self) -> Any:
        """Sparse matrix from the pulse's grid to the solver's nodes: quintic splines along every axis."""
        from scipy import sparse
        from scipy.interpolate import make_interp_spline

        nodes = self.space.nodes
        rows = []
        for axis, places in zip(self.pulse_grid.axes, nodes.T, strict=True):
            points = axis.points().numpy()
            rows.append(
                make_interp_spline(points, np.eye(len(points)), k=_SPLINE)(np.clip(places, points[0], points[-1]))
            )
        parts = []
        for start in range(0, len(nodes), 512):
            weights = np.ones((len(nodes[start : start + 512]), 1))
            for values in rows:
                weights = (weights[:, :, None] * values[start : start + 512, None, :]).reshape(len(weights), -1)
            parts.append(sparse.csr_array(np.where(np.abs(weights) > _NEGLIGIBLE, weights, 0.0)))
        return sparse.vstack(parts, format="csr")
