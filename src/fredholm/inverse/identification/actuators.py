"""What an engine's actuators do with their commands: exactly, or by an operator that was learnt offline.

    τ ũ̇ = u(t - delay) - ũ        valve = K ũ₁ - (K - 1) ũ₂,   vane opening ũ₃

Actuators depend on their commands alone. So a network that identifies an engine need not represent them: what they do
is known before it starts.

Source: Nath, Kumar, Smith, Karniadakis, "A digital twin for diesel engines: operator-infused physics-informed neural
networks with transfer learning for engine health monitoring", 2024.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy.signal import lfilter
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.data.windows import Windows
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Parameter, Quantity, Signature
from fredholm.layers.sensors import Concatenated, all_sensors
from fredholm.operators.deeponet import DeepONet
from fredholm.operators.deeponet.closed_form import fit_pod_linear
from fredholm.operators.windowed import Windowed
from fredholm.problems.problem import generator_of
from fredholm.solvers import diesel_engine_parameters as engine
from fredholm.solvers.diesel_engine import DieselEngine

_STEP = 0.005  # s; delays are multiples of it, so that delayed commands bend only there
_LAGS = ((2, engine.TAU_EGR1), (2, engine.TAU_EGR2), (3, engine.TAU_VGT))  # row of the command, time constant
_STATES = (Quantity("u_egr1", "%"), Quantity("u_egr2", "%"), Quantity("u_vgt", "%"))


class Actuators(ABC):
    """From commands (n, 4, m), linear between rows `spacing` apart, to the actuators' states (n, 3, m)."""

    @abstractmethod
    def states(self, commands: Float[Tensor, "n 4 m"], spacing: float) -> Float[Tensor, "n 3 m"]:
        """Two states of the EGR valve and one of the turbine's vanes, in %, at rest before the first row."""


def valve_opening(states: Float[Tensor, "*n 3 m"]) -> Float[Tensor, "*n m"]:
    """How far the EGR valve is open, %, which overshoots for its two time constants."""
    return engine.K_EGR * states[..., 0, :] - (engine.K_EGR - 1) * states[..., 1, :]


@dataclass(frozen=True)
class ExactActuators(Actuators):
    """The convolution with exp(-t / τ) / τ, exact for commands that are linear between rows.

    >>> held = torch.tensor([1500.0, 100.0, 40.0, 60.0]).reshape(1, 4, 1).expand(1, 4, 11).double()
    >>> ExactActuators().states(held, 0.2)[0, :, -1].round().tolist()
    [40.0, 40.0, 60.0]
    """

    def states(self, commands: Float[Tensor, "n 4 m"], spacing: float) -> Float[Tensor, "n 3 m"]:
        every = round(spacing / _STEP)
        seen = DieselEngine(_STEP, _STEP).delayed(refined(commands.double(), every)).numpy()
        rows = [_lagged(seen[:, row], tau)[:, ::every] for row, tau in _LAGS]
        return torch.from_numpy(np.stack(rows, 1)).to(commands)


@dataclass(frozen=True)
class ActuatorOperator(Actuators):
    """A DeepONet of windows, chained; made by `trained`.

    Args:
        window: from the commands and the states at its first time to the states.
        spacing: of its times, s.
    """

    window: DeepONet
    spacing: float

    @classmethod
    def trained(cls, records: int = 60, seed: int = 0, spacing: float = 0.1, steps: int = 10) -> "ActuatorOperator":
        """Linear branch and POD trunk, in closed form, from records of random steps and ramps.

        Actuators are linear in commands and state: so is this operator, and a few records determine it.
        """
        signature, line = _signature(61, spacing)
        generators = [generator_of(seed, i) for i in range(records)]
        lowest, highest = torch.tensor([0.0, 20.0]), torch.tensor([100.0, 100.0])
        levels = torch.stack([torch.rand(2, line.size, generator=g) for g in generators])
        commands = lowest[:, None] + (highest - lowest)[:, None] * levels
        whole = torch.cat([torch.ones_like(commands), commands], 1)
        states = ExactActuators().states(whole.double(), spacing)
        data = Dataset.from_arrays(signature, line, {"commands": commands, "initial": states[..., 0]}, states)
        windows = Windows(steps, history=1).cut(data)
        sensors = Concatenated(list(all_sensors(windows.signature, windows.output_domain).values()))
        return cls(fit_pod_linear(windows, sensors, rank=3 * (steps + 1), ridge=1e-14), spacing)

    def states(self, commands: Float[Tensor, "n 4 m"], spacing: float) -> Float[Tensor, "n 3 m"]:
        finer = round(spacing / self.spacing)
        if finer < 1 or abs(finer * self.spacing - spacing) > 1e-9:
            raise ValueError(f"rows every {spacing} s are no multiple of the operator's {self.spacing} s")
        fine = refined(commands[:, 2:], finer).float()
        signature, line = _signature(fine.shape[-1], self.spacing)
        initial = fine[:, [0, 0, 1], 0]
        with torch.inference_mode():
            answer = Windowed(self.window, signature, line)({"commands": fine, "initial": initial})
        return answer[..., ::finer].to(commands).clone()

    @cached_property
    def parameters(self) -> int:
        """Numbers that were learnt."""
        return self.window.stored_bytes // 4


def refined(commands: Float[Tensor, "n c m"], every: int) -> Float[Tensor, "n c k"]:
    """Commands at `every` times as many places, linear between."""
    size = every * (commands.shape[-1] - 1) + 1
    return torch.nn.functional.interpolate(commands, size, mode="linear", align_corners=True)


def _lagged(command: Float[ndarray, "n m"], tau: float) -> Float[ndarray, "n m"]:
    """ũ of τ ũ̇ = u - ũ, at rest at first; exact for u linear in a step."""
    kept = math.exp(-_STEP / tau)
    mean = tau / _STEP * (1 - kept)
    first = command[:, :1]
    later, _ = lfilter([1 - mean, mean - kept], [1, -kept], command[:, 1:], zi=mean * first)
    return np.concatenate([first, later], 1)


def _signature(times: int, spacing: float) -> tuple[Signature, Grid]:
    line = Grid(Axis("t", 0.0, round(spacing * (times - 1), 9), times, "s"))
    on_line = DomainType.of(line)
    commands = Function((Quantity("EGR", "%"), Quantity("VGT", "%")), on_line)
    return Signature({"commands": commands, "initial": Parameter(_STATES)}, Function(_STATES, on_line)), line
