"""Sound files: WAV, of integers or floats, read as mono numbers in [-1, 1] and written as 16-bit integers."""

import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.errors import DataError

_RATES = (8000, 192_000)  # Hz
_PEAK = 0.9


def read_wave(path: str | Path) -> tuple[Float[ndarray, " n"], int]:
    """Samples, the mean of all channels, and their rate in Hz; raises DataError for what is no such file."""
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # of chunks that hold no sound
            rate, samples = wavfile.read(path)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read as a WAV file: {error}") from error
    if not _RATES[0] <= rate <= _RATES[1]:
        raise DataError(f"{path} has {rate} samples a second: expected {_RATES[0]} to {_RATES[1]}, such as 48000")
    if not len(samples):
        raise DataError(f"{path} holds no sound")
    values = samples.astype(np.float64)
    if samples.dtype == np.uint8:
        values = values / 128 - 1
    elif np.issubdtype(samples.dtype, np.integer):
        values = values / (np.iinfo(samples.dtype).max + 1.0)
    if not np.isfinite(values).all():
        raise DataError(f"{path} has samples that are not finite")
    return values if values.ndim == 1 else values.mean(1), int(rate)


def write_wave(path: str | Path, samples: Float[ndarray, "channels n"], rate: int) -> float:
    """Write channels as 16-bit integers with a peak of 0.9, and return the gain that this took, in dB.

    Silence is written as it is. Raises DataError where the file cannot be written.
    """
    from scipy.io import wavfile

    peak = float(np.abs(samples).max(initial=0.0))
    gain = _PEAK / peak if peak > 0 else 1.0
    try:
        wavfile.write(path, rate, np.round(samples.T * gain * 32767).astype(np.int16))
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error}") from error
    return 20 * float(np.log10(gain))
