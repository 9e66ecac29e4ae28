"""The wave equation by finite differences in the time domain (FDTD).

    ∂²p/∂t² = c² Δp,   walls: v·n = p / (ξ ρ c),   p(·, 0) = p₀,   ∂p/∂t(·, 0) = 0

On the nodes of a uniform grid of spacing h, with walls that run through nodes, each node stands for the part of its
dual cell that lies in the room, a fraction v of hᵈ. With the fractions aₙ of the faces towards its neighbours n, and
the area w hᵈ⁻¹ of wall that bounds it, balance of volume and leap-frog in time give

    p⁺ = (2p - (1 - g) p⁻ + λ² Σₙ (aₙ / v) (pₙ - p)) / (1 + g),   λ = c dt / h,   g = λ w / (2 v ξ)

At a plane wall this is the usual scheme with a mirrored neighbour, g = λ / ξ, and 2λ / ξ in a corner; at re-entrant
corners it stays a balance, so that with rigid walls the energy

    E = ½ Σ v ((p⁺ - p) / dt)² + ½ (c / h)² Σ_edges a (p⁺ᵢ - p⁺ⱼ)(pᵢ - pⱼ)

is conserved to rounding on any union of cells, and only falls with absorbing ones. Second order in space and time;
stable for λ ≤ 1 / √d.

Source: Kowalczyk and van Walstijn, "Room acoustics simulation using 3-D compact explicit FDTD schemes", IEEE TASLP 19
(2011), for the scheme at locally reacting walls.
"""

import math
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from fredholm.errors import CourantError, SignatureError
from fredholm.solvers.wave_walls import WallGeometry, blocks_of, nodes_to_silence, strides_of

_LOCK = threading.Lock()  # numba's thread pool is one for the process and must not be entered twice at a time
_LARGE = 2**16  # nodes from which one grid is worth sharing between threads
_CAUTION = 0.999  # of the stability limit: rounding must not cross it


