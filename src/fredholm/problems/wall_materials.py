"""What a wall is made of, as a user knows it, and its admittance.

Impedance        ξ = Z / (ρ c), the same at all frequencies; absorbs 4ξ / (1 + ξ)² at normal incidence
PorousLayer      a fibrous or foamed layer on a rigid wall, by flow resistivity and thickness
AbsorptionTable  absorption at normal incidence, at some frequencies
MaterialFile     the coefficients of a rational admittance, read from a file
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy import ndarray

from fredholm.solvers.rational_admittance import DENSITY, RationalAdmittance

_POLES = (4, 6, 8)  # tried in turn, until the fit is good
_MISFIT = 0.01


@dataclass(frozen=True)
class Impedance:
    """A specific impedance ξ > 0 at all frequencies; infinity is a rigid wall.

    >>> round(float(Impedance(17.98).admittance(500.0, 343.0).absorption(np.array([500.0]))[0]), 3)
    0.2
    """

    ratio: float = 17.98
    kind: Literal["impedance"] = "impedance"

    def __post_init__(self) -> None:
        if not self.ratio > 0:
            raise ValueError(f"a wall's impedance must be positive, got {self.ratio}")

    def admittance(self, highest_frequency: float, sound_speed: float) -> RationalAdmittance:
        """Y = 1 / (ξ ρ c)."""
        return RationalAdmittance(0.0 if math.isinf(self.ratio) else 1 / (self.ratio * DENSITY * sound_speed))


@dataclass(frozen=True)
class PorousLayer:
    """A porous layer on a rigid wall by Miki's model: flow resistivity in N s/m⁴, thickness in m."""

    flow_resistivity: float = 10_000.0
    thickness: float = 0.03
    kind: Literal["porous_layer"] = "porous_layer"

    def admittance(self, highest_frequency: float, sound_speed: float) -> RationalAdmittance:
        """The model's admittance, fitted up to four times the highest frequency."""
        from fredholm.solvers.porous_layer import MikiLayer

        layer = MikiLayer(self.flow_resistivity, self.thickness, sound_speed)
        band = _band(highest_frequency)
        return _fitted(band, layer.admittance(band))


@dataclass(frozen=True)
class AbsorptionTable:
    """Absorption coefficients at normal incidence, at frequencies in Hz; between them α follows log f."""

    frequencies: tuple[float, ...]
    absorption: tuple[float, ...]
    kind: Literal["absorption_table"] = "absorption_table"

    def admittance(self, highest_frequency: float, sound_speed: float) -> RationalAdmittance:
        """The admittance with this absorption and the least delay."""
        from fredholm.solvers.absorption_table import admittance_of_absorption

        band = _band(highest_frequency)
        table = np.array(self.frequencies), np.array(self.absorption)
        return _fitted(band, admittance_of_absorption(*table, band, sound_speed))


@dataclass(frozen=True)
class MaterialFile:
    """The rational admittance in a `.dat` file; see `fredholm.solvers.material_file`."""

    path: str
    kind: Literal["material_file"] = "material_file"

    def admittance(self, highest_frequency: float, sound_speed: float) -> RationalAdmittance:
        """What the file says."""
        from fredholm.solvers.material_file import read_material

        return read_material(self.path)


WallMaterial = Impedance | PorousLayer | AbsorptionTable | MaterialFile
RIGID = Impedance(math.inf)


def _band(highest_frequency: float) -> ndarray:
    return np.geomspace(min(25.0, highest_frequency / 10), 4 * highest_frequency, 240)


def _fitted(band: ndarray, samples: ndarray) -> RationalAdmittance:
    """The fit with fewest poles that misses no sample by more than a hundredth, or else the best."""
    from fredholm.solvers.vector_fitting import fit_admittance

    best, least = None, math.inf
    for poles in _POLES:
        fitted = fit_admittance(band, samples, poles)
        misfit = float(np.abs(fitted(band) / samples - 1).max())
        if misfit < least:
            best, least = fitted, misfit
        if least < _MISFIT:
            break
    assert best is not None
    return best
