"""A room to listen in: what rendering needs to know of the problem that an operator was trained on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from fredholm.deploy.artifact import Artifact
from fredholm.deploy.sound.impulse_response import PulseResponse
from fredholm.deploy.sound.reverberation import reverberation_time
from fredholm.errors import ArtifactError, OutsideDomainError
from fredholm.fields.signature import Inputs
from fredholm.problems import Blocks, Room, SoundScene
from fredholm.solvers.rational_admittance import DENSITY

_NAMES = "xyz"
_BEYOND = 0.95  # the largest mean absorption that Eyring's formula is asked for


@dataclass(frozen=True)
class ListeningRoom:
    """Geometry, walls and record of a room.

    Args:
        problem: the acoustic problem.
        band: of its pulse.
        recorded: s.
        lower: lower corner of the bounding box, m.
        lengths: of the box, m.
        empty: whether the room is the whole box.
        volume: m³, or m² in the plane.
        surface: m², or m in the plane.
        absorption: mean over the walls at fmax and normal incidence.
    """

    problem: Room | SoundScene
    band: PulseResponse
    recorded: float
    lower: tuple[float, ...]
    lengths: tuple[float, ...]
    empty: bool
    volume: float
    surface: float
    absorption: float

    @classmethod
    def of(cls, artifact: Artifact) -> "ListeningRoom":
        """The room of an artifact; raises ArtifactError if it has none, or hears at single points only."""
        problem = artifact.problem
        if not isinstance(problem, Room | SoundScene) or len(problem.output_domain.shape) < 3:
            raise ArtifactError(
                f"{artifact.path} is no operator of a room that can be heard everywhere: train one on `room` or on "
                "`sound-scene` with receivers on a grid"
            )
        measures = _of_room(problem) if isinstance(problem, Room) else _of_scene(problem)
        lower, lengths, empty, volume, surface, absorption = measures
        pulse = PulseResponse(problem.recording.interval, problem.highest_frequency, len(lengths), problem.sound_speed)
        recorded = problem.recording.interval * (problem.recording.count - 1)
        return cls(problem, pulse, recorded, lower, lengths, empty, volume, surface, min(absorption, _BEYOND))

    @property
    def times(self) -> Float[ndarray, " t"]:
        """Recorded times, s."""
        return self.problem.recording.interval * np.arange(self.problem.recording.count)

    @property
    def reverberation_time(self) -> float:
        """T60 by Eyring's formula, s."""
        terms = (self.volume, self.surface, max(self.absorption, 1e-3), len(self.lengths))
        return reverberation_time(*terms, self.band.sound_speed)

    def pulse(self, source: Float[ndarray, " d"]) -> Inputs:
        """The operator's input; raises OutsideDomainError for a source where it was not trained."""
        place = torch.from_numpy(source)[None]
        margin = self.problem.margin
        if not bool(self._inside(place, margin).all()):
            raise OutsideDomainError(
                f"source at {_told(source)} is not in the room, or nearer to a wall than the {margin:g} m that the "
                "operator knows: move it"
            )
        return self.problem.pulses(place)

    def require(self, places: Float[ndarray, "m d"], what: Callable[[int], str]) -> None:
        """Raise OutsideDomainError for the first of places outside the room, which is `what(number)`."""
        outside = (~self._inside(torch.from_numpy(places), 0.0)).nonzero()
        if len(outside):
            first = int(outside[0, 0])
            raise OutsideDomainError(
                f"{what(first)} at {_told(places[first])} is outside the room: move the path inside"
            )

    def _inside(self, points: Tensor, margin: float) -> Tensor:
        if isinstance(self.problem, Room):
            return self.problem.shape.inside(points, margin)
        return self.problem.inside(points, margin)


_Measures = tuple[tuple[float, ...], tuple[float, ...], bool, float, float, float]


def _of_room(room: Room) -> _Measures:
    lengths = room.shape.lengths
    whole = room.shape.kind == "box"
    box = float(np.prod(lengths))
    sides = 2 * sum(box / length for length in lengths)
    if not whole and len(lengths) == 3:
        sides -= lengths[0] * lengths[1] / 2  # floor and ceiling of the quarter that is missing
    absorption = 4 * room.wall_impedance / (1 + room.wall_impedance) ** 2 if np.isfinite(room.wall_impedance) else 0.0
    return (0.0,) * len(lengths), lengths, whole, box if whole else 0.75 * box, sides, absorption


def _of_scene(scene: SoundScene) -> _Measures:
    at = np.array([scene.highest_frequency])
    surface = taken = 0.0
    for name, (_, weights) in scene.space.walls.items():
        admittance = scene.solver.walls[name]
        surface += float(weights.sum())
        taken += float(weights.sum()) * float(admittance.absorption(at, scene.sound_speed, DENSITY)[0])
    empty = isinstance(scene.shape, Blocks) and not scene.shape.missing
    lower = tuple(float(x) for x in scene.region.lower)
    return lower, scene.region.lengths, empty, float(scene.space.mass.sum()), surface, taken / surface


def _told(place: ndarray) -> str:
    return ", ".join(f"{name} = {x:g} m" for name, x in zip(_NAMES, place.tolist(), strict=False))
