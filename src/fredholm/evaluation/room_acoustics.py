"""Room-acoustic parameters of an impulse response, as ISO 3382-1 defines them.

    E(t) = ∫ₜ^∞ h² (Schroeder),   L(t) = 10 log₁₀ E(t) / E(0)
    T30  from the slope of L between -5 and -35 dB, EDT from 0 to -10 dB, both for a decay of 60 dB
    C50  10 log₁₀ of the energy in the first 50 ms over the rest, D50 its share of the whole

Time counts from the arrival of the direct sound, where the response first comes within 20 dB of its greatest value.

Source: ISO 3382-1:2009, "Measurement of room acoustic parameters", annex A; Schroeder, "New method of measuring
reverberation time", J. Acoust. Soc. Am. 37 (1965).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.errors import DataError

_EARLY = 0.050  # s
_ONSET = 0.1  # 20 dB


@dataclass(frozen=True)
class RoomAcoustics:
    """T30 and EDT in s, C50 in dB, D50 as a share of one. T30 is NaN where the response does not fall by 35 dB.

    >>> rate = 8000
    >>> decay = 10.0 ** (-3 * np.arange(rate) / rate)  # 60 dB in one second
    >>> found = RoomAcoustics.of(decay, rate)
    >>> round(found.t30, 2), round(found.edt, 2), round(found.c50, 1)
    (1.0, 1.0, -0.0)
    """

    t30: float
    edt: float
    c50: float
    d50: float

    @classmethod
    def of(cls, response: Float[ndarray, " taps"], rate: float) -> "RoomAcoustics":
        """Parameters of a response sampled at `rate` Hz; raises DataError for one that is silent or not finite."""
        heard = np.asarray(response, dtype=np.float64)
        if not np.isfinite(heard).all() or not heard.any():
            raise DataError("an impulse response is silent, or has values that are not finite")
        heard = heard[onset(heard) :]
        left = np.cumsum(heard[::-1] ** 2)[::-1]
        levels = 10 * np.log10(np.maximum(left / left[0], 1e-30))
        early = round(_EARLY * rate)
        late = float(left[early]) if early < len(left) else 0.0
        share = 1 - late / float(left[0])
        clarity = 10 * np.log10(share / (1 - share)) if late > 0 else np.inf
        return cls(_decay(levels, rate, -5, -35), _decay(levels, rate, 0, -10), float(clarity), share)


def onset(response: Float[ndarray, " taps"]) -> int:
    """Number of the first value that is within 20 dB of the greatest.

    >>> onset(np.array([0.0, 0.01, 1.0, 0.5]))
    2
    """
    size = np.abs(response)
    return int(np.flatnonzero(size >= _ONSET * size.max())[0])


def _decay(levels: ndarray, rate: float, upper: float, lower: float) -> float:
    """Seconds to fall by 60 dB at the slope of the regression line between two levels."""
    between = np.flatnonzero((levels <= upper) & (levels >= lower))
    if levels[-1] > lower or len(between) < 2:
        return float("nan")
    slope = np.polyfit(between / rate, levels[between], 1)[0]
    return float(-60 / slope)
