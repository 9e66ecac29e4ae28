"""Records of a running engine: what was commanded, and what was measured, with noise.

commands  n_e, u_δ, u_egr, u_vgt        measured  p_im, p_em, ω_t, W_egr        every `spacing` seconds
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from fredholm.errors import DataError
from fredholm.fields.signature import Inputs
from fredholm.problems.diesel_engine import DieselEngineRecords
from fredholm.problems.problem import generator_of
from fredholm.solvers.diesel_engine import DieselEngine, flows
from fredholm.solvers.diesel_engine_parameters import COMMAND_RANGES

MEASURED = ("p_im", "p_em", "omega_t", "W_egr")
MEASURED_UNITS = ("Pa", "Pa", "rad/s", "kg/s")
LEAST_NOISE = 1e-3  # of a signal, and of its usual size: what is called clean still has errors of its model
_USUAL = torch.tensor([1e5, 1e5, 5e3, 0.05], dtype=torch.float64)
SHORTEST = 10.0  # s


@dataclass(frozen=True)
class EngineRecord:
    """A record of an engine, in float64.

    Args:
        spacing: s between rows.
        commands: (4, m): rpm, mg a cycle and cylinder, %, %; linear between rows.
        measured: (4, m): Pa, Pa, rad/s, kg/s.
        deviations: (4,) standard deviations of the noise on each measured signal, in its units.

    Raises DataError for arrays that do not fit, that are not finite, that are too short or beyond the actuators' range.
    """

    spacing: float
    commands: Float[Tensor, "4 m"]
    measured: Float[Tensor, "4 m"]
    deviations: Float[Tensor, " 4"]

    def __post_init__(self) -> None:
        if self.duration < SHORTEST - 1e-9:
            raise DataError(
                f"the record is {self.duration:g} s long, too short for an engine's pressures and turbocharger to "
                f"respond in: at least {SHORTEST:g} s are needed, better a minute"
            )
        for name, values in (("commands", self.commands), ("measured", self.measured)):
            if not bool(torch.isfinite(values).all()):
                raise DataError(f"the {name} of the record hold NaN or infinity: cut it there")
        if not bool((self.deviations > 0).all()):
            raise DataError(f"deviations of the noise must be positive, got {self.deviations.tolist()}")
        for values, (name, (lowest, highest, units)) in zip(self.commands, COMMAND_RANGES.items(), strict=True):
            outside = ((values < lowest) | (values > highest)).nonzero()
            if len(outside):
                row = int(outside[0])
                raise DataError(
                    f"command {name!r} is {float(values[row]):g} {units} at {row * self.spacing:.6g} s, "
                    f"outside the actuator's range of {lowest:g} to {highest:g}"
                )

    @property
    def duration(self) -> float:
        """Seconds from the first row to the last."""
        return self.spacing * (self.commands.shape[1] - 1)

    @cached_property
    def solver(self) -> DieselEngine:
        """The engine on these rows."""
        return DieselEngine(self.spacing)

    @classmethod
    def simulated(cls, problem: DieselEngineRecords, inputs: Inputs, noise: float, seed: int) -> "EngineRecord":
        """The first of the inputs, solved for, and measured with noise of `noise` times each signal's mean square root.

        >>> problem = DieselEngineRecords(duration=20.0)
        >>> EngineRecord.simulated(problem, problem.sample(1, seed=0), noise=0.01, seed=0).measured.shape
        torch.Size([4, 101])
        """
        commands, initial = inputs["commands"][:1].double(), inputs["initial"][:1].double()
        states = problem.solver.simulate(commands.numpy(), initial.numpy(), problem.wear)
        clean = observed(states[0], commands[0], problem.wear)
        size = clean.square().mean(1).sqrt()
        draws = torch.randn(clean.shape, generator=generator_of(seed, 0), dtype=torch.float64)
        deviations = torch.maximum(noise * size, _least(size))
        return cls(problem.spacing, commands[0], clean + noise * size[:, None] * draws, deviations)


def observed(
    states: Float[ndarray, "8 m"], commands: Float[Tensor, "4 m"], wear: Float[ndarray, " 4"]
) -> Float[Tensor, "4 m"]:
    """What would be measured of states, without noise."""
    of_states = torch.from_numpy(np.ascontiguousarray(states))
    back = flows(of_states.mT, commands.mT, torch.from_numpy(np.asarray(wear, np.float64)))["W_egr"]
    return torch.stack([of_states[0], of_states[1], of_states[4], back])


def estimated_deviations(measured: Float[Tensor, "4 m"]) -> Float[Tensor, " 4"]:
    """Of the noise: third differences of a smooth signal are noise, of deviation √20 times as large.

    By the median of their size, so that the few rows where an engine jumps do not count.

    >>> t = torch.linspace(0.0, 60.0, 3001, dtype=torch.float64)
    >>> noise = torch.randn(4, 3001, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> (estimated_deviations(1e5 * (2 + torch.sin(t)) + 1e3 * noise) / 1e3).round(decimals=1).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    third = measured.diff(n=3, dim=1).abs().median(1).values
    size = measured.square().mean(1).sqrt()
    return torch.maximum(third / (0.6745 * 20**0.5), _least(size))


def _least(size: Float[Tensor, " 4"]) -> Float[Tensor, " 4"]:
    return LEAST_NOISE * torch.maximum(size, _USUAL)
