"""A turbocharged diesel engine: from commands over time to the states of its air path.

    G: (u, x(0)) ↦ x,   ẋ = f(x, u(t), u(t - delays))

u are four commands: engine speed (rpm), injected fuel (mg a cycle and cylinder), and the openings (%) of the valve that
recirculates exhaust gas (EGR) and of the variable-geometry turbine (VGT), whose actuators see them 65 and 40 ms late.
x are eight states: pressures of the intake and exhaust manifold (Pa), their oxygen (shares of mass), the speed of the
turbocharger (rad/s), two states of the EGR valve and one of the turbine's (%). f is a mean-value model of a
six-cylinder engine of 12.7 litres: balances of mass, oxygen and power with fitted maps of efficiencies and flows. Along
with the states go two numbers of the cylinder that follow from them: the share of gas that stays in it, and the
temperature at which compression starts (K). Commands are drawn as random ramps; a record begins after the engine has
run for `warm_up` seconds under its first commands. What wears out can be changed: the largest openings of valve and
turbine, how far the cylinder is from an ideal one, what the exhaust pipes lose. The operator is to be learnt window by
window, each from the state in which the one before it ends. The reference is the classical Runge-Kutta method in steps
of 5 ms, fourth order.

Sources: Wahlström, Eriksson, "Modelling diesel engines with a variable-geometry turbocharger and exhaust gas
recirculation by optimization of model parameters for capturing non-linear system dynamics", Proc. IMechE D 225 (2011);
Kumar, Goswami, Smith, Karniadakis, "Real-time prediction of gas flow dynamics in diesel engines using a deep neural
operator framework", 2023.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from fredholm.fields.differences import first_derivative
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Quantity, Signature
from fredholm.problems.drive_commands import COMMANDS, RandomRamps
from fredholm.problems.drive_cycle import DriveCycle
from fredholm.problems.problem import Problem, StrongForm, generator_of
from fredholm.solvers.diesel_engine import HEALTHY, DieselEngine, flows, rates

STATES = (
    Quantity("intake pressure", "Pa"),
    Quantity("exhaust pressure", "Pa"),
    Quantity("intake oxygen"),
    Quantity("exhaust oxygen"),
    Quantity("turbocharger speed", "rad/s"),
    Quantity("EGR valve, fast state", "%"),
    Quantity("EGR valve, slow state", "%"),
    Quantity("VGT opening", "%"),
)
CYLINDER = (Quantity("residual gas"), Quantity("temperature before compression", "K"))


@dataclass(frozen=True)
class DieselEngineRecords(Problem, StrongForm):
    """Records of an engine under random commands.

    Args:
        duration: of a record, in s.
        spacing: of the commands and states in it, in s.
        step: of the solver, in s.
        warm_up: s under the first commands before the record begins.
        commands: how they are drawn: random ramps, or stretches of a drive cycle.
        egr_area: largest opening of the EGR valve, in m².
        non_ideal: factor of the temperature of what leaves the cylinders.
        heat_transfer: of the exhaust pipes, in W/(m² K).
        vgt_area: largest opening of the turbine, in m².

    >>> problem = DieselEngineRecords(duration=10.0)
    >>> inputs = problem.sample(2, seed=0)
    >>> {name: tuple(values.shape) for name, values in inputs.items()}
    {'commands': (2, 4, 51), 'initial': (2, 8)}
    >>> problem.solve(inputs).shape
    torch.Size([2, 10, 51])
    """

    name: ClassVar[str] = "diesel-engine"
    summary: ClassVar[str] = "a diesel engine's air path: speed, fuel, EGR, VGT, first state -> eight states in time"

    duration: float = 60.0
    spacing: float = 0.2
    step: float = 0.005
    warm_up: float = 10.0
    commands: RandomRamps | DriveCycle = field(default_factory=RandomRamps)
    egr_area: float = HEALTHY[0]
    non_ideal: float = HEALTHY[1]
    heat_transfer: float = HEALTHY[2]
    vgt_area: float = HEALTHY[3]

    def __post_init__(self) -> None:
        _ = self.solver  # which refuses steps and spacings that do not resolve
        if self.records < 3 or abs(self.spacing * (self.records - 1) - self.duration) > 1e-9 * self.duration:
            raise ValueError(f"a record of {self.duration} s is no multiple, two or more, of {self.spacing} s")
        if not 0 <= self.warm_up < float("inf"):
            raise ValueError(f"the warm-up must be finite and not negative, got {self.warm_up} s")
        for name in ("egr_area", "non_ideal", "heat_transfer", "vgt_area"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be positive and finite, got {getattr(self, name)}")

    @cached_property
    def solver(self) -> DieselEngine:
        """The engine itself."""
        return DieselEngine(self.spacing, self.step)

    @property
    def records(self) -> int:
        """Points in time of a record."""
        return 1 + round(self.duration / self.spacing)

    @property
    def wear(self) -> Float[ndarray, " 4"]:
        """What wears out, in the solver's order."""
        return np.array([self.egr_area, self.non_ideal, self.heat_transfer, self.vgt_area])

    @cached_property
    def line(self) -> Grid:
        """The points in time."""
        return Grid(Axis("t", 0.0, self.duration, self.records, "s"))

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"commands": self.line}

    @property
    def output_domain(self) -> Domain:
        return self.line

    @property
    def signature(self) -> Signature:
        line = DomainType.of(self.line)
        return Signature(
            {"commands": Function(COMMANDS, line), "initial": Parameter(STATES)}, Function(STATES + CYLINDER, line)
        )

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        times = self.line.axes[0].points()
        drawn = [self.commands.draw(generator_of(seed, first + i), times) for i in range(n)]
        commands = torch.stack(drawn).float()
        return {"commands": commands, "initial": torch.from_numpy(self._warm(commands[..., 0])).float()}

    def _warm(self, commands: Float[Tensor, "n 4"]) -> Float[ndarray, "n 8"]:
        """States after the warm-up under constant commands."""
        held = commands.double().numpy()
        solver = DieselEngine(self.step, self.step)
        length = max(2, 1 + round(self.warm_up / self.step))
        states = solver.simulate(np.repeat(held[:, :, None], length, 2), solver.rest(held), self.wear)
        return states[..., 0 if self.warm_up == 0 else -1]

    def solve(self, inputs: Inputs) -> Tensor:
        """States and what follows from them; raises SolverError for commands outside the actuators' ranges."""
        self.signature.check(inputs, finite=True)
        commands, initial = inputs["commands"].double(), inputs["initial"].double()
        states = torch.from_numpy(self.solver.simulate(commands.numpy(), initial.numpy(), self.wear))
        return self.completed(states, commands).float()

    def completed(self, states: Float[Tensor, "n 8 m"], commands: Float[Tensor, "n 4 m"]) -> Float[Tensor, "n 10 m"]:
        """Eight states and the two numbers of the cylinder that follow from them."""
        return torch.cat([states, self._cylinder(states, commands)], 1)

    def residual(self, inputs: Inputs, output: Tensor) -> Tensor:
        """ẋ - f(x, u), by differences of second order, and what the two of the cylinder are off (n, 10, t)."""
        commands, states = inputs["commands"].to(output), output[:, : len(STATES)]
        seen = self.solver.delayed(commands).mT
        slopes = rates(states.mT, seen, torch.from_numpy(self.wear).to(output)).mT
        off = output[:, len(STATES) :] - self._cylinder(states, commands)
        return torch.cat([first_derivative(states, 2, self.line.axes[0]) - slopes, off], 1)

    def _cylinder(self, states: Float[Tensor, "n 8 m"], commands: Float[Tensor, "n 4 m"]) -> Float[Tensor, "n 2 m"]:
        found = flows(states.mT, commands.mT, torch.from_numpy(self.wear).to(states))
        return torch.stack([found["x_r"], found["T_1"]], 1)
