"""What a driver and an engine's controller ask for over time: ramps from one level to the next."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.signature import Quantity
from fredholm.solvers.diesel_engine_parameters import COMMAND_RANGES

COMMANDS = tuple(Quantity(name, units) for name, (_, _, units) in COMMAND_RANGES.items())


@dataclass(frozen=True)
class RandomRamps:
    """Every command on its own: levels uniform in a range, knots at random times, a ramp behind each.

    Args:
        speed: of the engine, in rpm: lowest and highest level.
        fuel: in mg a cycle and cylinder.
        egr: opening of the valve of the exhaust gas recirculation, in %; beyond 80 % it opens no further.
        vgt: opening of the variable-geometry turbine, in %.
        hold: shortest and longest time between knots, in s.
        ramp: shortest and longest ramp, as a share of the time to the next knot.
    """

    speed: tuple[float, float] = (800.0, 1800.0)
    fuel: tuple[float, float] = (30.0, 160.0)
    egr: tuple[float, float] = (5.0, 80.0)
    vgt: tuple[float, float] = (30.0, 90.0)
    hold: tuple[float, float] = (2.0, 8.0)
    ramp: tuple[float, float] = (0.2, 1.0)

    def __post_init__(self) -> None:
        for (name, (lowest, highest, units)), (low, high) in zip(COMMAND_RANGES.items(), self.ranges, strict=True):
            if not lowest <= low <= high <= highest:
                raise ValueError(f"{name} from {low:g} to {high:g} {units} is not within {lowest:g} to {highest:g}")
        if not 0 < self.hold[0] <= self.hold[1]:
            raise ValueError(f"times between knots must be positive and ascending, got {self.hold}")
        if not 0 < self.ramp[0] <= self.ramp[1] <= 1:
            raise ValueError(f"ramps are shares of the time between knots, in (0, 1], got {self.ramp}")

    @property
    def ranges(self) -> tuple[tuple[float, float], ...]:
        """Of the four commands, in their order."""
        return self.speed, self.fuel, self.egr, self.vgt

    def draw(self, generator: torch.Generator, times: Float[Tensor, " m"]) -> Float[Tensor, "4 m"]:
        """Commands at ascending times from 0 on."""
        return torch.stack([self._ramps(generator, low, high, times) for low, high in self.ranges])

    def _ramps(
        self, generator: torch.Generator, low: float, high: float, times: Float[Tensor, " m"]
    ) -> Float[Tensor, " m"]:
        count = 2 + int(float(times[-1]) / self.hold[0])  # more than fit
        draws = torch.rand(3, count, generator=generator, dtype=torch.float64).numpy()
        held = self.hold[0] + (self.hold[1] - self.hold[0]) * draws[0]
        ramps = held * (self.ramp[0] + (self.ramp[1] - self.ramp[0]) * draws[1])
        levels = low + (high - low) * draws[2]
        starts = np.cumsum(held)  # the first level is held until the first knot
        bends = np.stack([starts[:-1], starts[:-1] + ramps[1:]], 1).ravel()
        values = np.stack([levels[:-1], levels[1:]], 1).ravel()
        return torch.from_numpy(np.interp(times.numpy(), bends, values))
