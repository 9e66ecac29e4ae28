"""Waves that steepen on a periodic line: Burgers, Kuramoto-Sivashinsky and their kin by dealiased Fourier modes.

    ∂u/∂t + ½ ∂(u²)/∂x = L u,   L with symbol L̂(k);   -ν k² for Burgers,   k² - k⁴ for Kuramoto-Sivashinsky

The linear part is integrated exactly, the rest by ETDRK4: fourth order in time, spectral in space. A perturbation of
mode k grows within a step h by about h k φ₁(h L̂) |u| with φ₁(z) = (eᶻ - 1) / z, which generalises the Courant number;
the step is halved until that is at most one for the largest |u|. Burgers' solutions never exceed their initial values.

Sources: Kassam, Trefethen, "Fourth-order time-stepping for stiff PDEs", SIAM J. Sci. Comput. 26 (2005); Canuto,
Hussaini, Quarteroni, Zang, "Spectral methods: fundamentals in single domains" (2006), chapter 3.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float
from numpy import ndarray
from torch import Tensor

from fredholm.errors import SolverError
from fredholm.solvers.exponential_integrator import ETDRK4
from fredholm.solvers.fourier_line import FourierLine

_HALVINGS = 12  # of the step, before a wave is given up
_CACHED_VALUES = 2**16  # of all waves that are advanced together: more of them fall out of the cache
_LOOKED_AFTER = 8  # steps: shocks thicken slowly
_UNRESOLVED = 1e-3  # amplitude of the shortest waves kept, of the largest amplitude


class ConvectionSolver:
    """Waves on n points of a periodic line. Arrays are NumPy's, computed in float64.

    Args:
        line: the points.
        symbol: L̂, from wave numbers (m,) to numbers (m,).
        amplitude: that |u| may reach even if it starts lower; for choosing the step.

    >>> x = np.arange(64) * 2 * np.pi / 64
    >>> solver = burgers(FourierLine(64, 2 * np.pi), viscosity=1.0)
    >>> small = solver.solve(1e-6 * np.sin(x)[None], duration=1.0, step=0.1)  # decays with exp(-ν t)
    >>> round(float(1e6 * small[0, 0, 16]), 6), round(math.exp(-1), 6)
    (0.367879, 0.367879)
    """

    def __init__(
        self,
        line: FourierLine,
        symbol: Callable[[Float[Tensor, " m"]], Float[Tensor, " m"] | Complex[Tensor, " m"]],
        amplitude: float = 0.0,
    ) -> None:
        self.line, self.amplitude = line, amplitude
        self._symbol = symbol(line.wave_numbers).to(torch.complex128)
        self._factor = -0.5j * line.wave_numbers

    def solve(
        self, initial: Float[ndarray, "b n"], duration: float, step: float, frames: int = 1
    ) -> Float[ndarray, "b {frames} n"]:
        """Values u at `frames` times duration / frames, ..., duration, in steps of `step` or less.

        Modes beyond two thirds of the Nyquist number are left out. SolverError names the first wave that is too fast
        for any step, becomes infinite, or steepens until the points do not resolve it: until its shortest modes
        exceed both their start and 1e-3 of its largest.
        """
        if not 0 < step < math.inf or not 0 < duration < math.inf:
            raise ValueError(f"step {step} and duration {duration} must be positive and finite")
        steps = self._steps(np.abs(initial).max(1), duration / frames, step)
        answers = np.empty((len(initial), frames, self.line.points))
        resolved = np.empty(len(initial), bool)
        together = max(1, _CACHED_VALUES // self.line.points)
        for count in np.unique(steps):
            alike = np.flatnonzero(steps == count)
            integrator = ETDRK4(self._symbol, self._slope, duration / frames / count, self._factor)
            for first in range(0, len(alike), together):
                waves = alike[first : first + together]
                start = torch.from_numpy(initial[waves].astype(np.float64))
                answers[waves], resolved[waves] = self._march(start, integrator, int(count), frames)
        if not resolved.all():
            self._give_up(int(resolved.argmin()), initial, answers)
        return answers

    def _march(
        self, initial: Float[Tensor, "b n"], integrator: ETDRK4, steps: int, frames: int
    ) -> tuple[Float[ndarray, "b frames n"], Bool[ndarray, " b"]]:
        """Frames of a few waves, and which of them stayed resolved."""
        v = self.line.coefficients(initial).contiguous()
        allowed = torch.maximum(self._shortest(v), _UNRESOLVED * v.abs().amax(1))
        resolved = torch.ones(len(v), dtype=torch.bool)
        answers = torch.empty(len(v), frames, self.line.points, dtype=torch.float64)
        for frame in range(frames):
            for step in range(1, steps + 1):
                v = integrator.advance(v)
                if step % _LOOKED_AFTER == 0 or step == steps:
                    resolved &= self._shortest(v) <= allowed  # NaN is not
            answers[:, frame] = self.line.values(v)
        return answers.numpy(), resolved.numpy()

    def _slope(self, v: Complex[Tensor, "b m"]) -> Complex[Tensor, "b m"]:
        """The coefficients of u², of which -½ i k makes the slope."""
        return self.line.coefficients(self.line.values(v).square_())

    def _shortest(self, v: Complex[Tensor, "b m"]) -> Float[Tensor, " b"]:
        """Largest amplitude among the shortest eighth of the waves."""
        return v[:, -max(1, v.shape[1] // 8) :].abs().amax(1)

    def _steps(self, largest: Float[ndarray, " b"], duration: float, step: float) -> ndarray:
        """Steps that each wave takes in `duration`: a power of two times as many as `step` asks for."""
        steps = np.full(len(largest), max(1, math.ceil(duration / step - 1e-9)))
        speed = np.maximum(largest, self.amplitude)
        for _ in range(_HALVINGS):
            growth = {count: self._growth(duration / count) for count in np.unique(steps)}
            fast = np.array([growth[count] for count in steps]) * speed > 1
            if not fast.any():
                return steps
            steps[fast] *= 2
        raise SolverError(
            int(fast.argmax()),
            f"its values reach {largest[fast.argmax()]:.3g}, too fast for {self.line.points} points and steps of "
            f"{duration / steps.max():.3g}",
        )

    def _growth(self, step: float) -> float:
        """Largest h k |φ₁(h L̂)|: growth of a perturbation within a step where |u| = 1."""
        z = step * self._symbol[1:].numpy()
        safe = np.where(np.abs(z) < 1e-8, 1.0, z)
        phi = np.where(np.abs(z) < 1e-8, 1.0, np.expm1(safe) / safe)
        return float((step * self.line.wave_numbers[1:].numpy() * np.abs(phi)).max())

    def _give_up(self, wave: int, initial: Float[ndarray, "b n"], answers: Float[ndarray, "b frames n"]) -> None:
        if not np.isfinite(answers[wave]).all():
            raise SolverError(wave, "it becomes infinite: take a smaller step")
        raise SolverError(
            wave,
            f"it steepens until {self.line.points} points do not resolve it: take more points or stronger diffusion "
            f"(its values span {np.ptp(initial[wave]):.3g})",
        )


def burgers(line: FourierLine, viscosity: float) -> ConvectionSolver:
    """Solver of ∂u/∂t + u ∂u/∂x = ν ∂²u/∂x²; raises ValueError unless ν > 0."""
    if not 0 < viscosity < math.inf:
        raise ValueError(f"viscosity must be positive and finite, got {viscosity}")
    return ConvectionSolver(line, lambda k: -viscosity * k**2)


def kuramoto_sivashinsky(line: FourierLine) -> ConvectionSolver:
    """Solver of ∂u/∂t + u ∂u/∂x + ∂²u/∂x² + ∂⁴u/∂x⁴ = 0, whose chaos seldom exceeds |u| = 4."""
    return ConvectionSolver(line, lambda k: k**2 - k**4, amplitude=4.0)
