"""A room to show: what the page needs to know of the acoustic problem that an operator was trained on."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.deploy.artifact import Artifact
from fredholm.errors import ArtifactError, OutsideDomainError
from fredholm.fields.grid import Grid
from fredholm.problems import Blocks, Box, LShape, Room, SoundScene

_KINDS = {"l_shape": "L-shaped room", "box": "Room"}


@dataclass(frozen=True)
class ShownRoom:
    """An upright room of two or three dimensions, with pressure on a grid.

    Args:
        problem: a `Room`, or a `SoundScene` that is an empty box with receivers on a grid.
    """

    problem: Room | SoundScene

    @classmethod
    def of(cls, artifact: Artifact) -> "ShownRoom":
        """The room of an artifact; raises ArtifactError if it has none that can be shown."""
        problem = artifact.problem
        if not isinstance(problem, Room | SoundScene) or not _can_be_shown(problem):
            raise ArtifactError(
                f"{artifact.path} has no room to show: expected a box or an L-shape of `room`, in two or three "
                "dimensions, or an empty box of `sound-scene` with receivers on a grid"
            )
        return cls(problem)

    @property
    def shape(self) -> Box | LShape:
        """Walls, m."""
        shape = self.problem.shape
        walls = Box(shape.lengths) if isinstance(shape, Blocks) else shape
        assert isinstance(walls, Box | LShape)
        return walls

    @property
    def title(self) -> str:
        """What the room is and how large."""
        return f"{_KINDS[self.shape.kind]}, {' × '.join(f'{length:g}' for length in self.shape.lengths)} m"

    @cached_property
    def grid(self) -> Grid:
        """Where the solver answers."""
        grid = self.problem.grid if isinstance(self.problem, Room) else self.problem.receiver_domain
        assert isinstance(grid, Grid)
        return grid

    @property
    def sensors(self) -> Grid:
        """Where the operator's input is given."""
        return self.problem.grid if isinstance(self.problem, Room) else self.problem.pulse_grid

    @property
    def source_region(self) -> tuple[tuple[float, float], ...]:
        """Bounding box of the sources that the operator knows, m."""
        return tuple((self.problem.margin, length - self.problem.margin) for length in self.shape.lengths)

    def solution(self, source: tuple[float, ...]) -> Float[Tensor, "times *shape"]:
        """The reference solution of a source at a place in m; raises OutsideDomainError for one that is not in it."""
        if len(source) != self.grid.dimension:
            raise OutsideDomainError(f"a source in this room has {self.grid.dimension} coordinates, got {source}")
        pulse = self.problem.pulses(torch.tensor([source], dtype=torch.float64))
        return self.problem.solve(pulse)[0, 0].movedim(-1, 0)


def is_room(artifact: Artifact) -> bool:
    """Whether an artifact has a room page."""
    problem = artifact.problem
    return isinstance(problem, Room | SoundScene) and _can_be_shown(problem)


def _can_be_shown(problem: Room | SoundScene) -> bool:
    if isinstance(problem, Room):
        return problem.grid.dimension > 1
    empty = isinstance(problem.shape, Blocks) and not problem.shape.missing
    return empty and isinstance(problem.receiver_domain, Grid)
