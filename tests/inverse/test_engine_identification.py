"""Engines are identified: exactly where that is possible, and with the uncertainty that theory gives."""

import math

import pytest
import torch
from torch import Tensor

from fredholm.errors import DataError, UnknownNameError
from fredholm.inverse.identification import (
    ActuatorOperator,
    EngineRecord,
    EngineTwin,
    ExactActuators,
    FewShot,
    GradientMatching,
    Scratch,
    Shooting,
    Transfer,
    WindowPlan,
    sensitivities,
)
from fredholm.inverse.identification.bordered_least_squares import (
    BorderedProblem,
    LevenbergMarquardt,
    bordered_least_squares,
)
from fredholm.inverse.identification.engine_balance import SCALES, EngineBalance
from fredholm.inverse.identification.time_networks import Heads, Networks, pretrained_body, steps
from fredholm.inverse.identification.window_problem import WindowProblem
from fredholm.problems import DieselEngineRecords
from fredholm.solvers.diesel_engine import HEALTHY, WEAR, DieselEngine, flows

START = tuple(factor * value for factor, value in zip((1.3, 0.9, 1.3, 0.8), HEALTHY, strict=True))
WORN = DieselEngineRecords(duration=20.0, egr_area=0.8 * HEALTHY[0], heat_transfer=1.1 * HEALTHY[2])


def _record(noise: float, seed: int = 3) -> EngineRecord:
    return EngineRecord.simulated(WORN, WORN.sample(1, seed=seed), noise, seed=seed)


def _errors(found: dict[str, float] | object) -> Tensor:
    return torch.tensor([found[name] / true - 1 for name, true in zip(WEAR, WORN.wear, strict=True)])


def test_actuators_are_those_of_the_engine() -> None:
    commands = WORN.sample(2, seed=0)["commands"].double()
    solver = DieselEngine(0.2)
    simulated = torch.from_numpy(solver.simulate(commands.numpy(), solver.rest(commands[..., 0].numpy())))[:, 5:]
    torch.testing.assert_close(ExactActuators().states(commands, 0.2), simulated, rtol=1e-6, atol=1e-4)


def test_the_actuator_operator_is_the_convolution() -> None:
    operator = ActuatorOperator.trained(records=30)
    commands = WORN.sample(2, seed=1)["commands"].double()
    exact = ExactActuators().states(commands, 0.2)
    assert float((operator.states(commands, 0.2) - exact).abs().max()) < 1e-2  # of 100 %
    with pytest.raises(ValueError, match=r"no multiple of the operator's 0.1 s"):
        operator.states(commands, 0.25)


def _residual_of_truth(every: int) -> Tensor:
    """Largest residual of each balance, slopes by central differences of the true states."""
    problem = DieselEngineRecords(duration=4.0, spacing=0.02 / every)
    commands = torch.tensor([[1200.0], [90.0], [40.0], [50.0]]).double() * torch.ones(4, problem.records)
    commands[1] += 30 * torch.sin(torch.linspace(0, 4, problem.records).double())
    initial = torch.from_numpy(problem.solver.steady_state(commands[:, 0].numpy()[None]))
    states = torch.from_numpy(problem.solver.simulate(commands[None].numpy(), initial.numpy()))[0]
    cylinder = flows(states.mT, commands.mT)
    fields = torch.stack([states[0], states[1], states[4], cylinder["x_r"], cylinder["T_1"], *states[5:]])
    fields = fields / torch.tensor(SCALES, dtype=torch.float64)[:, None]
    slopes = torch.gradient(fields, spacing=problem.spacing, dim=1)[0]
    names = dict(zip(("speed", "fuel", "egr", "vgt"), problem.solver.delayed(commands[None])[0], strict=True))
    wear = torch.tensor(HEALTHY, dtype=torch.float64)[:, None]
    rest, back = EngineBalance(infused=False).evaluated(fields, slopes, {**names, "wear": wear})
    torch.testing.assert_close(back, cylinder["W_egr"], rtol=1e-6, atol=1e-9)
    return rest[:, 20 * every : -20 * every].abs().amax(1)


def test_the_residual_of_a_true_trajectory_vanishes_at_the_order_of_the_differences() -> None:
    coarse, fine = _residual_of_truth(1), _residual_of_truth(2)
    assert float(fine[:3].max()) < 1e-3
    assert float(fine[3:5].max()) < 1e-5  # the cylinder's own equations hold point by point
    assert 3.3 < float(coarse[:3].max() / fine[:3].max()) < 4.7  # second order


