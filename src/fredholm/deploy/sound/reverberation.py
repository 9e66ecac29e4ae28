"""What a band-limited, short response leaves out: sound above the trained band, and after the end of the record.

Two models of a room by geometry alone give responses of all frequencies:

    image sources   in an empty box: δ(t - r/c) R^reflections / 4πr of every mirror image, exact for rigid walls
    diffuse         the direct sound, then noise that dies as exp(-6.9 t / T60), by Eyring's

        T60 = 13.8 l / (c |ln(1 - α)|),   l = 4 V / S (in the plane π A / U), the mean free path

`completed` takes from them what lies above the crossover and after the record, at the level that makes both equal in
the last octave of the band.

Sources: Allen, Berkley, "Image method for efficiently simulating small-room acoustics", J. Acoust. Soc. Am. 65 (1979);
Eyring, "Reverberation time in dead rooms", J. Acoust. Soc. Am. 1 (1930).
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.deploy.sound.impulse_response import PulseResponse

_SINC = 16  # taps to each side of an arrival between two samples


def reverberation_time(volume: float, surface: float, absorption: float, dimension: int, sound_speed: float) -> float:
    """Eyring's T60, s, of a mean absorption coefficient in (0, 1); in the plane of area and perimeter.

    >>> round(reverberation_time(200.0, 220.0, 0.2, 3, 343.0), 2)
    0.66
    """
    if not 0 < absorption < 1:
        raise ValueError(f"a mean absorption must lie between 0 and 1, got {absorption}")
    path = 4 * volume / surface if dimension == 3 else math.pi * volume / surface
    return 6 * math.log(10) * path / (sound_speed * -math.log1p(-absorption))


@dataclass(frozen=True)
class ImageSources:
    """An empty box with its lower corner at `lower` and sides `lengths`, m; walls reflect the share `reflection`."""

    lower: tuple[float, ...]
    lengths: tuple[float, ...]
    reflection: float
    sound_speed: float = 343.0

    def response(
        self, source: Float[ndarray, " d"], receiver: Float[ndarray, " d"], rate: float, taps: int
    ) -> Float[ndarray, " taps"]:
        """Taps at `rate` Hz of all images whose sound arrives in time."""
        reach = self.sound_speed * taps / rate
        axes = []
        for lower, length, s, r in zip(self.lower, self.lengths, source, receiver, strict=True):
            order = int(reach / (2 * length)) + 1
            shift = 2 * length * np.arange(-order, order + 1)
            straight, mirrored = s - r + shift, 2 * lower - s - r + shift
            hits = np.abs(2 * np.arange(-order, order + 1))
            hits_mirrored = np.abs(2 * np.arange(-order, order + 1) - 1)
            axes.append((np.concatenate([straight, mirrored]), np.concatenate([hits, hits_mirrored])))
        squared, number = np.zeros(1), np.zeros(1, int)
        for offset, hits in axes:
            squared = (squared[:, None] + offset**2).ravel()
            number = (number[:, None] + hits).ravel()
            near = squared < reach**2
            squared, number = squared[near], number[near]
        distance = np.sqrt(np.maximum(squared, 1e-6))
        return _arrivals(distance / self.sound_speed * rate, self.reflection**number / (4 * math.pi * distance), taps)


@dataclass(frozen=True)
class Diffuse:
    """A room of which the reverberation time, s, is known; the noise is that of the seed, wherever one listens."""

    time: float
    volume: float
    sound_speed: float = 343.0
    seed: int = 0

    def response(
        self, source: Float[ndarray, " d"], receiver: Float[ndarray, " d"], rate: float, taps: int
    ) -> Float[ndarray, " taps"]:
        """Direct sound and noise of the power that reverberation has in theory, from the arrival on."""
        distance = max(float(np.linalg.norm(source - receiver)), 0.05)
        direct = _arrivals(
            np.array([distance / self.sound_speed * rate]), np.array([1 / (4 * math.pi * distance)]), taps
        )
        time = np.arange(taps) / rate
        # image density 4πc³t²/V dt times (4πct)⁻²: c / 4πV of energy a second, before walls have taken theirs
        power = self.sound_speed / (4 * math.pi * self.volume) / rate
        noise = np.random.default_rng(self.seed).standard_normal(taps)
        fall = np.exp(-3 * math.log(10) * time / self.time)
        return direct + math.sqrt(power) * noise * fall * (time > distance / self.sound_speed)


def completed(
    response: Float[ndarray, " taps"],
    wide: Float[ndarray, " longer"],
    rate: float,
    band: PulseResponse,
    recorded: float,
) -> Float[ndarray, " longer"]:
    """A response in the trained band, of `recorded` s, with what a model of all frequencies says beyond it.

    The model's level is set by its energy in the last octave below 0.8 fmax, in the time that was recorded.

    >>> band = PulseResponse(interval=5e-4, highest_frequency=500.0, dimension=3)
    >>> completed(np.zeros(240), np.ones(480), 48000.0, band, recorded=0.005).any()
    np.False_
    """
    count = len(wide)
    low = np.zeros(count)
    kept = min(len(response), count)
    low[:kept] = response[:kept]
    padded = 1 << (2 * count - 1).bit_length()
    frequency = np.fft.rfftfreq(padded, 1 / rate)
    early = np.arange(count) < recorded * rate
    top = 0.8 * band.highest_frequency
    octave = (frequency >= top / 2) & (frequency <= top)
    level = np.sqrt(
        (np.abs(np.fft.rfft(low, padded)[octave]) ** 2).sum()
        / max((np.abs(np.fft.rfft(wide * early, padded)[octave]) ** 2).sum(), 1e-300)
    )
    window = band.window(frequency)
    above = np.fft.irfft(np.fft.rfft(wide, padded) * np.sqrt(1 - window**2), padded)[:count]
    begins = 0.9 * recorded  # where the record fades out
    rise = np.sin(np.pi / 2 * np.clip((np.arange(count) / rate - begins) / (recorded - begins), 0, 1))
    late = np.fft.irfft(np.fft.rfft(wide * rise, padded) * window, padded)[:count]
    return low + level * (above + late)


def _arrivals(places: ndarray, sizes: ndarray, taps: int) -> ndarray:
    """Taps of impulses between samples, by windowed sinc functions."""
    nearest = np.round(places).astype(int)
    offsets = np.arange(-_SINC, _SINC + 1)
    distance = nearest[:, None] + offsets - places[:, None]
    shape = np.sinc(distance) * np.cos(np.pi / 2 * np.clip(distance / (_SINC + 1), -1, 1)) ** 2
    at = nearest[:, None] + offsets
    inside = (at >= 0) & (at < taps)
    return np.bincount(at[inside], (sizes[:, None] * shape)[inside], minlength=taps)
