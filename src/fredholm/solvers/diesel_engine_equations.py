"""The air path of a turbocharged diesel engine: eight rates, and the flows and powers that make them.

    ṗ_im   = (R_a T_im / V_im) (W_c + W_egr - W_ei)                        pressure of the intake manifold
    ṗ_em   = (R_e T_em / V_em) (W_eo - W_t - W_egr)                        pressure of the exhaust manifold
    Ẋ_Oim  = (R_a T_im / (p_im V_im)) ((X_Oem - X_Oim) W_egr + (X_Oc - X_Oim) W_c)
    Ẋ_Oem  = (R_e T_em / (p_em V_em)) (X_Oe - X_Oem) W_eo                  oxygen, by mass
    ω̇_t    = (P_t η_m - P_c) / (J_t ω_t)                                   turbocharger
    ũ̇      = (u(t - delay) - ũ) / τ                                        three actuators' states

Each function is written once and runs twice: on tensors as it stands, with gradients, and on single numbers compiled
by numba. The few primitives that differ are at the top. Roots and powers are taken of numbers that are kept away from
zero by a millionth or less, so that their derivatives are finite.

The gas that stays in the cylinder, x_r, and the temperature T_1 at which compression starts depend on each other. The
published model takes one sweep of that fixed point a time step; here it is iterated until it stands at every stage, so
that it is a function of the state and the order of the integrator is not lost. A sweep shrinks the error some 30 times.

Source: Wahlström, Eriksson, "Modelling diesel engines with a variable-geometry turbocharger and exhaust gas
recirculation by optimization of model parameters for capturing non-linear system dynamics", Proc. IMechE D 225 (2011).
"""

# mypy: disallow-untyped-defs=False
# numba infers the types of what it compiles

import math

import torch
from numba import njit
from numba.extending import overload, register_jitable

from fredholm.solvers import diesel_engine_parameters as c

_SWEEPS = 6
_TINY = 1e-12


def at_least(x, bound):
    """max(x, bound), elementwise."""
    return x.clamp(min=bound)


def at_most(x, bound):
    """min(x, bound), elementwise."""
    return x.clamp(max=bound)


def root(x):
    """√max(x, 0), with a finite derivative at zero."""
    return x.clamp(min=_TINY).sqrt()


def exponential(x):
    """The exponential function."""
    return x.exp()


def chosen(condition, yes, no):
    """`yes` where the condition holds."""
    return torch.where(condition, yes, no)


@overload(at_least)
def _at_least(x, bound):
    return lambda x, bound: max(x, bound)


@overload(at_most)
def _at_most(x, bound):
    return lambda x, bound: min(x, bound)


@overload(root)
def _root(x):
    return lambda x: math.sqrt(max(x, _TINY))


@overload(exponential)
def _exponential(x):
    return lambda x: math.exp(x)


@overload(chosen)
def _chosen(condition, yes, no):
    return lambda condition, yes, no: yes if condition else no


@register_jitable
def cylinders(p_im, p_em, oxygen, speed, fuel, compensation, heat_transfer):
    """Flows in, of fuel and out (kg/s), oxygen out, λ_O, torque (N m), T_em, x_r, T_1."""
    air, burnt = charge(p_im, speed, fuel)
    out = air + burnt
    needed = burnt * (c.AIR_TO_FUEL * c.X_OC)
    lambda_o = air * oxygen / needed
    left = at_least((air * oxygen - needed) / out, 0.0)
    efficiency = c.ETA_IGCH * (1 - c.R_C ** (1 - c.GAMMA_CYL)) * at_most(lambda_o, 1.0)
    thousands = speed / 1000
    friction = (c.C_FRIC[0] * thousands + c.C_FRIC[1]) * thousands + c.C_FRIC[2]
    work = efficiency * fuel * (c.Q_HV * 1e-6 * c.N_CYL) - c.V_D * (p_em - p_im) - 1e5 * c.V_D * friction
    residual, start, hot = gas_left_in_cylinders(p_em / p_im, burnt * c.Q_HV / out, compensation)
    return air, burnt, out, left, lambda_o, work / (4 * math.pi), cooled(hot, out, heat_transfer), residual, start


@register_jitable
def charge(p_im, speed, fuel):
    """Flows into the cylinders, of air and of fuel, kg/s."""
    fill = c.C_VOL[0] * root(p_im) + c.C_VOL[1] * root(speed) + c.C_VOL[2]
    air = fill * p_im * speed * (c.V_D / (120 * c.R_A * c.T_IM))
    return air, fuel * speed * (1e-6 * c.N_CYL / 120)


