"""Winds of a planet without weather stations: a jet in solid-body rotation, and the Rossby-Haurwitz waves it carries.

    ψ = -R U sin φ + Σ_lm a_lm P_lm(sin φ) cos(m λ - ω_lm t + θ_lm),    ω_lm = m (U/R - 2 (Ω + U/R) / (l (l + 1)))

Each wave, of degree l and order m, is alone with the jet an exact solution of the barotropic vorticity equation on the
rotating sphere, so that it moves as large waves of the atmosphere do: eastward with the jet if short, westward against
it if long. Amplitudes are Gaussian, phases uniform; the energy of a degree falls with l^-3, as it does in the
atmosphere. Winds of a stream function have no divergence.

Source: Haurwitz, "The motion of atmospheric disturbances on the spherical earth", J. Marine Research 3 (1940).
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

_TURN = 7.292e-5  # Ω, 1/s
DEGREES = range(3, 9)  # of the waves: planetary ones, which a grid of 16 latitudes resolves


@dataclass(frozen=True)
class PlanetaryWaves:
    """Stream functions of layers at the crossings of some circles with some meridians.

    Args:
        jets: U of each layer, m/s.
        eddies: root mean square of the waves' wind over that of the jet.
        latitudes, longitudes: of the circles and meridians, rad; with both poles among the circles, if any.
        radius: R, m.

    >>> circles, meridians = np.linspace(-np.pi / 2, np.pi / 2, 17), np.arange(32) * np.pi / 16
    >>> waves = PlanetaryWaves((10.0, 20.0), 0.5, tuple(circles), tuple(meridians), radius=6.371e6)
    >>> amplitudes = waves.draw(torch.Generator().manual_seed(0))
    >>> waves.stream(amplitudes[None], np.zeros(1)).shape
    (1, 2, 17, 32)
    """

    jets: tuple[float, ...]
    eddies: float
    latitudes: tuple[float, ...]
    longitudes: tuple[float, ...]
    radius: float

    def draw(self, generator: torch.Generator) -> Float[ndarray, "2 layer wave"]:
        """Amplitudes at time zero of one planet: those of the waves' cosines and sines in longitude, m²/s."""
        noise = torch.randn(2, len(self.jets), self._shapes[0].size, generator=generator, dtype=torch.float64).numpy()
        degree, _ = self._shapes
        energy = degree**-3.0 / (2 * degree + 1)  # of one wave, whose degree has about 2 l + 1
        square = (degree * (degree + 1) * energy).sum() / (2 * math.pi * self.radius**2)  # of the wind of all
        jet = np.array(self.jets)[:, None] * math.sqrt(2 / 3)  # the root mean square of U cos φ
        amplitudes: ndarray = noise * self.eddies * jet * np.sqrt(energy / square)
        return amplitudes

    def stream(
        self, amplitudes: Float[ndarray, "b 2 layer wave"], seconds: Float[ndarray, " b"]
    ) -> Float[ndarray, "b layer latitude longitude"]:
        """ψ, m²/s, a time of its own after the start of each planet; the same number all along a pole."""
        turned = self._frequencies * seconds[:, None, None]
        cosine, sine = amplitudes[:, 0], amplitudes[:, 1]
        along = np.stack(
            [
                cosine * np.cos(turned) - sine * np.sin(turned),
                cosine * np.sin(turned) + sine * np.cos(turned),
            ],
            axis=2,
        )
        psi = along.reshape(*along.shape[:2], -1) @ self._waves
        psi = psi.reshape(*psi.shape[:2], len(self.latitudes), len(self.longitudes))
        jet = np.array(self.jets)[:, None, None] * np.sin(self.latitudes)[:, None]
        total: ndarray = psi - self.radius * jet
        return total

    @cached_property
    def _shapes(self) -> tuple[Float[ndarray, " wave"], Float[ndarray, " wave"]]:
        """Degree and order of every wave; order zero, which does not move, is the jet's."""
        pairs = np.array([(degree, order) for degree in DEGREES for order in range(1, degree + 1)], dtype=np.float64)
        return pairs[:, 0], pairs[:, 1]

    @cached_property
    def _frequencies(self) -> Float[ndarray, "layer wave"]:
        """ω of every wave in the jet of its layer, 1/s."""
        degree, order = self._shapes
        turn = np.array(self.jets)[:, None] / self.radius
        frequencies: ndarray = order * (turn - 2 * (_TURN + turn) / (degree * (degree + 1)))
        return frequencies

    @cached_property
    def _waves(self) -> Float[ndarray, "waves2 points"]:
        """Orthonormal harmonics with cosines, then with sines of longitude, at all crossings."""
        from scipy.special import lpmv, poch

        degree, order = self._shapes
        norm = np.sqrt((2 * degree + 1) / (2 * math.pi) / poch(degree - order + 1, 2 * order))
        legendre = norm[:, None] * lpmv(order[:, None], degree[:, None], np.sin(self.latitudes))  # zero at the poles
        angles = order[:, None] * np.array(self.longitudes)
        both: ndarray = np.concatenate([legendre[..., None] * wave(angles)[:, None] for wave in (np.cos, np.sin)])
        return both.reshape(len(both), -1)