def test_derivatives_of_networks_are_those_of_automatic_differentiation() -> None:
    times = torch.linspace(-1, 1, 7, dtype=torch.float64)
    hidden = steps(fields=2, units=4, seed=0)
    networks, heads = Networks(4, times, unit=5.0), Heads(hidden, times, unit=5.0)
    head = torch.randn(1, 2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    unknown = networks.begun(hidden[None], head)
    for made, frozen in zip(networks.at(unknown), heads.at(head), strict=True):
        torch.testing.assert_close(made, frozen)
    for k, tangent in enumerate(networks.tangents(unknown)):
        whole = torch.func.jacrev(lambda u, k=k: networks.at(u)[k])(unknown)
        torch.testing.assert_close(tangent, torch.einsum("wfnwfp->wfnp", whole))
    torch.testing.assert_close(heads.at(heads.fitted(heads.at(head)[0], ridge=1e-14))[0], heads.at(head)[0])


def test_derivatives_of_the_whole_problem_are_those_of_differences() -> None:
    record, plan = _record(0.01), WindowPlan(seconds=10.0)
    networks = Networks(6, plan.times(plan.rows(record)), unit=5.0)
    wear = torch.tensor(START, dtype=torch.float64)
    problem = WindowProblem.of(record, plan, networks, None, wear, (0, 2))
    hidden = torch.stack([steps(8, 6, w) for w in range(problem.windows)])
    level = torch.tensor([1.6, 1.8, 1.2, 1.0, 1.04, 0.4, 0.4, 0.5], dtype=torch.float64)
    slope = 0.02 * torch.randn(2, 8, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    heads = torch.cat([level[:, None].expand(2, -1, -1), slope], -1)
    local = networks.begun(hidden, heads).flatten(1)
    shared = torch.tensor([0.1, -0.1], dtype=torch.float64)
    a, b = problem.derivatives(local, shared)
    generator = torch.Generator().manual_seed(0)
    along = torch.randn(local.shape, dtype=torch.float64, generator=generator)
    across = torch.tensor([0.7, -0.4], dtype=torch.float64)
    h = 1e-6
    ends = [problem.residuals(local + s * h * along, shared + s * h * across) for s in (1, -1)]
    difference = (ends[0] - ends[1]) / (2 * h)
    exact = (a @ along[..., None])[..., 0] + b @ across
    assert float((difference - exact).norm() / exact.norm()) < 1e-5


class _Decay(BorderedProblem):
    """ẏ = -z y on two windows, y = heads times features; measured with noise: linear but for z times y."""

    def __init__(self, noise: float, seed: int) -> None:
        t = torch.linspace(-1, 1, 41, dtype=torch.float64)
        places = torch.linspace(-1.5, 1.5, 40, dtype=torch.float64)  # regular, and beyond the ends: no ripples
        self.heads = Heads(torch.stack([13 * torch.ones_like(places), -13 * places], -1)[None], t, unit=1.0)
        clean = torch.stack([2 * torch.exp(-0.5 * (t + 1)), torch.exp(-0.5 * (t + 1))])
        draws = torch.randn(clean.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        self.data, self.noise, self.stiffness = clean + noise * draws, noise, 1e3

    def residuals(self, local: Tensor, shared: Tensor) -> Tensor:
        y, slope = (value[:, 0] for value in self.heads.at(local[:, None]))
        return torch.cat([self.stiffness * (slope + shared * y), (y - self.data) / self.noise], 1)

    def derivatives(self, local: Tensor, shared: Tensor) -> tuple[Tensor, Tensor]:
        values, slopes = (value[0].expand(2, -1, -1) for value in (self.heads.values, self.heads.slopes))
        y = (values @ local[..., None])[..., 0]
        a = torch.cat([self.stiffness * (slopes + shared * values), values / self.noise], 1)
        return a, torch.cat([self.stiffness * y, torch.zeros_like(y)], 1)[..., None]


@pytest.mark.slow
def test_heads_on_frozen_features_find_a_rate_with_its_analytic_deviation() -> None:
    noise, found, told = 0.05, [], 0.0
    settings = LevenbergMarquardt(iterations=50, tolerance=1e-10)
    for seed in range(40):
        problem = _Decay(noise, seed)
        start = problem.heads.fitted(problem.data[:, None], ridge=1e-3)[:, 0]
        solution = bordered_least_squares(problem, start, torch.tensor([1.0], dtype=torch.float64), settings)
        found.append(float(solution.shared))
        told = math.sqrt(float(solution.covariance))
    t = torch.linspace(0, 2, 41, dtype=torch.float64)
    information = torch.zeros(3, 3, dtype=torch.float64)  # of the rate and the two first values
    for w, first in enumerate((2.0, 1.0)):
        y = torch.exp(-0.5 * t)
        rows = torch.stack([-first * t * y, *(y if k == w else 0 * y for k in range(2))])
        information += rows @ rows.T / noise**2
    analytic = math.sqrt(float(torch.linalg.inv(information)[0, 0]))
    rates = torch.tensor(found)
    assert abs(told / analytic - 1) < 0.1
    assert abs(float(rates.mean()) - 0.5) < 3 * analytic / math.sqrt(40)
    assert abs(float(rates.std()) / analytic - 1) < 0.35


def test_shooting_is_exact_on_clean_data() -> None:
    found = EngineTwin(start=START).identify(_record(0.0), Shooting())
    assert float(_errors(found).abs().max()) < 1e-5
    truth = WORN.solve(WORN.sample(1, seed=3))[0, [0, 1, 4, 8, 9]].double()
    torch.testing.assert_close(found.states, truth, rtol=1e-4, atol=0.0)


def test_shooting_errs_as_the_sensitivities_say() -> None:
    record, wear = _record(0.02), torch.from_numpy(WORN.wear)
    found = EngineTwin(start=START).identify(record, Shooting())
    told = sensitivities(record, WEAR, wear)
    torch.testing.assert_close(found.relative_deviations, told, rtol=0.3, atol=0.0)
    assert bool((_errors(found).abs() < 4 * told).all())


def test_gradient_matching_is_biased_by_noise() -> None:
    twin = EngineTwin(start=START)
    clean = _errors(twin.identify(_record(0.0), GradientMatching()))
    noisy = twin.identify(_record(0.03), GradientMatching())
    assert float(clean.abs().max()) < 0.01
    off = _errors(noisy).abs() / noisy.relative_deviations
    assert float(off.max()) > 3  # and its own deviation does not know


def test_networks_of_every_kind_identify_a_clean_record() -> None:
    twin, record = EngineTwin(start=START), _record(0.0)
    few = FewShot.pretrained(records=2, units=40, iterations=5)
    for method in (few, Scratch()):
        found = twin.identify(record, method)
        assert float(_errors(found)[[0, 1, 3]].abs().max()) < 0.02
        assert abs(float(_errors(found)[2])) < 0.08
        truth = WORN.solve(WORN.sample(1, seed=3))[0, [0, 1, 4, 8, 9]].double()
        assert float(((found.states - truth).norm(dim=1) / truth.norm(dim=1)).max()) < 0.02


@pytest.mark.slow
def test_heads_that_settle_in_a_wrong_minimum_start_anew() -> None:
    healthy = DieselEngineRecords(duration=60.0)
    record = EngineRecord.simulated(healthy, healthy.sample(1, 1000), 0.03, seed=8)  # the first start is off by 300 %
    found = EngineTwin(start=START, actuators=ActuatorOperator.trained()).identify(record, FewShot.pretrained())
    assert float((found.values / torch.tensor(HEALTHY) - 1).abs().max()) < 0.1


@pytest.mark.slow
def test_a_transfer_finds_what_a_start_finds() -> None:
    twin = EngineTwin(start=START)
    source = twin.identify(_record(0.01), Scratch(units=20))
    other = _record(0.01, seed=4)
    found, scratch = twin.identify(other, Transfer(source)), twin.identify(other, Scratch(units=20))
    torch.testing.assert_close(found.values, scratch.values, rtol=0.05, atol=0.0)


def test_a_body_learns_to_represent_what_it_is_shown() -> None:
    t = torch.linspace(-1, 1, 41, dtype=torch.float64)
    shifts = torch.linspace(-0.5, 0.5, 12, dtype=torch.float64)[:, None]
    fields = torch.tanh(8 * (t - shifts))[:, None]
    slopes = 8 * (1 - fields**2) / 5.0
    misses = []
    for iterations in (1, 60):
        body = pretrained_body(fields, slopes, window=10.0, units=8, seed=0, iterations=iterations)
        heads = Heads(body.hidden, t, unit=5.0)
        misses.append(float((heads.at(heads.fitted(fields, ridge=1e-8))[0] - fields).norm() / fields.norm()))
    assert misses[1] < 0.7 * misses[0]


def test_what_cannot_be_identified_from_is_refused() -> None:
    record = _record(0.0)
    with pytest.raises(UnknownNameError, match="did you mean 'A_egrmax'"):
        EngineTwin(unknown=("A_egrmx",))
    with pytest.raises(DataError, match="no whole number of windows of 7 s: cut it to 14 s"):
        EngineTwin().identify(record, Scratch(plan=WindowPlan(seconds=7.0)))
    with pytest.raises(DataError, match="left no networks"):
        EngineTwin().identify(record, Transfer(EngineTwin().identify(record, GradientMatching())))
    short = (values[..., :21] for values in (record.commands, record.measured))
    with pytest.raises(DataError, match="4 s long, too short"):
        EngineRecord(0.2, *short, record.deviations)
