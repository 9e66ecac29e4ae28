"""The heat equation in a box: exactly in time, by the eigenvectors of diffusion on equal cells.

    ∂u/∂t = a Δu + f  in (0, L₁) × ... × (0, L_d),   a ∂u/∂n = β (g - u)  at the walls

With A = Q diag(λ) Qᵀ for -a Δ, and in f what comes through the walls, û = Qᵀ u is

    û(t) = exp(-λ t) û(0) + (1 - exp(-λ t)) / λ f̂

There is no time step; second order in space. Source and walls do not change in time.

Source: Lynch, Rice, Thomas, "Direct solution of partial difference equations by tensor product methods", Numer. Math. 6
(1964).
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.solvers.box_modes import BoxModes
from fredholm.solvers.finite_volume_diffusion import FiniteVolumeDiffusion, Wall


@dataclass(frozen=True)
class HeatSolver:
    """Heat in a box of cells. Arrays are NumPy's, computed in float64.

    Args:
        lengths: of the box; its cells are told by the shape of the initial values.
        diffusivity: a.
        walls: of the box, at the lower and the upper end of every axis; u = 0, if not given.

    >>> solver = HeatSolver((1.0,), 0.1)
    >>> sine = np.sin(math.pi * (np.arange(64) + 0.5) / 64)[None]
    >>> end = solver.solve(sine, np.zeros((1, 64)), np.array([1.0]))
    >>> round(float(end.max()), 3), round(math.exp(-0.1 * math.pi**2), 3)
    (0.373, 0.373)
    """

    lengths: tuple[float, ...]
    diffusivity: float
    walls: tuple[tuple[Wall, Wall], ...] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.diffusivity < math.inf:
            raise ValueError(f"the diffusivity must be positive and finite, got {self.diffusivity}")
        FiniteVolumeDiffusion(self.lengths, self.walls)  # which refuses impossible boxes

    def solve(
        self, initial: Float[ndarray, "n *cells"], source: Float[ndarray, "n *cells"], times: Float[ndarray, " t"]
    ) -> Float[ndarray, "n t *cells"]:
        """U at `times` >= 0."""
        diffusion = FiniteVolumeDiffusion(self.lengths, self.walls)
        modes = BoxModes.of(diffusion, initial.shape[1:], self.diffusivity)
        beyond = diffusion.stencil(np.full(initial.shape[1:], self.diffusivity)).beyond
        start, driven = modes.coefficients(initial.astype(np.float64)), modes.coefficients(source + beyond)
        rates = np.maximum(modes.eigenvalues, 0.0)  # zero is a rate, which rounding may take for a little less
        states = np.empty((len(initial), len(times), *initial.shape[1:]))
        for k, time in enumerate(times):
            lasting = np.where(rates > 0, -np.expm1(-rates * time) / np.where(rates > 0, rates, 1.0), time)
            states[:, k] = modes.values(np.exp(-rates * time) * start + lasting * driven)
        return states
