"""The engine: published steady states and steps, an independent integrator, fourth order, balances, gradients."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy import ndarray
from scipy.integrate import solve_ivp

from fredholm.errors import SolverError
from fredholm.solvers import diesel_engine_parameters as engine
from fredholm.solvers.diesel_engine import HEALTHY, STATES, WEAR, DieselEngine, flows, rates

POINTS = np.array([[1500.0, 110.0, 80.0, 75.0], [1500.0, 110.0, 80.0, 30.0]])
PUBLISHED = {  # of the model's authors' own implementation at these points
    "p_im": (149592, 184986),
    "p_em": (153648, 212412),
    "X_Oim": (0.225074, 0.199724),
    "X_Oem": (0.113782, 0.108976),
    "omega_t": (6260.04, 7151.55),
    "W_c": (0.244467, 0.234544),
    "W_egr": (0.0138962, 0.0818693),
    "M_e": (793.313, 769.620),
    "T_em": (729.932, 690.805),
    "lambda_O": (2.09063, 2.27199),
    "x_r": (0.025777, 0.0312256),
    "T_1": (313.750, 314.642),
}


WIDE = np.array([[800, 1800], [30, 160], [5, 80], [30, 90]])
# no bound of the model is crossed here, where rates have kinks
SMOOTH = np.array([[1200, 1600], [80, 140], [10, 60], [30, 50]])


def ramps(records: int = 31, n: int = 2, seed: int = 0, ranges: ndarray = WIDE) -> ndarray:
    """Commands (n, 4, records) that bend at every sixth record."""
    random = np.random.default_rng(seed)
    lowest, highest = ranges.T
    knots = random.uniform(lowest[:, None], highest[:, None], (n, 4, records // 6 + 2))
    at = np.arange(records) / 6
    return np.stack([[np.interp(at, np.arange(row.size), row) for row in sample] for sample in knots])


def told_more_often(commands: ndarray, times: int) -> ndarray:
    """The same commands, known at `times` as many records."""
    records = np.arange(commands.shape[-1])
    finer = np.arange(times * records[-1] + 1) / times
    return np.stack([[np.interp(finer, records, row) for row in sample] for sample in commands])


def flows_along(states: ndarray, engine_: DieselEngine, commands: ndarray) -> dict[str, ndarray]:
    u = engine_.delayed(torch.from_numpy(commands))
    found = flows(torch.from_numpy(states).transpose(1, 2), u.transpose(1, 2))
    return {name: values.numpy() for name, values in found.items()}


def test_published_steady_states() -> None:
    steady = DieselEngine().steady_state(POINTS)
    derived = flows(torch.from_numpy(steady), torch.from_numpy(POINTS))
    for name, published in PUBLISHED.items():
        found = steady[:, STATES.index(name)] if name in STATES else derived[name].numpy()
        np.testing.assert_allclose(found, published, rtol=5e-6, err_msg=name)


def test_a_steady_state_stays() -> None:
    solver = DieselEngine()
    steady = solver.steady_state(POINTS)
    after = solver.simulate(np.repeat(POINTS[:, :, None], 26, 2), steady)
    np.testing.assert_allclose(after, np.repeat(steady[:, :, None], 26, 2), rtol=1e-8)


def test_what_flows_into_a_steady_engine_flows_out() -> None:
    """Mass of air, of all gas and of oxygen, and the power on the turbocharger's shaft."""
    steady = DieselEngine().steady_state(POINTS)
    f = {name: v.numpy() for name, v in flows(torch.from_numpy(steady), torch.from_numpy(POINTS)).items()}
    oxygen_in, oxygen_out = steady[:, 2], steady[:, 3]
    np.testing.assert_allclose(f["W_c"] + f["W_egr"], f["W_ei"], rtol=1e-9)
    np.testing.assert_allclose(f["W_c"] + f["W_f"], f["W_t"], rtol=1e-9)
    burnt = f["W_f"] * engine.AIR_TO_FUEL * engine.X_OC
    np.testing.assert_allclose(f["W_c"] * engine.X_OC - f["W_t"] * oxygen_out, burnt, rtol=1e-8)
    np.testing.assert_allclose(f["W_c"] * engine.X_OC + f["W_egr"] * oxygen_out, f["W_ei"] * oxygen_in, rtol=1e-8)
    np.testing.assert_allclose(f["P_t"], f["P_c"], rtol=1e-8)


