"""The engine as equations at points in time, for fields that a network represents: balances, cylinder, actuators.

    r₁ = ṗ_im - (R_a T_im / V_im)(W_c + W_egr - W_ei)      r₂ = ṗ_em - (R_e T_em / V_em)(W_eo - W_t - W_egr)
    r₃ = ω̇_t - (P_t η_m - P_c)/(J_t ω_t)                   r₄ = x_r - one sweep of its fixed point,  r₅ = T₁ - the same
    r₆, r₇, r₈ = τ ũ̇ - (u(t - delay) - ũ)                  unless the actuators are known beforehand

Every field and equation is scaled to numbers of the order of one: unscaled they differ by ten orders of magnitude.
Oxygen is left out, since neither pressures nor flows nor speed depend on it.

Source: Nath, Meng, Smith, Karniadakis, "Physics-informed neural networks for predicting gas flow dynamics and unknown
parameters in diesel engines", Scientific Reports 13 (2023); engine: Wahlström, Eriksson, Proc. IMechE D 225 (2011).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.signature import Inputs
from fredholm.problems.pointwise import Jet, Partial, PointwiseForm
from fredholm.solvers import diesel_engine_equations as equations
from fredholm.solvers import diesel_engine_parameters as engine

FIELDS = ("p_im", "p_em", "omega_t", "x_r", "T_1", "u_egr1", "u_egr2", "u_vgt")
SCALES = (1e5, 1e5, 5e3, 0.03, 300.0, 100.0, 100.0, 100.0)
_ACTUATORS = ((5, "egr", engine.TAU_EGR1), (6, "egr", engine.TAU_EGR2), (7, "vgt", engine.TAU_VGT))


@dataclass(frozen=True)
class EngineBalance(PointwiseForm):
    """Equations of five fields, with actuators known, or of eight.

    `balance` takes scaled fields (windows, fields, points) as `jet`, and inputs by name, each (windows, points): speed,
    fuel, egr and vgt as the delayed actuators see them; valve and vane where the actuators are known; and wear,
    (windows, 4, points).
    """

    partials: ClassVar[tuple[Partial, ...]] = ((0,),)
    terms: ClassVar[tuple[str, ...]] = FIELDS

    infused: bool = True

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that are unknown."""
        return FIELDS[:5] if self.infused else FIELDS

    def balance(self, jet: Jet, points: Float[Tensor, "m 1"], inputs: Inputs) -> Float[Tensor, "w terms m"]:
        return self.evaluated(jet[()], jet[(0,)], inputs)[0]

    def evaluated(
        self, values: Float[Tensor, "*w fields m"], slopes: Float[Tensor, "*w fields m"], inputs: Inputs
    ) -> tuple[Float[Tensor, "*w terms m"], Float[Tensor, "*w m"]]:
        """What is left of the equations, and W_egr in kg/s."""
        p_im, p_em, omega, residual, start = (values[..., k, :] * SCALES[k] for k in range(5))
        speed, fuel = inputs["speed"], inputs["fuel"]
        if self.infused:
            valve, vane = inputs["valve"], inputs["vane"]
        else:
            egr1, egr2, vane = (values[..., k, :] * SCALES[k] for k in (5, 6, 7))
            valve = engine.K_EGR * egr1 - (engine.K_EGR - 1) * egr2
        egr_area, compensation, heat_transfer, vgt_area = inputs["wear"].unbind(-2)
        air, burnt = equations.charge(p_im, speed, fuel)
        out = air + burnt
        expansion, cooling = equations.expanded(p_em / p_im, compensation)
        swept, started, hot = equations.sweep(residual, start, expansion, cooling, burnt * engine.Q_HV / out)
        exhaust = equations.cooled(hot, out, heat_transfer)
        back = equations.recirculated(p_im, p_em, exhaust, valve, egr_area)
        through, given = equations.turbine(p_em, exhaust, omega, vane, vgt_area)
        fresh, taken = equations.compressor(p_im, omega)
        intake, manifold = engine.R_A * engine.T_IM / engine.V_IM, engine.R_E / engine.V_EM
        rest = [
            slopes[..., 0, :] - intake * (fresh + back - air) / SCALES[0],
            slopes[..., 1, :] - manifold * exhaust * (out - through - back) / SCALES[1],
            slopes[..., 2, :] - (given - taken) / (engine.J_T * omega * SCALES[2]),
            values[..., 3, :] - swept / SCALES[3],
            values[..., 4, :] - started / SCALES[4],
        ]
        if not self.infused:
            rest += [
                tau * slopes[..., k, :] - (inputs[command] / SCALES[k] - values[..., k, :])
                for k, command, tau in _ACTUATORS
            ]
        return torch.stack(rest, -2), back