@register_jitable
def cooled(hot, out, heat_transfer):
    """T_em behind the pipes, of what leaves the cylinders at T_e and `out` kg/s."""
    surface = math.pi * c.D_PIPE * c.L_PIPE * c.N_PIPE / c.C_PE
    return c.T_W + (hot - c.T_W) * exponential(-heat_transfer * surface / out)


@register_jitable
def gas_left_in_cylinders(pressure_ratio, heat, compensation):
    """x_r, T_1 and the temperature T_e of what leaves; `heat` is the fuel's, a kilogram of gas without residual."""
    expansion, cooling = expanded(pressure_ratio, compensation)
    residual, start = 0.0 * heat + 0.03, 0.0 * heat + 314.0
    hot = start
    for _ in range(_SWEEPS):
        residual, start, hot = sweep(residual, start, expansion, cooling, heat)
    return residual, start, hot


@register_jitable
def expanded(pressure_ratio, compensation):
    """What all sweeps share: Π_e^(1/γ), and η_sc Π_e^(1 - 1/γ) r_c^(1 - γ)."""
    expansion = pressure_ratio ** (1 / c.GAMMA_A)
    return expansion, compensation * pressure_ratio / expansion / c.R_C ** (c.GAMMA_A - 1)


@register_jitable
def sweep(residual, start, expansion, cooling, heat):
    """x_r, T_1 and T_e by one sweep of the fixed point from x_r and T_1."""
    q = heat * (1 - residual)
    squeezed = start * c.R_C ** (c.GAMMA_A - 1)
    at_volume, at_pressure = q * (c.X_CV / c.C_VA), q * ((1 - c.X_CV) / c.C_PA)
    x_p = 1 + at_volume / squeezed
    x_v = 1 + at_pressure / (at_volume + squeezed)
    shrunk = x_p ** (-1 / c.GAMMA_A)
    residual = at_most(at_least(expansion * shrunk / (c.R_C * x_v), 0.0), 1.0)
    hot = at_most(cooling / (shrunk * x_p) * (at_pressure + at_volume + squeezed), 1500.0)
    return residual, at_least(residual * hot + (1 - residual) * c.T_IM, 273.0), hot


@register_jitable
def recirculated(p_im, p_em, exhaust, opening, area):
    """W_egr, kg/s, through a valve open to `opening` per cent; beyond 80 it opens no further."""
    s = at_most(opening, -c.C_EGR[1] / (2 * c.C_EGR[0]))
    share = at_least((c.C_EGR[0] * s + c.C_EGR[1]) * s + c.C_EGR[2], 0.0)
    ratio = at_most(at_least(p_im / p_em, c.PI_EGR), 1.0)
    throttled = (1 - ratio) / (1 - c.PI_EGR) - 1
    return area * share * p_em * (1 - throttled * throttled) / root(exhaust * c.R_E)


@register_jitable
def turbine(p_em, exhaust, omega, opening, area):
    """W_t, kg/s, and the power P_t η_m given to the shaft, W."""
    ratio = at_most(c.P_AMB / p_em, 0.9999)
    off = (opening - c.C_VGT[1]) / c.C_VGT[0]
    share = at_least(c.C_F[1] + c.C_F[0] * root(1 - off * off), 0.0)
    flow = area * p_em * root(1 - ratio**c.K_T) * share / root(exhaust * c.R_E)
    drop = c.C_PE * exhaust * (1 - ratio ** (1 - 1 / c.GAMMA_E))
    blades = at_most(at_least(c.R_T * omega / root(2 * drop), 0.0), 2 * c.BSR_OPT)
    above = at_least(omega, c.C_M[1]) - c.C_M[1]
    linear = c.OMEGA_TLIN - c.C_M[1]
    slow, fast = c.C_MLIN * above / linear, c.C_M[0] * at_least(above, linear) ** c.C_M[2]
    loss = chosen(above >= linear, fast, slow)
    miss = blades - c.BSR_OPT
    return flow, flow * drop * at_most(at_least(c.ETA_TM - loss * miss * miss, 0.2), 1.0)