@pytest.mark.parametrize(
    ("before", "after", "extreme", "when", "settled"),
    [(75, 65, 0.23965, 0.21, 0.24855), (30, 25, 0.21756, 0.32, 0.22024)],
)
def test_the_compressor_answers_a_step_of_the_turbine_as_published(
    before: float, after: float, extreme: float, when: float, settled: float
) -> None:
    """It first breathes less; from 75 it then breathes more than before, from 30 it does not."""
    solver = DieselEngine(spacing=0.01)
    held = np.array([[1500.0, 110.0, 80.0, before]])
    commands = np.repeat(held[:, :, None], 701, 2)
    commands[:, 3, 1:] = after
    air = flows_along(solver.simulate(commands, solver.steady_state(held)), solver, commands)["W_c"][0]
    assert air.min() == pytest.approx(extreme, rel=2e-4)
    assert 0.01 * air.argmin() == pytest.approx(when, abs=0.02)
    assert air[-1] == pytest.approx(settled, rel=2e-3)


def test_the_valve_waits_and_then_overshoots_by_a_sixth() -> None:
    """K ũ₁ - (K - 1) ũ₂ after a step, in closed form: nothing before the delay, then a peak of 1.163."""
    solver = DieselEngine(spacing=0.005, step=0.0025)
    commands = np.repeat(np.array([[1500.0, 110.0, 40.0, 60.0]])[:, :, None], 201, 2)
    start = solver.steady_state(commands[..., 0])
    commands[:, 2, 1:] = 50.0
    states = solver.simulate(commands, start)[0]
    valve = engine.K_EGR * states[5] - (engine.K_EGR - 1) * states[6]
    np.testing.assert_allclose(valve[:14], 40, rtol=1e-12)  # until 0.065 s
    assert (valve.max() - 40) / 10 == pytest.approx(1.163, abs=0.002)
    # the command ramps up in 5 ms: a step in the middle of that, to second order
    t = np.clip(0.005 * np.arange(201) - 0.065 - 0.0025, 0, None)
    step = 1 - engine.K_EGR * np.exp(-t / 0.05) + (engine.K_EGR - 1) * np.exp(-t / 0.13)
    np.testing.assert_allclose((valve[16:] - 40) / 10, step[16:], atol=1e-3)


def test_agrees_with_dop853() -> None:
    """SciPy's integrator of eighth order, from one bend of the delayed commands to the next."""
    solver, commands = DieselEngine(), ramps(16, ranges=SMOOTH)
    initial = solver.steady_state(commands[..., 0])
    mine = solver.simulate(commands, initial)[..., -1]
    knots = 0.2 * np.arange(16)
    bends = np.unique(np.round(np.concatenate([knots, knots + 0.065, knots + 0.04]), 9))
    bends = bends[bends <= 3.0]
    for sample, start in enumerate(initial):

        def slope(t: float, x: ndarray, row: ndarray = commands[sample]) -> ndarray:
            times = (t, t, t - 0.065, t - 0.04)
            u = [np.interp(time, knots, values) for time, values in zip(times, row, strict=True)]
            return rates(torch.from_numpy(x), torch.tensor(u, dtype=torch.float64)).numpy()

        x = start
        for a, b in pairwise(bends):
            x = solve_ivp(slope, (a, b), x, method="DOP853", rtol=1e-9, atol=1e-9).y[:, -1]
        np.testing.assert_allclose(mine[sample], x, rtol=2e-7)


def test_fourth_order() -> None:
    commands = ramps(ranges=SMOOTH)
    start = DieselEngine().steady_state(commands[..., 0])
    ends = {k: DieselEngine(step=0.005 / k).simulate(commands, start)[..., -1] for k in (1, 2, 4, 16)}
    errors = [np.abs(ends[k] / ends[16] - 1).max() for k in (1, 2, 4)]
    assert errors[0] < 1e-6
    assert math.log2(errors[0] / errors[1]) > 3.7
    assert math.log2(errors[1] / errors[2]) > 3.7


def test_what_the_shaft_gains_is_what_the_turbine_gives_beyond_the_compressor() -> None:
    solver, commands = DieselEngine(spacing=0.01), told_more_often(ramps(16, 1, ranges=SMOOTH), 20)
    states = solver.simulate(commands, solver.steady_state(commands[..., 0]))
    f = flows_along(states, solver, commands)
    surplus, air = f["P_t"] - f["P_c"], f["W_c"] + f["W_egr"] - f["W_ei"]
    kinetic = 0.5 * engine.J_T * states[0, 4] ** 2
    mass = states[0, 0] * engine.V_IM / (engine.R_A * engine.T_IM)
    trapezium = np.full(301, 0.01)
    trapezium[[0, -1]] /= 2
    assert kinetic[-1] - kinetic[0] == pytest.approx(float(surplus[0] @ trapezium), rel=1e-3)
    assert mass[-1] - mass[0] == pytest.approx(float(air[0] @ trapezium), rel=1e-3)


def test_tensors_go_the_same_way_as_numbers() -> None:
    solver, commands = DieselEngine(), ramps(6)
    start = solver.steady_state(commands[..., 0])
    compiled = solver.simulate(commands, start)
    np.testing.assert_allclose(
        solver.trajectory(torch.from_numpy(commands), torch.from_numpy(start)).numpy(), compiled, rtol=1e-11
    )


