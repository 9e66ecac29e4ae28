"""A porous layer on a rigid wall: Miki's model.

With x = f / σ, frequency over flow resistivity, a fibrous or foamed absorber has

    Zc = ρc (1 + 0.070 x^-0.632 - 0.107j x^-0.632),   k = (ω/c) (1 + 0.109 x^-0.618 - 0.160j x^-0.618)

and a layer of thickness d before a rigid wall the surface impedance Z = -j Zc cot(k d), with admittance Y = 1 / Z. The
model was fitted for 0.01 < x < 1; below that it stays physical, unlike that of Delany and Bazley.

Source: Miki, "Acoustical properties of porous materials: modifications of Delany-Bazley models", J. Acoust. Soc. Japan
(E) 11 (1990), equations 30 to 33.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from fredholm.solvers.rational_admittance import DENSITY, SOUND_SPEED, normal_absorption


@dataclass(frozen=True)
class MikiLayer:
    """A porous layer of flow resistivity σ, N s/m⁴, and thickness d, m, on a rigid wall.

    >>> layer = MikiLayer(flow_resistivity=10_000.0, thickness=0.03)
    >>> [round(float(a), 3) for a in layer.absorption(np.array([200.0, 500.0, 1000.0]))]
    [0.057, 0.202, 0.477]
    """

    flow_resistivity: float
    thickness: float
    sound_speed: float = SOUND_SPEED
    density: float = DENSITY

    def __post_init__(self) -> None:
        for what, value in (("flow resistivity", self.flow_resistivity), ("thickness", self.thickness)):
            if not 0 < value < math.inf:
                raise ValueError(f"a porous layer's {what} must be positive and finite, got {value}")

    def admittance(self, frequency: Float[ndarray, " f"]) -> Shaped[ndarray, " f"]:
        """Y at positive frequencies in Hz, m/(Pa s), complex."""
        ratio = np.asarray(frequency, dtype=np.float64) / self.flow_resistivity
        characteristic = self.density * self.sound_speed * (1 + (0.070 - 0.107j) * ratio**-0.632)
        wave_number = 2 * math.pi * frequency / self.sound_speed * (1 + (0.109 - 0.160j) * ratio**-0.618)
        return 1j * np.tan(wave_number * self.thickness) / characteristic

    def absorption(self, frequency: Float[ndarray, " f"]) -> Float[ndarray, " f"]:
        """Share of the energy that it takes of a plane wave at normal incidence."""
        return normal_absorption(self.density * self.sound_speed * self.admittance(frequency))
