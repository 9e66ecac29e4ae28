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
import torch
from jaxtyping import Bool, Complex, Float
from numpy import ndarray
from torch import Tensor, fft

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
        source = self._coefficients(forcing).expand(initial.shape)
        steps = max(1, math.ceil(duration / step - 1e-9))
        ends, left = torch.empty_like(initial), torch.arange(len(initial))
        for _ in range(_HALVINGS + 1):
            stable = torch.zeros(len(left), dtype=torch.bool)
            together = max(1, _CACHED_VALUES // self.points**2)
            for first in range(0, len(left), together):
                flows = left[first : first + together]
                ends[flows], stable[first : first + together] = self._march(
                    initial[flows], source[flows], duration / steps, steps
                )
            left, steps = left[~stable], 2 * steps
            if not len(left):
                return self._values(ends).numpy()
        raise SolverError(
            int(left[0]), f"its flow is too fast for {self.points} points and steps of {2 * duration / steps:.3g}"
        )

    def velocity(self, vorticity: Float[ndarray, "b n n"]) -> Float[ndarray, "2 b n n"]:
        """(u, v) of given vorticity."""
        return self._flow(self._coefficients(vorticity)).numpy()

    def _march(
        self, w: Complex[Tensor, "b m n"], forcing: Complex[Tensor, "b m n"], dt: float, steps: int
    ) -> tuple[Complex[Tensor, "b m n"], Bool[Tensor, " b"]]:
        """Coefficients after the steps, and which flows kept to the Courant limit."""
        decay = torch.exp(-0.5 * dt * self.viscosity * self._laplacian).to(w.dtype)  # over half a step
        fastest = []
        for _ in range(steps):
            velocity = self._flow(w)
            fastest.append(velocity.abs().sum(0).amax((1, 2)))
            first = self._slope(velocity, forcing)
            decayed = decay * w
            second = self._slope(self._flow(torch.addcmul(decayed, decay, first, value=0.5 * dt)), forcing)
            third = self._slope(self._flow(torch.add(decayed, second, alpha=0.5 * dt)), forcing)
            fourth = self._slope(self._flow(decay * torch.add(decayed, third, alpha=dt)), forcing)
            inner = torch.addcmul(decayed, decay, first, value=dt / 6).add_(second + third, alpha=dt / 3)
            w = (decay * inner).add_(fourth, alpha=dt / 6)
        fastest.append(self._flow(w).abs().sum(0).amax((1, 2)))
        # NaN is not at most the limit: a flow that has blown up is not stable
        return w, dt * self._largest_wave_number * torch.stack(fastest).amax(0) <= _COURANT_LIMIT

    def _flow(self, w: Complex[Tensor, "b m n"]) -> Float[Tensor, "2 b n n"]:
        return self._values(self._velocity * w)

    def _slope(self, velocity: Float[Tensor, "2 b n n"], forcing: Complex[Tensor, "b m n"]) -> Complex[Tensor, "b m n"]:
        """The slope f - u·∇w."""
        u, v = velocity
        products = self._transform(torch.stack([u * v, (u - v) * (u + v)]))
        across, along = self._advection
        return torch.addcmul(forcing, across, products[0]).addcmul_(along, products[1])

    def _coefficients(self, values: Float[ndarray, "*b n n"]) -> Complex[Tensor, "*b m n"]:
        return self._transform(torch.from_numpy(values.astype(np.float64))) * self._kept

    def _transform(self, values: Float[Tensor, "*b n n"]) -> Complex[Tensor, "*b m n"]:
        """Coefficients (ky, kx): only the modes that are kept along the last axis are transformed along the first.

        Each transform runs along contiguous memory: else its rounding would depend on how many flows there are.
        """
        return fft.fft(fft.rfft(values)[..., : self._columns].mT.contiguous())

    def _values(self, coefficients: Complex[Tensor, "*b m n"]) -> Float[Tensor, "*b n n"]:
        return fft.irfft(fft.ifft(coefficients).mT.contiguous(), n=self.points)

    @property
    def _columns(self) -> int:
        """Modes 0, ..., m - 1 below two thirds of the Nyquist number."""
        return (self.points + 2) // 3

    @property
    def _largest_wave_number(self) -> float:
        """Two thirds of the Nyquist number, below which products are free of aliases."""
        return 2 * math.pi / self.extent * self.points / 3

    @cached_property
    def _wave_numbers(self) -> tuple[Float[Tensor, "m n"], Float[Tensor, "m n"]]:
        """(kx, ky) of the coefficients, kx along the last axis."""
        order = fft.fftfreq(self.points, 1 / self.points, dtype=torch.float64)
        half = torch.arange(self._columns, dtype=torch.float64)
        unit = 2 * math.pi / self.extent
        ky, kx = torch.meshgrid(unit * half, unit * order, indexing="ij")
        return kx, ky

    @cached_property
    def _laplacian(self) -> Float[Tensor, "m n"]:
        """Symbol k² of -Δ."""
        kx, ky = self._wave_numbers
        return kx**2 + ky**2

    @cached_property
    def _kept(self) -> Float[Tensor, "m n"]:
        """One for modes below two thirds of the Nyquist number, zero for others and for the mean."""
        kx, _ = self._wave_numbers
        return ((kx.abs() < self._largest_wave_number) & (self._laplacian > 0)).to(torch.float64)

    @cached_property
    def _velocity(self) -> Complex[Tensor, "2 1 m n"]:
        """Symbols i ky / k² and -i kx / k² that make (u, v) of w."""
        kx, ky = self._wave_numbers
        return 1j * torch.stack([ky, -kx])[:, None] * self._kept / self._laplacian.clamp(min=1e-300)

    @cached_property
    def _advection(self) -> tuple[Complex[Tensor, "m n"], Complex[Tensor, "m n"]]:
        """Symbols that make -u·∇w of uv and of u² - v²."""
        kx, ky = self._wave_numbers
        across, along = (kx**2 - ky**2) * self._kept, -kx * ky * self._kept
        return across.to(torch.complex128), along.to(torch.complex128)
