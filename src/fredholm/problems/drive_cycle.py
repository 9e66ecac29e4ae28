"""Commands that follow a drive cycle: a table of normalised engine speed and torque, such as regulations prescribe.

    n = n_idle + 2.0327 s (0.45 n_lo + 0.45 n_pref + 0.1 n_hi - n_idle),   s: normalised speed
    fuel: such that the indicated work pays for torque and friction       4π M + W_fric(n) = η (1 - r_c^(1-γ)) q_HV m_f

Torque is a share of what the engine gives at `full_load` of fuel and this speed. EGR closes with load, as smoke
demands, and the turbine's vanes open with the flow of exhaust gas, from their smallest opening at idle to their largest
at full load and speed.

Source: UN Regulation No. 49, annex 4 (world-harmonised cycles), for the speed; torque and friction as in Wahlström,
Eriksson, Proc. IMechE D 225 (2011), pumping left out.
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from fredholm.errors import DataError
from fredholm.solvers import diesel_engine_parameters as engine

_SPEEDS = (500.0, 815.0, 1418.0, 2000.0)  # rpm: idle, low, preferred, high
_SLOWEST_FUEL, _SPEED_LIMITS = 15.0, (550.0, 1950.0)


@dataclass(frozen=True)
class DriveCycle:
    """Random stretches of a cycle, each beginning somewhere in it; what reaches beyond its end goes on from its start.

    Args:
        speed: normalised, in %, every second.
        torque: normalised, in % of full load at that speed, every second; below zero the engine is dragged.
        full_load: fuel at a torque of 100 %, in mg a cycle and cylinder.
        egr: openings of the EGR valve, in %, at no load and at full load.
        vgt: openings of the turbine, in %, at no flow and at full flow.

    >>> cycle = DriveCycle(speed=(0.0, 40.0, 55.0, 20.0), torque=(0.0, 80.0, 30.0, -10.0))
    >>> cycle.draw(torch.Generator().manual_seed(0), torch.linspace(0.0, 2.0, 5)).shape
    torch.Size([4, 5])
    """

    speed: tuple[float, ...]
    torque: tuple[float, ...]
    full_load: float = 160.0
    egr: tuple[float, float] = (70.0, 10.0)
    vgt: tuple[float, float] = (30.0, 80.0)

    def __post_init__(self) -> None:
        if len(self.speed) != len(self.torque) or len(self.speed) < 2:
            raise ValueError(
                f"a cycle has as many speeds as torques, two or more; got {len(self.speed)} and {len(self.torque)}"
            )
        if not np.isfinite([*self.speed, *self.torque]).all():
            raise ValueError("a cycle's speeds and torques must be finite numbers")
        for name, values in (("EGR", self.egr), ("VGT", self.vgt), ("fuel", (_SLOWEST_FUEL, self.full_load))):
            lowest, highest, units = engine.COMMAND_RANGES[name]
            if not all(lowest <= value <= highest for value in values):
                raise ValueError(f"{name} of {values} is not within {lowest:g} to {highest:g} {units}")

    @classmethod
    def read(cls, path: str | Path) -> "DriveCycle":
        """A table with the columns `speed` and `torque`, by name, a row a second; raises DataError naming a fault."""
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = {"speed", "torque"} - set(reader.fieldnames or ())
            if missing:
                raise DataError(
                    f"{path} has no column {min(missing)!r}: expected speed and torque in %, a row a second"
                )
            columns: dict[str, list[float]] = {"speed": [], "torque": []}
            for line, row in enumerate(reader, start=2):
                for name, values in columns.items():
                    try:
                        values.append(float(row[name]))
                    except (TypeError, ValueError) as error:
                        raise DataError(f"{path}, line {line}: {name} is {row[name]!r}, no number") from error
        return cls(tuple(columns["speed"]), tuple(columns["torque"]))

    def draw(self, generator: torch.Generator, times: Float[Tensor, " m"]) -> Float[Tensor, "4 m"]:
        """Commands at ascending times from 0 on, from a random second of the cycle."""
        start = int(torch.randint(len(self.speed), (), generator=generator))
        at = start + times.double().numpy()
        seconds = np.arange(start, int(at[-1]) + 2)
        shares = [np.interp(at, seconds, np.take(row, seconds, mode="wrap")) for row in (self.speed, self.torque)]
        return torch.from_numpy(self.commands(*shares))

    def commands(self, speed: Float[ndarray, " m"], torque: Float[ndarray, " m"]) -> Float[ndarray, "4 m"]:
        """Speed, fuel and the openings of valve and turbine, of normalised speed and torque."""
        idle, low, preferred, high = _SPEEDS
        rpm = idle + 2.0327 * speed / 100 * (0.45 * low + 0.45 * preferred + 0.1 * high - idle)
        rpm = np.clip(rpm, *_SPEED_LIMITS)
        friction, worth = _friction(rpm), _work_of_fuel()
        most = worth * self.full_load - friction
        fuel = np.clip((np.clip(torque, -100, 100) / 100 * most + friction) / worth, _SLOWEST_FUEL, self.full_load)
        load = (fuel - _SLOWEST_FUEL) / (self.full_load - _SLOWEST_FUEL)
        flow = load * rpm / _SPEED_LIMITS[1]
        return np.stack([rpm, fuel, _between(self.egr, load), _between(self.vgt, flow)])


def _friction(rpm: Float[ndarray, " m"]) -> Float[ndarray, " m"]:
    """Work of friction a cycle, J."""
    return 1e5 * engine.V_D * np.polyval(engine.C_FRIC, rpm / 1000)


def _work_of_fuel() -> float:
    """Indicated work a cycle, J, of a milligram of fuel in each cylinder, air in excess."""
    efficiency = engine.ETA_IGCH * (1 - math.pow(engine.R_C, 1 - engine.GAMMA_CYL))
    return efficiency * engine.Q_HV * 1e-6 * engine.N_CYL


def _between(ends: tuple[float, float], share: Float[ndarray, " m"]) -> Float[ndarray, " m"]:
    return ends[0] + (ends[1] - ends[0]) * share
