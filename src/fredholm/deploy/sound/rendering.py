"""Rendering: dry sound at a source in a room, heard by a listener who moves, by an operator that has learned the room.

    operator -> response to a pulse -> impulse response -> sound card's rate -> [tail] -> convolution along the path

For a listener's place the operator is asked for the pressure at both ears at all recorded times; `impulse_response`
makes filters of it, `reverberation` adds what the record leaves out, `moving_filter` fades from place to place.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.deploy.artifact import Artifact, load
from fredholm.deploy.sound.impulse_response import resampled
from fredholm.deploy.sound.listener_path import ListenerPath, read_path
from fredholm.deploy.sound.listening_room import ListeningRoom
from fredholm.deploy.sound.moving_filter import filtered_along
from fredholm.deploy.sound.reverberation import Diffuse, ImageSources, completed
from fredholm.deploy.sound.wave_file import read_wave, write_wave
from fredholm.errors import SignatureError

_TAIL = 0.8  # of T60: 48 dB
_LONGEST = 2.0  # s
_UPDATES = 60  # filters a second
_EARLY = 0.06  # s, by image sources


class Auralization:
    """One source in an artifact's room, for listeners anywhere.

    Args:
        artifact: an operator of `Room`, or of `SoundScene` with receivers on a grid.
        source: its place, m.
        rate: of the filters, Hz.
        tail: whether to add what lies above the trained band and after the record, by a model.
        seed: of the noise in the tail; the ears have noise of their own.

    Raises ArtifactError for other artifacts, OutsideDomainError for a source where the operator knows none.

    >>> heard = Auralization(load("runs/room/artifact"), np.array([0.8, 1.2]), rate=48000)  # doctest: +SKIP
    >>> heard.filters(np.array([[1.4, 1.0]])).shape  # doctest: +SKIP
    (1, 21600)
    """

    def __init__(
        self, artifact: Artifact, source: Float[ndarray, " d"], rate: int, tail: bool = True, seed: int = 0
    ) -> None:
        self.artifact, self.room, self.source, self.rate = artifact, ListeningRoom.of(artifact), source, rate
        if len(source) != len(self.room.lengths):
            raise SignatureError(f"a source in this room has {len(self.room.lengths)} coordinates, got {len(source)}")
        self.inputs, self.tail, self.seed = self.room.pulse(source), tail, seed
        longest = min(_LONGEST, max(self.room.recorded, _TAIL * self.room.reverberation_time))
        recorded = resampled(np.zeros(len(self.room.times)), self.room.band.interval, rate).shape[-1]
        self.taps = round(longest * rate) if tail else recorded

    def pressure(self, places: Float[ndarray, "m d"]) -> Float[ndarray, "m times"]:
        """What the operator answers at places in the room, for the pulse; raises OutsideDomainError."""
        self.room.require(places, lambda number: f"listener {number}")
        times = self.room.times
        query = np.concatenate([places.repeat(len(times), 0), np.tile(times, len(places))[:, None]], axis=1)
        values = self.artifact.predict(self.inputs, query.astype(np.float32))[0, 0]
        return values.double().numpy().reshape(len(places), len(times))

    def filters(self, places: Float[ndarray, "m d"]) -> Float[ndarray, "m taps"]:
        """Taps of the filter from the source to each place."""
        low = resampled(self.room.band.impulse(self.pressure(places)), self.room.band.interval, self.rate)
        if not self.tail:
            return low
        wide = [self._model(place, ear) for ear, place in enumerate(places)]
        terms = (self.rate, self.room.band, self.room.recorded)
        return np.stack([completed(one, model, *terms) for one, model in zip(low, wide, strict=True)])

    def along(self, samples: Float[ndarray, " n"], path: ListenerPath, ears: float) -> Float[ndarray, "2 m"]:
        """Sound at both ears, `ears` m apart, on a path; raises OutsideDomainError where an ear leaves the room."""
        hop = round(self.rate / _UPDATES)
        count = -(-(len(samples) + self.taps - 1) // hop) + 1
        both = np.stack([path.ears(k * hop / self.rate, ears) for k in range(count)])
        self.room.require(
            both.reshape(-1, both.shape[-1]), lambda number: f"an ear at t = {number // 2 * hop / self.rate:.3g} s"
        )
        filters = _Remembering(self, both)
        return filtered_along(samples, filters, self.taps, hop)

    def _model(self, place: ndarray, ear: int) -> ndarray:
        """Response of all frequencies by geometry: image sources while there are few, and noise."""
        room = self.room
        speed, seed = room.band.sound_speed, self.seed + ear % 2
        noise = Diffuse(room.reverberation_time, room.volume, speed, seed)
        noise_taps = noise.response(self.source, place, self.rate, self.taps)
        if not room.empty:
            return noise_taps
        mirrors = ImageSources(room.lower, room.lengths, float(np.sqrt(1 - room.absorption)), speed)
        early = min(self.taps, round(_EARLY * self.rate))
        images = mirrors.response(self.source, place, self.rate, early)
        fade = np.clip(2 - 2 * np.arange(early) / early, 0, 1)
        mixed = noise_taps
        mixed[:early] = np.sin(np.pi / 2 * fade) * images + np.cos(np.pi / 2 * fade) * mixed[:early]
        return mixed


class _Remembering:
    """Filters of both ears by number of the hop; where the listener stands, those before are taken again."""

    def __init__(self, heard: Auralization, places: ndarray) -> None:
        self._heard, self._places = heard, places
        self._last: tuple[ndarray, ndarray] | None = None

    def __call__(self, hop: int) -> ndarray:
        places = self._places[min(hop, len(self._places) - 1)]
        if self._last is None or not np.array_equal(self._last[0], places):
            self._last = places, self._heard.filters(places)
        return self._last[1]


@dataclass(frozen=True)
class Rendered:
    """What was written: its length in s, sampling rate in Hz, and the gain that brought its peak to 0.9, in dB."""

    seconds: float
    rate: int
    gain: float


def render(
    room: str | Path,
    source: tuple[float, ...],
    path: str | Path,
    dry: str | Path,
    wet: str | Path,
    ears: float = 0.18,
    tail: bool = True,
) -> Rendered:
    """Render the sound file `dry` into the stereo file `wet`, as `fredholm sound render` does.

    Raises errors that name the file, line, rate or place that does not fit.

    >>> render("runs/room/artifact", (0.8, 1.2), "walk.csv", "dry.wav", "wet.wav").rate  # doctest: +SKIP
    48000
    """
    samples, rate = read_wave(dry)
    heard = Auralization(load(room), np.array(source, dtype=np.float64), rate, tail)
    if not 0 <= ears < min(heard.room.lengths):
        raise SignatureError(f"ears {ears:g} m apart do not fit into the room: the usual distance is 0.18 m")
    both = heard.along(samples, read_path(path, len(heard.room.lengths)), ears)
    return Rendered(both.shape[-1] / rate, rate, write_wave(wet, both, rate))
