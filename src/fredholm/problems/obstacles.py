"""Obstacles in the unit square or cube: random balls, boxes and stars, told by which cells' centres they hold.

Source: Kaneda, Akar, Chen, Kala, Hyde, Teran, "A deep conjugate direction method for iteratively solving linear
systems", ICML 2023, for solvers that meet obstacles they have not seen.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_MARGIN = 0.05  # between an obstacle's middle part and the walls


@dataclass(frozen=True)
class Balls:
    """Some balls of random centres and radii, which may overlap.

    >>> points = torch.tensor([[0.0, 0.0], [0.5, 0.5]])
    >>> Balls((1, 1), radius=(0.4, 0.4)).covers(points, torch.Generator().manual_seed(0)).tolist()
    [False, True]
    """

    count: tuple[int, int] = (1, 2)
    radius: tuple[float, float] = (0.08, 0.2)
    kind: Literal["balls"] = "balls"

    def __post_init__(self) -> None:
        _require(self.count, self.radius)

    def covers(self, points: Float[Tensor, "m d"], generator: torch.Generator) -> Bool[Tensor, " m"]:
        """Which points they hold."""
        covered = torch.zeros(len(points), dtype=torch.bool)
        for centre, radius in _placed(points.shape[1], self.count, self.radius, generator):
            covered |= (points - centre).norm(dim=1) < radius
        return covered


@dataclass(frozen=True)
class Boxes:
    """Some boxes along the axes, each side of a random length up to twice the radius."""

    count: tuple[int, int] = (1, 2)
    radius: tuple[float, float] = (0.08, 0.2)
    kind: Literal["boxes"] = "boxes"

    def __post_init__(self) -> None:
        _require(self.count, self.radius)

    def covers(self, points: Float[Tensor, "m d"], generator: torch.Generator) -> Bool[Tensor, " m"]:
        """Which points they hold."""
        covered = torch.zeros(len(points), dtype=torch.bool)
        for centre, radius in _placed(points.shape[1], self.count, self.radius, generator):
            half = radius * (0.5 + 0.5 * torch.rand(points.shape[1], generator=generator, dtype=torch.float64))
            covered |= ((points - centre).abs() < half).all(1)
        return covered


@dataclass(frozen=True)
class Stars:
    """Some bodies whose radius varies with the direction e: r(e) = r (1 + ½ mean of sin(4 w·e + φ) over three w)."""

    count: tuple[int, int] = (1, 2)
    radius: tuple[float, float] = (0.08, 0.2)
    kind: Literal["stars"] = "stars"

    def __post_init__(self) -> None:
        _require(self.count, self.radius)

    def covers(self, points: Float[Tensor, "m d"], generator: torch.Generator) -> Bool[Tensor, " m"]:
        """Which points they hold."""
        covered = torch.zeros(len(points), dtype=torch.bool)
        for centre, radius in _placed(points.shape[1], self.count, self.radius, generator):
            away = points - centre
            distance = away.norm(dim=1)
            waves = torch.randn(points.shape[1], 3, generator=generator, dtype=torch.float64)
            phases = 2 * math.pi * torch.rand(3, generator=generator, dtype=torch.float64)
            direction = away / distance.clamp_min(1e-12)[:, None]
            covered |= distance < radius * (1 + 0.5 * torch.sin(4 * direction @ waves + phases).mean(1))
        return covered


Obstacle = Balls | Boxes | Stars


def _placed(
    dimension: int, count: tuple[int, int], radius: tuple[float, float], generator: torch.Generator
) -> list[tuple[Tensor, float]]:
    """Centres that keep the radius from the walls, and a little more, and radii."""
    placed = []
    for _ in range(int(torch.randint(count[0], count[1] + 1, (), generator=generator))):
        size = radius[0] + (radius[1] - radius[0]) * float(torch.rand((), generator=generator, dtype=torch.float64))
        free = max(0.0, 1 - 2 * (size + _MARGIN))
        centre = 0.5 + free * (torch.rand(dimension, generator=generator, dtype=torch.float64) - 0.5)
        placed.append((centre, size))
    return placed


def _require(count: tuple[int, int], radius: tuple[float, float]) -> None:
    if not 1 <= count[0] <= count[1]:
        raise ValueError(f"between 1 and more obstacles are placed, got {count}")
    if not 0 < radius[0] <= radius[1] < 0.5:
        raise ValueError(f"radii of obstacles lie between two numbers in (0, 0.5), got {radius}")
