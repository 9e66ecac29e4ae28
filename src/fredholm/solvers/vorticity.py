"""Incompressible flow on a torus: the vorticity equation by a dealiased pseudo-spectral method.

    ∂w/∂t + u·∇w = ν Δw + f,   u = (∂ψ/∂y, -∂ψ/∂x),   -Δψ = w   on the periodic square [0, L)²

Since u is free of divergence, u·∇w = (∂²/∂x² - ∂²/∂y²) uv - ∂²/∂x∂y (u² - v²), which takes two inverse transforms and
two forward ones. Products of modes below two thirds of the Nyquist number are free of aliases there, so that without
viscosity and forcing the semi-discrete flow keeps energy and enstrophy exactly. In time, viscosity is integrated
exactly and the rest by the classical Runge-Kutta method (an integrating factor): fourth order, and stable where the
Courant number dt K max(|u| + |v|), with K the largest wave number kept, is at most 2√2 all the time.

Sources: Basdevant, "Technical improvements for direct numerical simulation of homogeneous three-dimensional
turbulence", J. Comput. Phys. 50 (1983), for the products; Orszag, J. Atmos. Sci. 28 (1971), for the two thirds;
Canuto, Hussaini, Quarteroni, Zang, "Spectral methods: evolution to complex geometries" (2007), section 3.3.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Complex, Float
from numpy import ndarray
from scipy import fft

from fredholm.errors import SolverError

_COURANT_LIMIT = 2 * math.sqrt(
    2
)  # where the classical Runge-Kutta method's stability region ends on the imaginary axis
_HALVINGS = 6  # of the step, before a flow is given up
_CACHED_VALUES = 2**15  # of one field of all flows that are advanced together: more of them fall out of the cache


@dataclass(frozen=True)
class VorticitySolver:
    """Flows on n × n points of a periodic square. Arrays are NumPy's, computed in float64.

    Args:
        points: n, along each side.
        extent: L, the side.
        viscosity: ν.

    >>> w = np.tile(np.cos(np.arange(16) * np.pi / 8), (1, 16, 1))  # a shear flow decays with exp(-ν t)
    >>> end = VorticitySolver(16, 2 * np.pi, viscosity=0.1).solve(w, np.zeros((16, 16)), duration=2.0, step=0.1)
    >>> round(float(end[0, 0, 0]), 6), round(math.exp(-0.2), 6)
    (0.818731, 0.818731)
    """

    points: int
    extent: float
    viscosity: float

    def __post_init__(self) -> None:
        if self.points < 4:
            raise ValueError(f"a flow needs at least 4 points along each side, got {self.points}")
        if not (self.extent > 0 and self.viscosity >= 0):
            raise ValueError(f"extent {self.extent} must be positive and viscosity {self.viscosity} not negative")

    def solve(
        self, vorticity: Float[ndarray, "b n n"], forcing: Float[ndarray, "*b n n"], duration: float, step: float
    ) -> Float[ndarray, "b n n"]:
        """Vorticity of each flow after `duration`, in steps of `step` or a little less.

        The mean, which the curl of a flow on a torus has not, and modes beyond two thirds of the Nyquist number are
        left out. `forcing` (n, n) serves all flows. A flow that breaks the Courant limit is solved for again with
        half the step, and again; SolverError names the first flow that does so with a 64th of `step`.
        """
        initial = self._coefficients(vorticity)
        source = np.broadcast_to(self._coefficients(forcing), initial.shape)
        steps = max(1, math.ceil(duration / step - 1e-9))
        ends, left = np.empty_like(initial), np.arange(len(initial))
        for _ in range(_HALVINGS + 1):
            stable = np.zeros(len(left), bool)
            together = max(1, _CACHED_VALUES // self.points**2)
            for first in range(0, len(left), together):
                flows = left[first : first + together]
                ends[flows], stable[first : first + together] = self._march(
                    initial[flows], source[flows], duration / steps, steps
                )
            left, steps = left[~stable], 2 * steps
            if not len(left):
                return fft.irfft2(ends, s=(self.points, self.points))
        raise SolverError(
            int(left[0]), f"its flow is too fast for {self.points} points and steps of {2 * duration / steps:.3g}"
        )

    def velocity(self, vorticity: Float[ndarray, "b n n"]) -> Float[ndarray, "2 b n n"]:
        """(u, v) of given vorticity."""
        return self._flow(self._coefficients(vorticity))

    def _march(
        self, w: Complex[ndarray, "b n m"], forcing: Complex[ndarray, "b n m"], dt: float, steps: int
    ) -> tuple[Complex[ndarray, "b n m"], Bool[ndarray, " b"]]:
        """Coefficients after the steps, and which flows kept to the Courant limit."""
        decay = np.exp(-0.5 * dt * self.viscosity * self._laplacian)  # over half a step
        fastest = []
        with np.errstate(over="ignore", invalid="ignore"):  # a flow that blows up may do so, and is told
            for _ in range(steps):
                velocity = self._flow(w)
                fastest.append(np.abs(velocity).sum(0).max((1, 2)))
                first = self._slope(velocity, forcing)
                second = self._slope(self._flow(decay * (w + 0.5 * dt * first)), forcing)
                decayed = decay * w
                third = self._slope(self._flow(decayed + 0.5 * dt * second), forcing)
                fourth = self._slope(self._flow(decay * (decayed + dt * third)), forcing)
                w = decay * (decayed + dt / 6 * decay * first + dt / 3 * (second + third)) + dt / 6 * fourth
            fastest.append(np.abs(self._flow(w)).sum(0).max((1, 2)))
        # NaN is not at most the limit: a flow that has blown up is not stable
        return w, dt * self._largest_wave_number * np.max(fastest, axis=0) <= _COURANT_LIMIT

    def _flow(self, w: Complex[ndarray, "b n m"]) -> Float[ndarray, "2 b n n"]:
        return fft.irfft2(self._velocity * w, s=(self.points, self.points), overwrite_x=True)

    def _slope(
        self, velocity: Float[ndarray, "2 b n n"], forcing: Complex[ndarray, "b n m"]
    ) -> Complex[ndarray, "b n m"]:
        """The slope f - u·∇w."""
        u, v = velocity
        products = fft.rfft2(np.stack([u * v, (u - v) * (u + v)]), overwrite_x=True)
        across, along = self._advection
        return forcing + across * products[0] + along * products[1]

    def _coefficients(self, values: Float[ndarray, "*b n n"]) -> Complex[ndarray, "*b n m"]:
        return fft.rfft2(values.astype(np.float64)) * self._kept

    @property
    def _largest_wave_number(self) -> float:
        """Two thirds of the Nyquist number, below which products are free of aliases."""
        return 2 * math.pi / self.extent * self.points / 3

    @cached_property
    def _wave_numbers(self) -> tuple[Float[ndarray, "n m"], Float[ndarray, "n m"]]:
        """(kx, ky) of the coefficients of a real transform, ky along the last axis."""
        order = np.fft.fftfreq(self.points, 1 / self.points)
        half = np.fft.rfftfreq(self.points, 1 / self.points)
        unit = 2 * math.pi / self.extent
        kx, ky = np.meshgrid(unit * order, unit * half, indexing="ij")
        return kx, ky

    @cached_property
    def _laplacian(self) -> Float[ndarray, "n m"]:
        """Symbol k² of -Δ."""
        kx, ky = self._wave_numbers
        return kx**2 + ky**2

    @cached_property
    def _kept(self) -> Float[ndarray, "n m"]:
        """One for modes below two thirds of the Nyquist number, zero for others and for the mean."""
        kx, ky = self._wave_numbers
        limit = self._largest_wave_number
        return ((np.abs(kx) < limit) & (np.abs(ky) < limit) & (self._laplacian > 0)).astype(np.float64)

    @cached_property
    def _velocity(self) -> Complex[ndarray, "2 1 n m"]:
        """Symbols i ky / k² and -i kx / k² that make (u, v) of w."""
        kx, ky = self._wave_numbers
        return 1j * np.stack([ky, -kx])[:, None] * self._kept / np.maximum(self._laplacian, 1e-300)

    @cached_property
    def _advection(self) -> tuple[Float[ndarray, "n m"], Float[ndarray, "n m"]]:
        """Symbols that make -u·∇w of uv and of u² - v²."""
        kx, ky = self._wave_numbers
        return (kx**2 - ky**2) * self._kept, -kx * ky * self._kept
