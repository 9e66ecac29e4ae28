"""Where sound sources stand: on a lattice, or at random, in the part of a room that keeps a margin to the walls."""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fredholm.errors import DataError
from fredholm.problems.problem import generator_of


@runtime_checkable
class Enclosure(Protocol):
    """A space in the box [0, lengths], in m."""

    @property
    def lengths(self) -> tuple[float, ...]:
        """Sides of the box, m."""
        ...

    def inside(self, points: Float[Tensor, "m d"], margin: float = 0.0) -> Bool[Tensor, " m"]:
        """Which points lie in the space, at least `margin` from its walls."""
        ...


@dataclass(frozen=True)
class SourceLattice:
    """A lattice with `per_axis` positions along every axis of the region; sample i is its i-th point for any seed.

    >>> from fredholm.problems.room_shapes import Box
    >>> SourceLattice(3).positions(Box((2.0,)), margin=0.5, n=3, seed=0, first=0).T.tolist()
    [[0.5, 1.0, 1.5]]
    """

    per_axis: int = 9
    kind: Literal["lattice"] = "lattice"

    def points(self, shape: Enclosure, margin: float) -> Float[Tensor, "n d"]:
        """All positions of the lattice that lie in the region, m."""
        axes = [torch.linspace(margin, length - margin, self.per_axis, dtype=torch.float64) for length in shape.lengths]
        points = torch.cartesian_prod(*axes).reshape(-1, len(axes))
        return points[shape.inside(points, margin)]

    def positions(self, shape: Enclosure, margin: float, n: int, seed: int, first: int) -> Float[Tensor, "n d"]:
        """Positions first, ..., first + n - 1, m; raises DataError beyond the end of the lattice."""
        points = self.points(shape, margin)
        if first + n > len(points):
            raise DataError(
                f"a lattice of {self.per_axis} sources along each axis has {len(points)} positions in this room; "
                f"samples up to {first + n} were asked for: use a denser lattice or random sources"
            )
        return points[first : first + n]


@dataclass(frozen=True)
class RandomSources:
    """Independent positions, uniform over the region.

    >>> from fredholm.problems.room_shapes import Box
    >>> RandomSources().positions(Box((2.0, 2.0)), margin=0.5, n=4, seed=0, first=0).shape
    torch.Size([4, 2])
    """

    kind: Literal["random"] = "random"

    def positions(self, shape: Enclosure, margin: float, n: int, seed: int, first: int) -> Float[Tensor, "n d"]:
        """Positions first, ..., first + n - 1 of the sequence `seed`, m."""
        drawn = [self._position(shape, margin, generator_of(seed, first + i)) for i in range(n)]
        return torch.stack(drawn) if drawn else torch.zeros(0, len(shape.lengths), dtype=torch.float64)

    @staticmethod
    def _position(shape: Enclosure, margin: float, generator: torch.Generator) -> Tensor:
        lengths = torch.tensor(shape.lengths, dtype=torch.float64)
        # rejection: a third of the box of an L-shape lies in the region, so that 200 draws fail once in 1e30
        uniform = torch.rand(200, len(lengths), generator=generator, dtype=torch.float64)
        candidates = margin + uniform * (lengths - 2 * margin)
        accepted = candidates[shape.inside(candidates, margin)]
        if not len(accepted):
            raise DataError(
                f"no source position keeps {margin:g} m to every wall in a box of {shape.lengths} m: take a smaller one"
            )
        return accepted[0]


SourcePositions = SourceLattice | RandomSources