@dataclass(frozen=True, eq=False)
class WaveSolver:
    """Leap-frog solver of the wave equation in a room given by its nodes. Arrays are NumPy's.

    Args:
        inside: which nodes belong to the room, walls included; one to three axes.
        spacing: h, m.
        sound_speed: c, m/s.
        wall_impedance: ξ = Z / (ρ c) > 0 of all walls, or one value a node; infinity makes rigid walls.

    >>> solver = WaveSolver(np.ones((21, 21), bool), spacing=0.05)
    >>> pressure = solver.solve(np.ones((1, 21, 21), np.float32), recording_interval=1e-3, recordings=4)
    >>> pressure.shape, float(pressure.min())
    ((1, 4, 21, 21), 1.0)
    """

    inside: Bool[ndarray, "*shape"]
    spacing: float
    sound_speed: float = 343.0
    wall_impedance: float | Float[ndarray, "*shape"] = math.inf

    def __post_init__(self) -> None:
        if not 1 <= self.inside.ndim <= 3 or min(self.inside.shape) < 3:
            raise SignatureError(f"a room has one to three axes of at least 3 nodes, got {self.inside.shape}")
        if not (0 < self.spacing < math.inf and 0 < self.sound_speed < math.inf):
            raise ValueError(
                f"spacing {self.spacing} m and sound speed {self.sound_speed} m/s must be positive and finite"
            )
        if not np.all(np.asarray(self.wall_impedance) > 0):
            raise ValueError("wall impedance must be positive everywhere; a value of 1 absorbs normal incidence fully")
        if np.any(self.inside & (self.geometry.volume == 0)):
            raise SignatureError("a node of the room belongs to no grid cell that lies inside it: thicken the mask")

    @property
    def courant_limit(self) -> float:
        """Largest stable λ = c dt / h: 1 / √d."""
        return 1 / math.sqrt(self.inside.ndim)

    def steps_for(self, recording_interval: float) -> int:
        """Fewest time steps to a recording interval that are stable; dispersion is least near the limit."""
        return math.ceil(self.sound_speed * recording_interval / self.spacing / (_CAUTION * self.courant_limit))

    def courant(self, recording_interval: float, steps: int) -> float:
        """λ with `steps` time steps to a recording interval; raises CourantError over the limit."""
        if steps < 1:
            raise ValueError(f"a recording interval takes one time step or more, got {steps}")
        number = self.sound_speed * recording_interval / steps / self.spacing
        if number > self.courant_limit:
            largest = self.courant_limit * self.spacing / self.sound_speed
            raise CourantError(
                f"Courant number {number:.4g} is over the limit of {self.courant_limit:.4g} in {self.inside.ndim}-D: "
                f"a time step may be {largest:.4g} s at most, which is {self.steps_for(recording_interval)} steps to a "
                f"recording interval of {recording_interval:g} s"
            )
        return number

    def solve(
        self,
        initial_pressure: Float[ndarray, "sources *shape"],
        recording_interval: float,
        recordings: int,
        steps: int | None = None,
    ) -> Float[ndarray, "sources recordings *shape"]:
        """Pressure at the times 0, interval, ..., (recordings - 1) interval, in the dtype of the initial pressure.

        Raises CourantError for too few `steps` to an interval, SignatureError for values that do not fit the room,
        ValueError for a recording that cannot be.
        """
        self._require(initial_pressure)
        if not 0 < recording_interval < math.inf or recordings < 1:
            raise ValueError(
                f"{recordings} recordings every {recording_interval} s: there must be one at least, "
                f"and the recording interval positive and finite"
            )
        steps = self.steps_for(recording_interval) if steps is None else steps
        square = initial_pressure.dtype.type(self.courant(recording_interval, steps) ** 2)
        start = np.where(self.inside, initial_pressure, initial_pressure.dtype.type(0))
        fields = np.ascontiguousarray(start).reshape(len(start), self.inside.size)
        recorded = np.empty((len(start), recordings, *self.inside.shape), initial_pressure.dtype)
        arrays = self.tables(initial_pressure.dtype, math.sqrt(square))
        with _LOCK:
            if len(start) > 1 or self.inside.size < _LARGE:
                self._solve_each(fields, arrays, square, steps, recorded)
            else:
                self._solve_shared(fields, arrays, square, steps, recorded)
        return recorded

    @cached_property
    def geometry(self) -> WallGeometry:
        """Fractions of dual cells, faces and walls."""
        return WallGeometry.of(self.inside)

    def energy(self, before: Float[ndarray, "*shape"], after: Float[ndarray, "*shape"], courant: float) -> float:
        """E h² / c² / hᵈ of two successive time steps: conserved with rigid walls, falling with absorbing ones."""
        before, after = before.astype(np.float64), after.astype(np.float64)
        kinetic = (self.geometry.volume * ((after - before) / courant) ** 2).sum()
        potential = 0.0
        for axis, area in enumerate(self.geometry.faces):
            inner = tuple(slice(None, -1) if a == axis else slice(None) for a in range(self.inside.ndim))
            potential += (area[inner] * np.diff(after, axis=axis) * np.diff(before, axis=axis)).sum()
        return float(kinetic + potential) / 2

    def tables(self, dtype: Any, courant: float) -> tuple[Any, ...]:
        """What the kernels need: strides, wall nodes with coefficients, nodes to keep silent, blocks."""
        walls = self.geometry.wall_tables(self.inside)
        impedance = np.broadcast_to(self.wall_impedance, self.inside.shape).reshape(-1)[walls.nodes]
        damping = courant * walls.exposure / (2 * impedance)
        at_walls = (walls.nodes, walls.coefficients.astype(dtype), damping.astype(dtype))
        silent = nodes_to_silence(self.inside)
        return strides_of(self.inside), at_walls, silent, blocks_of(self.inside.size, walls.nodes, silent)

    def _solve_each(self, fields: Any, arrays: Any, square: Any, steps: int, recorded: Any) -> None:
        kernels = _kernels()
        after = np.empty_like(fields)
        kernels.first_step(fields, after, *arrays, square)
        kernels.simulate_each(
            after, fields, *arrays, square, steps, recorded.reshape(*recorded.shape[:2], self.inside.size)
        )

    def _solve_shared(self, fields: Any, arrays: Any, square: Any, steps: int, recorded: Any) -> None:
        kernels = _kernels()
        after = np.empty_like(fields)
        kernels.first_step(fields, after, *arrays, square)
        old = np.empty(len(arrays[1][0]), fields.dtype)
        for source, (p, q) in enumerate(zip(after, fields, strict=True)):
            rows = recorded[source].reshape(len(recorded[source]), -1)
            rows[0] = q
            for step in range(1, (len(rows) - 1) * steps + 1):
                if step % steps == 0:
                    rows[step // steps] = p
                kernels.step_shared(p, q, *arrays, square, old)
                p, q = q, p

    def _require(self, pressure: Any) -> None:
        if pressure.ndim != self.inside.ndim + 1 or pressure.shape[1:] != self.inside.shape:
            shape = ", ".join(map(str, self.inside.shape))
            raise SignatureError(f"initial pressure has shape {pressure.shape}; expected (sources, {shape})")
        if pressure.dtype not in (np.float32, np.float64):
            raise SignatureError(f"initial pressure is of type {pressure.dtype}; expected float32 or float64")
        if not np.isfinite(pressure).all():
            raise SignatureError("initial pressure has values that are NaN or infinite: replace or drop these samples")


def _kernels() -> Any:
    """The compiled kernels, loaded when first needed: importing numba takes a while."""
    from fredholm.solvers import wave_kernels

    return wave_kernels
