"""A turbocharged diesel engine under commands: trajectories, steady states, and all flows and powers.

    ẋ = f(x, u(t), u(t - delays); wear)

x: pressures of intake and exhaust manifold (Pa), oxygen in them (by mass), speed of the turbocharger (rad/s), two
states of the valve of the exhaust gas recirculation (EGR) and one of the variable-geometry turbine (VGT), in per cent.
u: engine speed (rpm), fuel (mg a cycle and cylinder), EGR and VGT commands (%), linear between equidistant records, and
what they were at first before them. `solvers.diesel_engine_equations` holds f.

By the classical Runge-Kutta method, fourth order: steps of 5 ms end where the delayed commands bend. Compiled for
trajectories, and on tensors for gradients in commands, initial state and wear.

Source: Wahlström, Eriksson, Proc. IMechE D 225 (2011); Hairer, Nørsett, Wanner, "Solving ordinary differential
equations I" (1993), section II.1.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from fredholm.errors import SolverError
from fredholm.solvers import diesel_engine_equations as equations
from fredholm.solvers import diesel_engine_parameters as engine

STATES = ("p_im", "p_em", "X_Oim", "X_Oem", "omega_t", "u_egr1", "u_egr2", "u_vgt")
FLOWS = ("W_ei", "W_f", "W_eo", "X_Oe", "lambda_O", "M_e", "T_em", "x_r", "T_1", "W_egr", "W_t", "P_t", "W_c", "P_c")
WEAR = ("A_egrmax", "eta_sc", "h_tot", "A_vgtmax")
HEALTHY = (engine.A_EGRMAX, engine.ETA_SC, engine.H_TOT, engine.A_VGTMAX)

_START = 5235.987755982988  # rad/s, 50 000 rpm: the turbocharger of an engine at rest
_SETTLING = 40.0  # s, some twenty time constants of the turbocharger
_NEWTON_STEPS = 6
_SETTLED = 1e-9  # change a second of a steady state, in units of it
_LOWEST = {"p_im": 0.5 * engine.P_AMB, "p_em": 0.5 * engine.P_AMB, "omega_t": 100.0}  # where the model holds
_HIGHEST = {"p_im": 10 * engine.P_AMB, "p_em": 20 * engine.P_AMB, "omega_t": 2e5}


@dataclass(frozen=True)
class DieselEngine:
    """An engine whose commands are recorded, and whose states are told, every `spacing` seconds.

    Args:
        spacing: of the records, in s.
        step: of the Runge-Kutta method, in s; `spacing` is a multiple of it.

    Arrays of wear are (4,) for all samples, or (n, 4): A_egrmax and A_vgtmax, the largest openings of valve and turbine
    (m²), eta_sc, how far the cylinder is from an ideal one, and h_tot, what the pipes lose (W/(m² K)).

    >>> DieselEngine().steady_state(np.array([[1500.0, 110.0, 80.0, 75.0]]))[0, :2].round().tolist()
    [149592.0, 153648.0]
    """

    spacing: float = 0.2
    step: float = 0.005

    def __post_init__(self) -> None:
        if not 0 < self.step <= 0.01:
            raise ValueError(f"a step of {self.step} s does not resolve the actuators: take 0.01 s or less")
        if self.every < 1 or abs(self.every * self.step - self.spacing) > 1e-9 * self.spacing:
            raise ValueError(f"records every {self.spacing} s are not a multiple of the step, {self.step} s")

    @property
    def every(self) -> int:
        """Steps from one record to the next."""
        return round(self.spacing / self.step)

    def rest(self, commands: Float[ndarray, "n 4"]) -> Float[ndarray, "n 8"]:
        """Manifolds full of air as outside, a turbocharger at 50 000 rpm, actuators where they are commanded."""
        manifolds = [engine.P_AMB, engine.P_AMB, engine.X_OC, engine.X_OC, _START]
        actuators = commands[:, [2, 2, 3]]
        return np.concatenate([np.tile(manifolds, (len(commands), 1)), actuators], axis=1).astype(np.float64)

    def simulate(
        self,
        commands: Float[ndarray, "n 4 m"],
        initial: Float[ndarray, "n 8"],
        wear: Float[ndarray, "*n 4"] | None = None,
    ) -> Float[ndarray, "n 8 m"]:
        """States at the records.

        Raises SolverError naming the first sample whose commands leave the actuators' ranges, or whose manifolds or
        turbocharger leave what the model describes.
        """
        _require_in_range(commands)
        halves = self._halves(torch.from_numpy(commands.astype(np.float64))).numpy()
        worn = np.broadcast_to(np.asarray(HEALTHY if wear is None else wear, np.float64), (len(commands), 4))
        states = np.empty((len(commands), 8, commands.shape[2]))
        for i in range(len(commands)):
            start = np.ascontiguousarray(initial[i], np.float64)
            equations.march(halves[i], start, np.ascontiguousarray(worn[i]), self.step, self.every, states[i])
            _require_physical(i, states[i])
        return states

    def trajectory(
        self,
        commands: Float[Tensor, "n 4 m"],
        initial: Float[Tensor, "n 8"],
        wear: Float[Tensor, "*n 4"] | None = None,
    ) -> Float[Tensor, "n 8 m"]:
        """The same as `simulate`, on tensors: with gradients in commands, initial state and wear."""
        halves = self._halves(commands).permute(2, 1, 0)
        worn = _wear(wear, initial)
        state, records = initial.unbind(-1), [initial]
        for i in range(len(halves) // 2):
            state = equations.advanced(state, halves[2 * i], halves[2 * i + 1], halves[2 * i + 2], worn, self.step)
            if (i + 1) % self.every == 0:
                records.append(torch.stack(state, -1))
        return torch.stack(records, -1)

    def steady_state(
        self, commands: Float[ndarray, "n 4"], wear: Float[ndarray, "*n 4"] | None = None
    ) -> Float[ndarray, "n 8"]:
        """The state that constant commands settle to: 40 s from rest, then Newton's method on the rates.

        Raises SolverError for the first sample that does not settle.
        """
        records = 1 + round(_SETTLING / self.spacing)
        held = np.repeat(commands[:, :, None], records, axis=2)
        state = torch.from_numpy(self.simulate(held, self.rest(commands), wear)[..., -1].copy())
        u = torch.from_numpy(commands.astype(np.float64))
        worn = torch.tensor(HEALTHY if wear is None else wear, dtype=torch.float64).expand(len(commands), 4)
        slopes = torch.func.vmap(torch.func.jacfwd(rates))
        for _ in range(_NEWTON_STEPS):
            state = state - torch.linalg.solve(slopes(state, u, worn), rates(state, u, worn))
        change = (rates(state, u, worn) / state.abs().clamp(min=1e-3)).abs().amax(-1)
        if restless := (~(change < _SETTLED)).nonzero().flatten().tolist():
            raise SolverError(restless[0], f"under constant commands it still changes by {change[restless[0]]:.1e} a s")
        return state.numpy()

    def delayed(self, commands: Float[Tensor, "n 4 m"]) -> Float[Tensor, "n 4 m"]:
        """At every record: speed and fuel of then, EGR and VGT commands as the delayed actuators see them."""
        return self._halves(commands)[..., :: 2 * self.every]

    def _halves(self, commands: Float[Tensor, "n 4 m"]) -> Float[Tensor, "n 4 k"]:
        """What acts on the engine at the ends and in the middle of every step."""
        last = commands.shape[-1] - 1
        times = 0.5 * self.step * torch.arange(2 * self.every * last + 1, dtype=torch.float64)
        rows = []
        for row, delay in enumerate((0.0, 0.0, engine.DELAY_EGR, engine.DELAY_VGT)):
            position = ((times - delay) / self.spacing).clamp(0, last)
            lower = position.long().clamp(max=last - 1)
            fraction = (position - lower).to(commands)
            before, after = commands[:, row, lower], commands[:, row, lower + 1]
            rows.append(before + fraction * (after - before))
        return torch.stack(rows, 1)


def rates(
    state: Float[Tensor, "*n 8"], commands: Float[Tensor, "*n 4"], wear: Float[Tensor, "*n 4"] | None = None
) -> Float[Tensor, "*n 8"]:
    """Rates of the eight states a second; EGR and VGT commands as the delayed actuators see them."""
    speed, fuel, egr, vgt = commands.unbind(-1)
    return torch.stack(equations.rates(state.unbind(-1), speed, fuel, egr, vgt, _wear(wear, state)), -1)


def flows(
    state: Float[Tensor, "*n 8"], commands: Float[Tensor, "*n 4"], wear: Float[Tensor, "*n 4"] | None = None
) -> dict[str, Float[Tensor, "*n"]]:
    """Everything that follows from the state, by the names of `FLOWS`: kg/s, W, N m, K, and fractions.

    >>> steady = DieselEngine().steady_state(np.array([[1500.0, 110.0, 80.0, 75.0]]))
    >>> found = flows(torch.from_numpy(steady), torch.tensor([[1500.0, 110.0, 80.0, 75.0]], dtype=torch.float64))
    >>> round(float(found["M_e"]), 1), round(float(found["W_c"]), 4)
    (793.3, 0.2445)
    """
    p_im, p_em, oxygen, _, omega, egr1, egr2, opening = state.unbind(-1)
    speed, fuel, _, _ = commands.unbind(-1)
    egr_area, compensation, heat_transfer, vgt_area = _wear(wear, state)
    inside = equations.cylinders(p_im, p_em, oxygen, speed, fuel, compensation, heat_transfer)
    exhaust = inside[FLOWS.index("T_em")]
    valve = engine.K_EGR * egr1 - (engine.K_EGR - 1) * egr2
    back = equations.recirculated(p_im, p_em, exhaust, valve, egr_area)
    found = (
        *inside,
        back,
        *equations.turbine(p_em, exhaust, omega, opening, vgt_area),
        *equations.compressor(p_im, omega),
    )
    return dict(zip(FLOWS, found, strict=True))


def _wear(wear: Tensor | None, like: Tensor) -> tuple[Tensor, ...]:
    return (torch.tensor(HEALTHY, dtype=like.dtype, device=like.device) if wear is None else wear).unbind(-1)


def _require_in_range(commands: Float[ndarray, "n 4 m"]) -> None:
    for row, (name, (lowest, highest, units)) in enumerate(engine.COMMAND_RANGES.items()):
        values = commands[:, row]
        outside = ~((values >= lowest) & (values <= highest))
        if outside.any():
            sample, record = np.argwhere(outside)[0]
            value = values[sample, record]
            raise SolverError(
                int(sample),
                f"its command {name!r} is {value:g} {units} at record {record}, not within {lowest:g} and {highest:g}",
            )


def _require_physical(sample: int, states: Float[ndarray, "8 m"]) -> None:
    for name, lowest in _LOWEST.items():
        values, highest = states[STATES.index(name)], _HIGHEST[name]
        if not ((values >= lowest) & (values <= highest)).all():  # NaN is not within either
            raise SolverError(
                sample, f"its {name} leaves {lowest:.6g} to {highest:.6g}, beyond which the model is none"
            )