@register_jitable
def compressor(p_im, omega):
    """W_c, kg/s, and the power P_c that it takes, W."""
    ratio = at_least(p_im / c.P_AMB, 1.0)
    rise = c.C_PA * c.T_AMB * (ratio ** (1 - 1 / c.GAMMA_A) - 1)
    tip = c.R_COMP * omega
    head = 2 * rise / (tip * tip)
    psi = at_least((c.C_PSI[0] * omega + c.C_PSI[1]) * omega + c.C_PSI[2], 0.0)
    phi = at_least((c.C_PHI[0] * omega + c.C_PHI[1]) * omega + c.C_PHI[2], 0.1)
    flow = c.P_AMB * math.pi * c.R_COMP**3 / (c.R_A * c.T_AMB) * omega * root((1 - psi * head * head) / phi)
    flow = at_least(flow, 1e-4)
    off_flow, off_ratio = flow - c.W_COPT, at_least(ratio - 1, 1e-6) ** c.C_PI - c.PI_COPT
    miss = (c.Q_C[0] * off_flow + 2 * c.Q_C[1] * off_ratio) * off_flow + c.Q_C[2] * off_ratio * off_ratio
    return flow, flow * rise / at_least(c.ETA_C - miss, 0.2)


@register_jitable
def rates(state, speed, fuel, egr, vgt, wear):
    """Rates of the eight states; `egr` and `vgt` are the commands as the delayed actuators see them."""
    p_im, p_em, oxygen_in, oxygen_out, omega, egr1, egr2, opening = state
    egr_area, compensation, heat_transfer, vgt_area = wear
    air, _, out, left, _, _, exhaust, _, _ = cylinders(p_im, p_em, oxygen_in, speed, fuel, compensation, heat_transfer)
    valve = c.K_EGR * egr1 - (c.K_EGR - 1) * egr2
    back = recirculated(p_im, p_em, exhaust, valve, egr_area)
    through, given = turbine(p_em, exhaust, omega, opening, vgt_area)
    fresh, taken = compressor(p_im, omega)
    intake = c.R_A * c.T_IM / c.V_IM
    manifold = c.R_E * exhaust / c.V_EM
    return (
        intake * (fresh + back - air),
        manifold * (out - through - back),
        intake / p_im * ((oxygen_out - oxygen_in) * back + (c.X_OC - oxygen_in) * fresh),
        manifold / p_em * (left - oxygen_out) * out,
        (given - taken) / (c.J_T * omega),
        (egr - egr1) / c.TAU_EGR1,
        (egr - egr2) / c.TAU_EGR2,
        (vgt - opening) / c.TAU_VGT,
    )


@register_jitable
def shifted(state, slope, by):
    """A state and a multiple of its slope, added: tuples of eight."""
    a0, a1, a2, a3, a4, a5, a6, a7 = state
    b0, b1, b2, b3, b4, b5, b6, b7 = slope
    return (
        a0 + by * b0,
        a1 + by * b1,
        a2 + by * b2,
        a3 + by * b3,
        a4 + by * b4,
        a5 + by * b5,
        a6 + by * b6,
        a7 + by * b7,
    )


@register_jitable
def advanced(state, now, middle, end, wear, step):
    """One step of the classical Runge-Kutta method; the commands at its beginning, middle and end."""
    k1 = rates(state, now[0], now[1], now[2], now[3], wear)
    k2 = rates(shifted(state, k1, 0.5 * step), middle[0], middle[1], middle[2], middle[3], wear)
    k3 = rates(shifted(state, k2, 0.5 * step), middle[0], middle[1], middle[2], middle[3], wear)
    k4 = rates(shifted(state, k3, step), end[0], end[1], end[2], end[3], wear)
    state = shifted(shifted(state, k1, step / 6), k4, step / 6)
    return shifted(shifted(state, k2, step / 3), k3, step / 3)


@njit(cache=True)
def march(halves, initial, wear, step, every, states):
    """Write every `every`th state into `states` (8, records), from `initial` (8,); `halves` (4, 2 steps + 1)."""
    state = (
        initial[0],
        initial[1],
        initial[2],
        initial[3],
        initial[4],
        initial[5],
        initial[6],
        initial[7],
    )
    worn = (wear[0], wear[1], wear[2], wear[3])
    for k in range(8):
        states[k, 0] = state[k]
    for i in range(halves.shape[1] // 2):
        state = advanced(state, halves[:, 2 * i], halves[:, 2 * i + 1], halves[:, 2 * i + 2], worn, step)
        if (i + 1) % every == 0:
            for k in range(8):
                states[k, (i + 1) // every] = state[k]
