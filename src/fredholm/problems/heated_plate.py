"""Heat in a plate with holes: from the number of holes and where they are to the temperature in the plate.

    -div(κ grad T) = 0  in the plate,   T = Tₕ at z = 0,   -κ ∂T/∂n = β T  at its other faces and in the holes

T is in K above the air around. The plate is 0.42 × 0.42 × 0.1 m³ of steel (κ = 15 W/(m K)), heated from below to
Tₕ = 80 K and cooled by air that takes β = 200 W/(m² K); 2 to 9 round holes of 25 mm radius go through it, at equal
angles on a circle of 9 to 16 cm radius around its centre. The operator maps these two numbers, and the mask of the
plate on a regular grid of cells, to T there, zero in the holes. The reference is a finite-volume scheme on cells a
third as wide in the plane of the plate: second order in its thickness, first order around the holes.

Source: Kumar, Goswami, Kontolati, Shields, Karniadakis, "Synergistic learning with multi-task DeepONet for efficient
PDE problem solving", Neural Networks 184 (2025), for the family of plates; sizes and conditions are our own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Quantity, Signature
from fredholm.problems.problem import Problem, generator_of

_SIDE, _THICKNESS, _RADIUS = 0.42, 0.1, 0.025  # m
_HOLES, _CIRCLE = (2, 9), (0.09, 0.16)  # how many, and at which distance from the centre in m
_FINER = 3  # cells of the solver in one of the grid, along x and along y; odd, so that centres are centres


@dataclass(frozen=True)
class HeatedPlate(Problem):
    """Steady temperature in a plate with holes, heated from below.

    Args:
        points: n, cells of the grid along each of x, y and z.
        conductivity: κ, W/(m K).
        transfer: β to the air, W/(m² K).
        heater: Tₕ, K above the air.

    >>> problem = HeatedPlate(points=12)
    >>> inputs = problem.plates(torch.tensor([4, 9]), torch.tensor([0.12, 0.1]))
    >>> {name: tuple(values.shape) for name, values in inputs.items()}
    {'holes': (2, 2), 'mask': (2, 1, 12, 12, 12)}
    >>> problem.solve(inputs).shape
    torch.Size([2, 1, 12, 12, 12])
    """

    name: ClassVar[str] = "heated-plate"
    summary: ClassVar[str] = "3-D plate with holes on a heater: their number and distance, mask -> steady temperature"

    points: int = 24
    conductivity: float = 15.0
    transfer: float = 200.0
    heater: float = 80.0

    def __post_init__(self) -> None:
        positive = (self.conductivity, self.transfer)
        if not all(0 < value < math.inf for value in positive) or not math.isfinite(self.heater):
            raise ValueError(f"conductivity and transfer must be positive and finite, got {positive}")
        spacing = _SIDE / self.points / _FINER
        if 2 * spacing > _RADIUS:
            raise ValueError(
                f"a hole of {_RADIUS} m is less than two of the solver's cells of {spacing:.3g} m: "
                f"take at least {math.ceil(2 * _SIDE / _FINER / _RADIUS)} points"
            )

    @cached_property
    def grid(self) -> Grid:
        """The cells' centres, m."""
        sides = {"x": _SIDE, "y": _SIDE, "z": _THICKNESS}
        half = {name: side / self.points / 2 for name, side in sides.items()}
        axes = (Axis(name, half[name], side - half[name], self.points, "m") for name, side in sides.items())
        return Grid(*axes)

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"mask": self.grid}

    @property
    def output_domain(self) -> Domain:
        return self.grid

    @property
    def signature(self) -> Signature:
        box = DomainType.of(self.grid)
        holes = Parameter((Quantity("number"), Quantity("distance", "m")))
        inputs: dict[str, Function | Parameter] = {"holes": holes, "mask": Function((Quantity("mask"),), box)}
        return Signature(inputs, Function((Quantity("temperature", "K"),), box))

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        generators = [generator_of(seed, first + i) for i in range(n)]
        numbers = [torch.randint(_HOLES[0], _HOLES[1] + 1, (), generator=g) for g in generators]
        shares = [torch.rand((), generator=g, dtype=torch.float64) for g in generators]
        return self.plates(torch.stack(numbers), _CIRCLE[0] + (_CIRCLE[1] - _CIRCLE[0]) * torch.stack(shares))

    def plates(self, number: Int[Tensor, " n"], distance: Float[Tensor, " n"]) -> Inputs:
        """The inputs of plates with so many holes at such distances (m); raises SignatureError for impossible ones."""
        holes = torch.stack([number.float(), distance.float()], dim=1)
        fine = self._plates(holes)
        mask = torch.from_numpy(fine[:, self._centres][:, :, self._centres]).float()
        return {"holes": holes, "mask": mask[:, None, :, :, None].expand(-1, -1, -1, -1, self.points).contiguous()}

    def solve(self, inputs: Inputs) -> Tensor:
        """Temperature in the plates; raises SignatureError where the masks are not those of the holes."""
        from fredholm.solvers.finite_volume_diffusion import Wall
        from fredholm.solvers.poisson import PoissonSolver

        self.signature.check(inputs, finite=True)
        holes = inputs["holes"]
        if not torch.equal(inputs["mask"], self.plates(holes[:, 0].round().long(), holes[:, 1])["mask"]):
            raise SignatureError("input 'mask' is not that of the plates with these 'holes': make both with `plates`")
        air, heater = Wall(self.transfer), Wall(value=self.heater)
        walls, lengths = ((air, air), (air, air), (heater, air)), (_SIDE, _SIDE, _THICKNESS)
        solver = PoissonSolver(lengths, walls, air, self.conductivity, tolerance=1e-8)
        inside = np.repeat(self._plates(holes)[..., None], self.points, axis=-1)
        temperature = solver.solve(np.zeros(inside.shape), inside)[:, self._centres][:, :, self._centres]
        return torch.from_numpy(temperature).float().unsqueeze(1)

    @property
    def _centres(self) -> slice:
        """Of the solver's cells along x or y, those in the middle of the grid's."""
        return slice(_FINER // 2, None, _FINER)

    def _plates(self, holes: Float[Tensor, "n 2"]) -> Bool[ndarray, "n m m"]:
        """Which of the solver's cells belong to the plate, in its plane."""
        cells = self.points * _FINER
        centres = ((np.arange(cells) + 0.5) / cells - 0.5) * _SIDE
        x, y = np.meshgrid(centres, centres, indexing="ij")
        plates = np.ones((len(holes), cells, cells), bool)
        for i, (number, distance) in enumerate(holes.double().tolist()):
            _require_holes(number, distance)
            for angle in 2 * math.pi * np.arange(int(number)) / number:
                plates[i] &= np.hypot(x - distance * math.cos(angle), y - distance * math.sin(angle)) >= _RADIUS
        return plates


def _require_holes(number: float, distance: float) -> None:
    if not (number >= 1 and number == int(number)):
        raise SignatureError(f"a plate has a whole number of holes, got {number:g}")
    if not 0 < distance < _SIDE / 2 - _RADIUS:
        raise SignatureError(f"holes at {distance:g} m leave the plate: expected less than {_SIDE / 2 - _RADIUS:g} m")
    if number > 1 and distance * math.sin(math.pi / number) <= _RADIUS:
        raise SignatureError(f"{number:g} holes of {_RADIUS} m radius overlap at {distance:g} m from the centre")