def test_gradients_are_those_of_finite_differences() -> None:
    """In wear, initial state and commands; of the pressures and the turbocharger's speed after a second."""
    solver, commands = DieselEngine(step=0.01), ramps(6, 1)
    start, healthy = solver.steady_state(commands[..., 0]), np.array([HEALTHY])
    parts = {"commands": commands, "initial": start, "wear": healthy}
    scale = np.array([1e5, 1e5, 5e3])

    def end(**changed: ndarray) -> float:
        given = parts | changed
        states = solver.simulate(given["commands"], given["initial"], given["wear"])
        return float((states[0, [0, 1, 4], -1] / scale).sum())

    tensors = {name: torch.tensor(values, requires_grad=True) for name, values in parts.items()}
    states = solver.trajectory(tensors["commands"], tensors["initial"], tensors["wear"])
    (states[0, [0, 1, 4], -1] / torch.from_numpy(scale)).sum().backward()
    for name, place in (("wear", 0), ("wear", 1), ("wear", 2), ("wear", 3), ("initial", 0), ("initial", 4)):
        _compare(parts[name], (0, place), tensors[name], name, end)
    for row in range(4):
        _compare(parts["commands"], (0, row, 3), tensors["commands"], "commands", end)


def _compare(values: ndarray, place: tuple[int, ...], tensor: torch.Tensor, name: str, end) -> None:  # type: ignore[no-untyped-def]
    ends = []
    for sign in (1, -1):
        moved = values.copy()
        moved[place] *= 1 + sign * 1e-5
        ends.append(end(**{name: moved}))
    assert tensor.grad is not None
    slope = float(tensor.grad[place]) * values[place]
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4, abs=1e-8), (name, place)
    assert slope != 0


def test_a_worn_engine_runs_differently_and_the_sampled_wear_is_its_own() -> None:
    healthy = DieselEngine().steady_state(POINTS)
    for place, name in enumerate(WEAR):
        wear = np.array([HEALTHY, HEALTHY])
        wear[1, place] *= 0.8
        worn = DieselEngine().steady_state(POINTS, wear)
        np.testing.assert_allclose(worn[0], healthy[0], rtol=1e-9)
        assert np.abs(worn[1, :5] / healthy[1, :5] - 1).max() > 0.003, name


def test_each_engine_runs_as_if_alone() -> None:
    solver, commands = DieselEngine(), ramps(31, 4)
    start = solver.rest(commands[..., 0])
    together = solver.simulate(commands, start)
    assert np.array_equal(together[2:3], solver.simulate(commands[2:3], start[2:3]))


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**31))
def test_states_stay_physical(seed: int) -> None:
    """Oxygen never beyond that of air, actuators within their commands, exhaust pressure above the outside's."""
    commands = ramps(61, 1, seed)
    solver = DieselEngine()
    states = solver.simulate(commands, solver.steady_state(commands[..., 0]))[0]
    p_im, p_em, oxygen_in, oxygen_out, omega, _, _, vgt = states
    assert p_im.min() > 0.95 * engine.P_AMB
    assert p_im.max() < 3.5e5
    assert p_em.min() > engine.P_AMB
    assert p_em.max() < 4.5e5
    assert oxygen_out.min() >= 0
    assert (oxygen_out < oxygen_in).all()
    assert oxygen_in.max() <= engine.X_OC + 1e-12
    assert omega.min() > 1000
    assert omega.max() < 12000
    assert commands[:, 3].min() - 1e-9 <= vgt.min()
    assert vgt.max() <= commands[:, 3].max() + 1e-9


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match=r"a step of 0\.1 s does not resolve the actuators"):
        DieselEngine(step=0.1)
    with pytest.raises(ValueError, match=r"records every 0\.2 s are not a multiple of the step, 0\.003 s"):
        DieselEngine(step=0.003)
    commands = ramps(6)
    start = DieselEngine().rest(commands[..., 0])
    for bad, said in ((2500.0, "is 2500 rpm at record 4, not within 500 and 2000"), (np.nan, "is nan rpm")):
        wild = commands.copy()
        wild[1, 0, 4] = bad
        with pytest.raises(SolverError, match=f"sample 1 cannot be solved: its command 'speed' {said}"):
            DieselEngine().simulate(wild, start)
    start[1, 0] = 5e6
    with pytest.raises(SolverError, match="sample 1 cannot be solved: its p_im leaves"):
        DieselEngine().simulate(commands, start)


def test_records_may_be_told_more_often() -> None:
    commands = ramps(6)
    start = DieselEngine().rest(commands[..., 0])
    finer = replace(DieselEngine(), spacing=0.02).simulate(told_more_often(commands, 10), start)
    np.testing.assert_allclose(finer[..., ::10], DieselEngine().simulate(commands, start), rtol=1e-12)
