"""From the response to a Gaussian pulse of pressure to an impulse response that can be heard.

An initial pressure u is a source u(x) δ'(t) of the wave equation. A Gaussian of width σ has the spectrum
S(k) = (√π σ)ᵈ exp(-(kσ/2)²), k = ω / c, so that in any room, where no wall cuts the pulse,

    H(ω) = c² P(ω) / (jω S(ω/c))

is the response to a unit impulse of a monopole: in free space h = δ(t - r/c) / 4πr in three dimensions. Division by S
is regularised, S / (S² + ε² S(0)²), and the band ends with a raised cosine between 0.8 fmax and fmax; division by jω
is jω / (jω + ω₀)², which keeps out what a short record cannot say of low frequencies.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.errors import SignatureError

_TAPER = 0.1  # of the record, at its end
_EDGE = 0.8  # of fmax: where the band begins to end
_RATIO = 4000  # largest denominator of a ratio of sampling rates


@dataclass(frozen=True)
class PulseResponse:
    """What is known of a recorded response to a pulse.

    Args:
        interval: of the recorded times, s.
        highest_frequency: fmax of the pulse, Hz, whose width is σ = 2c / (π fmax).
        dimension: d of the scene.
        sound_speed: c, m/s.
        lowest_frequency: ω₀ / 2π, Hz.
        regularisation: ε.

    >>> pulse = PulseResponse(interval=5e-4, highest_frequency=500.0, dimension=2)
    >>> pulse.impulse(np.zeros((3, 25))).shape
    (3, 25)
    """

    interval: float
    highest_frequency: float
    dimension: int
    sound_speed: float = 343.0
    lowest_frequency: float = 30.0
    regularisation: float = 0.005

    def __post_init__(self) -> None:
        if not 0 < self.lowest_frequency < _EDGE * self.highest_frequency:
            raise ValueError(f"a band from {self.lowest_frequency} Hz to {self.highest_frequency} Hz is empty")
        if 2 * self.highest_frequency * self.interval > 1 + 1e-9:
            raise SignatureError(
                f"a record every {self.interval:g} s cannot hold {self.highest_frequency:g} Hz: record every "
                f"{1 / (2 * self.highest_frequency):.3g} s or more often"
            )

    @property
    def width(self) -> float:
        """σ, m."""
        return 2 * self.sound_speed / (math.pi * self.highest_frequency)

    def window(self, frequency: Float[ndarray, " f"]) -> Float[ndarray, " f"]:
        """Weight of each frequency: one up to 0.8 fmax, zero from fmax."""
        place = (np.abs(frequency) / self.highest_frequency - _EDGE) / (1 - _EDGE)
        return 0.5 * (1 + np.cos(np.pi * np.clip(place, 0, 1)))

    def filter(self, frequency: Float[ndarray, " f"]) -> ndarray:
        """What P is multiplied with, complex."""
        omega = 2 * np.pi * frequency
        relative = np.exp(-((omega / self.sound_speed * self.width / 2) ** 2))
        inverse = relative / (relative**2 + self.regularisation**2)
        volume = (math.sqrt(math.pi) * self.width) ** self.dimension
        integral = 1j * omega / (1j * omega + 2 * np.pi * self.lowest_frequency) ** 2
        return self.sound_speed**2 / volume * inverse * integral * self.window(frequency)

    def impulse(self, pressure: Float[ndarray, "*batch times"]) -> Float[ndarray, "*batch times"]:
        """H at the recorded times, 1/s times the units of a Green's function, of pressure recorded from t = 0."""
        count = pressure.shape[-1]
        fade = max(1, int(_TAPER * count))
        taper = np.ones(count)
        taper[count - fade :] = 0.5 * (1 + np.cos(np.pi * (np.arange(fade) + 1) / fade))
        padded = 1 << (3 * count - 1).bit_length()  # room for what the filter spreads to both sides
        frequency = np.fft.rfftfreq(padded, self.interval)
        spectrum = np.fft.rfft(pressure * taper, padded) * self.filter(frequency)
        return np.fft.irfft(spectrum, padded)[..., :count]


def resampled(response: Float[ndarray, "*batch times"], interval: float, rate: float) -> Float[ndarray, "*batch taps"]:
    """The same function of time at `rate` Hz, band-limited, as the taps of a digital filter: times 1 / rate.

    Raises SignatureError for a rate below that of the response.

    >>> resampled(np.ones((2, 25)), 5e-4, 48000.0).shape
    (2, 600)
    """
    from scipy.signal import resample_poly

    ratio = Fraction(rate * interval).limit_denominator(_RATIO)
    if ratio < 1 or abs(float(ratio) - rate * interval) > 1e-7 * rate * interval:
        raise SignatureError(
            f"a response every {interval:g} s cannot be brought to {rate:g} Hz: the rate must be {1 / interval:g} Hz "
            "or more, and their ratio one of whole numbers"
        )
    taps: ndarray = resample_poly(response, ratio.numerator, ratio.denominator, axis=-1)
    return taps / rate
