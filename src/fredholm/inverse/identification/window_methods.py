"""Three ways with networks of time: from scratch, from another record's, and heads alone on a body trained offline.

    scratch     hidden layers and heads of every window, with the engine's wear; actuators as networks too, or known
    transfer    the same, from the networks of a record solved before: heads first, then everything
    few-shot    hidden layers trained offline on simulated records and frozen: heads and wear are all that is unknown,
                and no network is evaluated or derived in the loop

All are the same least-squares problem with fewer and fewer unknowns, solved by Levenberg and Marquardt rather than by
tens of thousands of gradient steps. Equations count little at first and more at each stage.

Source: Nath, Kumar, Smith, Karniadakis, "A digital twin for diesel engines: operator-infused physics-informed neural
networks with transfer learning for engine health monitoring", 2024.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.simulation import simulate
from fredholm.errors import DataError
from fredholm.inverse.identification.actuators import Actuators
from fredholm.inverse.identification.bordered_least_squares import (
    BorderedSolution,
    LevenbergMarquardt,
    bordered_least_squares,
)
from fredholm.inverse.identification.engine_balance import SCALES
from fredholm.inverse.identification.engine_record import EngineRecord
from fredholm.inverse.identification.estimate import Estimate, indices_of
from fredholm.inverse.identification.method import Method
from fredholm.inverse.identification.time_networks import Body, Heads, Networks, pretrained_body, steps
from fredholm.inverse.identification.window_problem import WindowPlan, WindowProblem
from fredholm.problems.diesel_engine import DieselEngineRecords
from fredholm.solvers.diesel_engine import WEAR, rates

_REACHES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03)  # ρ of the stages, 1/s
_SMOOTHINGS = (1e-2, 1e-1, 1e-3)  # of measured signals, where heads start from
_FITS = 2.0  # Σ r² of a fit, in measured numbers: more is a minimum that explains the record badly
_BETWEEN = LevenbergMarquardt(iterations=4, tolerance=1e-3)
_LAST = LevenbergMarquardt(iterations=20)


@dataclass(frozen=True)
class Scratch(Method):
    """Networks from scratch.

    Args:
        infused: actuators known beforehand; or else three networks more.
        units: of each hidden layer.
        plan: windows and collocation points.
        seed: of the hidden layers.
    """

    infused: bool = True
    units: int = 30
    plan: WindowPlan = field(default_factory=WindowPlan)
    seed: int = 0

    def identify(
        self, record: EngineRecord, unknown: tuple[str, ...], start: Float[Tensor, " 4"], actuators: Actuators
    ) -> Estimate:
        times = self.plan.times(self.plan.rows(record))
        networks = Networks(self.units, times, self.plan.seconds / 2)
        problem = WindowProblem.of(
            record, self.plan, networks, actuators if self.infused else None, start, indices_of(unknown)
        )
        fields = len(problem.balance.fields)
        hidden = torch.stack([steps(fields, self.units, self.seed + w) for w in range(problem.windows)])
        heads = _first_heads(problem, Heads(hidden, times, self.plan.seconds / 2))
        local, shared = networks.begun(hidden, heads).flatten(1), torch.zeros(len(unknown), dtype=torch.float64)
        solution, taken = _solved(problem, local, shared, _REACHES)
        return _estimate(problem, solution, unknown, start, taken, networks)


@dataclass(frozen=True)
class Transfer(Method):
    """Networks from those of another record.

    Args:
        source: an estimate by `Scratch`, with actuators infused.
        plan: windows and collocation points, those of the source.
    """

    source: Estimate
    plan: WindowPlan = field(default_factory=WindowPlan)

    def identify(
        self, record: EngineRecord, unknown: tuple[str, ...], start: Float[Tensor, " 4"], actuators: Actuators
    ) -> Estimate:
        hidden = self.source.hidden
        if hidden is None:
            raise DataError("the source of a transfer left no networks: take an estimate by Scratch(infused=True)")
        times, unit = self.plan.times(self.plan.rows(record)), self.plan.seconds / 2
        frozen, networks = Heads(hidden, times, unit), Networks(hidden.shape[-2], times, unit)
        places = indices_of(unknown)
        problem = WindowProblem.of(record, self.plan, frozen, actuators, start, places)
        if problem.windows != len(hidden):
            raise DataError(f"the source has {len(hidden)} windows and the record {problem.windows}: they must agree")
        local, shared = _first_heads(problem, frozen).flatten(1), self._wear(unknown, start)
        first, taken = _solved(problem, local, shared, _REACHES[:3], last=_BETWEEN)
        whole = WindowProblem.of(record, self.plan, networks, actuators, start, places)
        heads = first.local.unflatten(1, (hidden.shape[1], -1))
        local = networks.begun(hidden, heads).flatten(1)
        solution, more = _solved(whole, local, first.shared, _REACHES[3:])
        return _estimate(whole, solution, unknown, start, taken + more, networks)

    def _wear(self, unknown: tuple[str, ...], start: Float[Tensor, " 4"]) -> Float[Tensor, " s"]:
        """What the source was found to be, where it was asked for."""
        known = dict(zip(self.source.unknown, self.source.values, strict=True))
        nominal = dict(zip(WEAR, start, strict=True))
        return torch.stack([(known.get(name, nominal[name]) / nominal[name]).log() for name in unknown])


@dataclass(frozen=True)
class FewShot(Method):
    """Heads on a frozen body.

    Heads of a window may settle in a wrong minimum and take wear with them; it is no minimum of what is measured, since
    Σ r² is well above the number of measurements. Then they start anew from signals smoothed more, or less.

    Args:
        body: trained offline, see `pretrained`.
        points: collocation points a row of the record.
    """

    body: Body
    points: int = 1

    @classmethod
    def pretrained(
        cls, records: int = 20, units: int = 40, window: float = 10.0, seed: int = 0, iterations: int = 100
    ) -> "FewShot":
        """A body for engines like `DieselEngineRecords`, trained on simulated minutes of healthy and worn ones."""
        fields, slopes = [], []
        generator = torch.Generator().manual_seed(seed)
        for i in range(records):
            worn = (0.75 + 0.5 * torch.rand(4, generator=generator)).tolist()
            healthy = DieselEngineRecords()
            problem = DieselEngineRecords(
                egr_area=worn[0] * healthy.egr_area,
                non_ideal=(1 + 0.2 * (worn[1] - 1)) * healthy.non_ideal,
                heat_transfer=worn[2] * healthy.heat_transfer,
                vgt_area=(1 + 0.2 * (worn[3] - 1)) * healthy.vgt_area,
            )
            values, rising = _true_fields(problem, seed * records + i)
            rows = round(window / problem.spacing)
            fields.append(values.unfold(1, rows + 1, rows).movedim(1, 0))
            slopes.append(rising.unfold(1, rows + 1, rows).movedim(1, 0))
        return cls(pretrained_body(torch.cat(fields), torch.cat(slopes), window, units, seed, iterations))

    def identify(
        self, record: EngineRecord, unknown: tuple[str, ...], start: Float[Tensor, " 4"], actuators: Actuators
    ) -> Estimate:
        plan = WindowPlan(self.body.window, self.points)
        heads = Heads(self.body.hidden, plan.times(plan.rows(record)), plan.seconds / 2)
        problem = WindowProblem.of(record, plan, heads, actuators, start, indices_of(unknown))
        best, taken = None, 0
        for smoothing in _SMOOTHINGS:
            local = _first_heads(problem, heads, smoothing).flatten(1)
            solution, more = _solved(problem, local, torch.zeros(len(unknown), dtype=torch.float64), _REACHES[2:])
            taken += more
            if best is None or solution.cost < best.cost:
                best = solution
            if best.cost <= _FITS * record.measured.numel():
                break
        assert best is not None
        return _estimate(problem, best, unknown, start, taken, None)


def _solved(
    problem: WindowProblem, local: Tensor, shared: Tensor, reaches: tuple[float, ...], last: LevenbergMarquardt = _LAST
) -> tuple[BorderedSolution, int]:
    """Stage by stage; iterations of all stages."""
    taken = 0
    for k, reach in enumerate(reaches):
        settings = last if k == len(reaches) - 1 else _BETWEEN
        solution = bordered_least_squares(problem.stricter(reach), local, shared, settings)
        local, shared, taken = solution.local, solution.shared, taken + solution.iterations
    return solution, taken


def _first_heads(problem: WindowProblem, heads: Heads, smoothing: float = _SMOOTHINGS[0]) -> Float[Tensor, "w f p"]:
    """What was measured, smoothed by the ridge; actuators as commanded."""
    wanted = problem.guess
    if not problem.balance.infused:
        egr, vgt = (problem.inputs[name] / SCALES[5] for name in ("egr", "vgt"))
        wanted = torch.cat([wanted, torch.stack([egr, egr, vgt], 1)], 1)
    return heads.fitted(wanted, ridge=smoothing)


def _estimate(
    problem: WindowProblem,
    solution: BorderedSolution,
    unknown: tuple[str, ...],
    start: Float[Tensor, " 4"],
    taken: int,
    networks: Networks | None,
) -> Estimate:
    values = start[list(indices_of(unknown))] * solution.shared.exp()
    left = None
    if networks is not None and problem.balance.infused:
        left = networks.hidden(solution.local.unflatten(1, (5, -1)))
    return Estimate(unknown, values, solution.covariance, problem.states(solution.local)[:5], taken, left)


def _true_fields(problem: DieselEngineRecords, seed: int) -> tuple[Float[Tensor, "5 m"], Float[Tensor, "5 m"]]:
    """Scaled fields of a simulated record and their slopes a second."""
    data = simulate(problem, 1, seed)
    everything = torch.arange(1)
    whole, commands = data.outputs(everything)[0].double(), data.inputs(everything)["commands"].double()
    places = [0, 1, 4, 8, 9]
    wear = torch.from_numpy(problem.wear)
    rising = rates(whole[:8].mT, problem.solver.delayed(commands)[0].mT, wear).mT[[0, 1, 4]]
    of_cylinder = torch.stack([torch.gradient(row, spacing=problem.spacing)[0] for row in whole[8:]])
    scale = torch.tensor(SCALES[: len(places)], dtype=torch.float64)[:, None]
    return whole[places] / scale, torch.cat([rising, of_cylinder]) / scale
