"""The admittance of a wall of which only the absorption is known, at some frequencies.

A table of absorption coefficients α(f) at normal incidence fixes the modulus of the reflection, |R|² = 1 - α. Of all
reflections with this modulus the one with least delay is

    R = exp(g + j H[g]),   g = ½ log(1 - α),

H the Hilbert transform over frequency; it is causal, it is 1 in modulus where nothing is absorbed, and
Y = (1 - R) / ((1 + R) ρ c) is then passive and causal.

Source: Oppenheim, Schafer, "Discrete-time signal processing", section on minimum phase and the real cepstrum.
"""

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from fredholm.solvers.rational_admittance import DENSITY, SOUND_SPEED

_BINS = 2**14  # of the frequency axis; its end lies eight times above the table


def admittance_of_absorption(
    table_frequency: Float[ndarray, " n"],
    absorption: Float[ndarray, " n"],
    frequency: Float[ndarray, " f"],
    sound_speed: float = SOUND_SPEED,
    density: float = DENSITY,
) -> Shaped[ndarray, " f"]:
    """Y at `frequency`, m/(Pa s), of a wall with this absorption at normal incidence.

    Between the table's frequencies α follows log f linearly, beyond them it stays. Raises ValueError for a
    table that is not increasing in frequency, or absorption outside [0, 1).

    >>> y = admittance_of_absorption(np.array([500.0]), np.array([0.1997]), np.array([250.0, 500.0]))
    >>> np.round(1 / (1.2 * 343 * y.real), 1).tolist()
    [18.0, 18.0]
    """
    table_frequency, absorption = np.asarray(table_frequency, float), np.asarray(absorption, float)
    if len(table_frequency) != len(absorption) or not len(absorption):
        raise ValueError(
            f"{len(table_frequency)} frequencies and {len(absorption)} absorption coefficients do not pair"
        )
    if not (table_frequency > 0).all() or not (np.diff(table_frequency) > 0).all():
        raise ValueError("the frequencies of an absorption table must be positive and increase")
    if not ((absorption >= 0) & (absorption < 1)).all():
        raise ValueError("absorption at normal incidence lies in [0, 1): a coefficient of 1 or more has no impedance")
    top = 8 * max(table_frequency[-1], float(np.max(frequency)))
    bins = np.linspace(0.0, top, _BINS + 1)
    share = np.interp(np.log(np.maximum(bins, 1e-3)), np.log(table_frequency), absorption)
    cepstrum = np.fft.irfft(0.5 * np.log1p(-share))
    cepstrum[1:_BINS] *= 2  # what is causal counts twice, what is not is left out
    cepstrum[_BINS + 1 :] = 0
    reflection = np.exp(np.fft.rfft(cepstrum))
    specific = (1 - reflection) / (1 + reflection)
    at = np.interp(frequency, bins, specific.real) + 1j * np.interp(frequency, bins, specific.imag)
    return at / (density * sound_speed)
