"""Study: what makes a network a stable and conservative step of transport is what stands around it.

A. One network, a U-Net, as a step that sees mole fractions and flux and predicts the increment; with the mean of each
   state taken off; with the flux explicit as well; and with its mass fixed. Each rolled out for 90 days, from states as
   they are and from states with 40 ppm more, of which transport knows nothing.
B. Four networks within the same step, beside persistence.

Source: Benson, Bastos, Reimers, Winkler, Yang, Reichstein 2025, "Atmospheric transport modeling of CO2 with neural
networks".
"""

import time
from collections.abc import Callable
from typing import Any, ClassVar

import torch

from fredholm.data.dataset import Dataset
from fredholm.evaluation import StudyReport, Target, rollout, skill
from fredholm.fields.signature import Inputs
from fredholm.fields.sphere_grid import SphereGrid
from fredholm.layers.grid_inputs import GridInputs
from fredholm.layers.latitudes import latitudes_of
from fredholm.layers.perceptron import initialised
from fredholm.layers.spherical_harmonics import SphericalHarmonics
from fredholm.operators.baselines import Identity
from fredholm.operators.conservative_step import ConservativeStep
from fredholm.operators.flux_scheme import FluxScheme
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.mass_fixer import Shift
from fredholm.operators.operator import Operator
from fredholm.operators.sphere import SFNO, GraphCast, SphericalSwin, SphericalUNet
from fredholm.operators.unrolled import Unrolled
from fredholm.problems.tracer_transport import Record, TracerTransport
from fredholm.studies.study import Budget, Run, Study
from fredholm.training import Settings
from fredholm.training.increment_loss import IncrementError
from fredholm.training.one_cycle import fit_one_cycle

_CELLS, _SPIN_UP = (32, 64), 30.0  # latitudes and longitudes; days
_PLANETS, _EACH = {Budget.QUICK: 48, Budget.FULL: 400}, 24  # planets to train on, and steps of each
_TEST = {Budget.QUICK: 4, Budget.FULL: 16}
_LEADS = (7, 30, 90)  # days
_STEPS, _BATCH = {Budget.QUICK: 1500, Budget.FULL: 20_000}, 4
_HORIZONS: dict[Budget, tuple[int, ...]] = {Budget.QUICK: (), Budget.FULL: (3, 6, 12)}  # steps to train on at once
_RISE = 40.0  # ppm: some twenty years of emissions

Build = Callable[[int, int, SphereGrid], GridNetwork]

_NETWORKS: dict[str, Build] = {
    "U-Net": lambda i, o, _: SphericalUNet(i, o, width=24, stages=3),
    "Swin": lambda i, o, _: SphericalSwin(i, o, width=32, layers=2, heads=4),
    "GraphCast": lambda i, o, grid: GraphCast(i, o, grid, width=32, layers=4, level=2),
    "SFNO": lambda i, o, grid: SFNO(i, o, SphericalHarmonics(16, latitudes_of(grid)), width=32, layers=4),
}


class CO2Transport(Study):
    """Networks as steps of transport."""

    slug: ClassVar[str] = "co2-transport"
    claim: ClassVar[str] = (
        "Centred states, increments, an explicit flux and a mass fixer make a conservative step of transport of any "
        "network: over 90 days the mass of CO2 is right to a millionth, a hundred times closer than without, and a "
        "background that has risen by 40 ppm changes nothing. Four networks in it are closer to the truth than "
        "persistence after a week and after a month."
    )
    paper: ClassVar[str] = (
        "90-day forecasts with R² of 0.98, 0.96, 0.98 and 0.99 and RMSE of 0.52, 0.86, 0.58 and 0.34 ppm by U-Net, "
        "GraphCast, SFNO and Swin transformer; all four conserve mass for over half a year (Benson et al. 2025)."
    )

    def run(self, run: Run) -> StudyReport:
        start = time.perf_counter()
        bench = _Bench(run)
        persistence = bench.measured(Identity(bench.problem.signature, bench.problem.output_domain, "co2"))
        variants = bench.variants()
        networks = {name: bench.measured(bench.fitted(name)) for name in list(_NETWORKS)[1:]}
        whole = variants["U-Net, with its mass fixed"]
        compared = {"U-Net": whole, **networks}
        return StudyReport(
            self.slug,
            self.claim,
            self.paper,
            {**variants, **networks},
            {"persistence": persistence},
            tuple(_targets(variants, compared, persistence)),
            time.perf_counter() - start,
            run.seed,
            run.budget,
        )


class _Bench:
    """What all steps share: planets to train on, and others to be rolled out for, as they are and with more CO₂."""

    def __init__(self, run: Run) -> None:
        self.run_, self.problem = run, TracerTransport(*_CELLS, spin_up_days=_SPIN_UP)
        planets, self.steps = _PLANETS[run.budget], round(24 / self.problem.hours) * _LEADS[-1]
        run.say(f"  following {planets} planets for {_EACH} steps, and {_TEST[run.budget]} for {self.steps}")
        self.train: Record = self.problem.record(planets, _EACH, 2 * run.seed)
        inputs, outputs = self.train.pairs()
        self.data = Dataset.from_arrays(self.problem.signature, self.problem.output_domain, inputs, outputs)
        self.loss = IncrementError.of(inputs["co2"], outputs)
        self.test: Record = self.problem.record(_TEST[run.budget], self.steps, 2 * run.seed + 1)

    def variants(self) -> dict[str, dict[str, Any]]:
        """The U-Net with less and with more around it; the last one is the one before, fixed."""
        plain = self.fitted("U-Net", centred=False, explicit=False)
        centred = self.fitted("U-Net", explicit=False)
        whole = self.fitted("U-Net")
        steps = {
            "U-Net, raw": plain,
            "U-Net, centred": centred,
            "U-Net, with explicit flux": ConservativeStep(whole.operator, flux=whole.flux).eval(),
            "U-Net, with its mass fixed": whole,
        }
        return {name: self.measured(step) for name, step in steps.items()}

    def fitted(self, name: str, centred: bool = True, explicit: bool = True) -> ConservativeStep:
        """A trained step around one of the networks; the fixer, which works in evaluation alone, is the last part."""
        signature, grid = self.problem.signature, self.problem.grid
        inputs = GridInputs(signature, grid, coordinates=False)
        with initialised(self.run_.seed):
            network = _NETWORKS[name](inputs.channels, len(signature.output.channels), grid)
        step = ConservativeStep(
            GridOperator(signature, grid, network, inputs),
            centred,
            FluxScheme("surface_flux", self.problem.flux_to_increment) if explicit else None,
            Shift("cell_area") if explicit else None,
        )
        everything = torch.arange(len(self.data))
        step = step.adapted(self.data.inputs(everything), self.data.outputs(everything))
        started, steps = time.perf_counter(), _STEPS[self.run_.budget]
        fit_one_cycle(step, self.data, steps, batch=_BATCH, loss=self.loss, settings=Settings(seed=self.run_.seed))
        for horizon in _HORIZONS[self.run_.budget]:
            self._tune(step, horizon)
        around = "" if explicit else ", centred" if centred else ", raw"
        self.run_.say(f"  {name}{around}: {steps} steps of training in {time.perf_counter() - started:.0f} s")
        return step.eval()

    def _tune(self, step: ConservativeStep, horizon: int) -> None:
        """Train on, in place, with gradients through several steps, at a low rate."""
        unrolled = Unrolled(step, horizon)
        windows = Dataset.from_arrays(unrolled.signature, unrolled.output_domain, *self.train.windows(horizon))
        loss = IncrementError(self.loss.deviations * horizon)
        steps, settings = _STEPS[self.run_.budget] // (4 * horizon), Settings(seed=self.run_.seed)
        fit_one_cycle(unrolled, windows, max(steps, 3), batch=_BATCH, peak=1e-4, loss=loss, settings=settings)

    def measured(self, step: Operator) -> dict[str, Any]:
        """Skill of a roll-out at some lead times, and R² of the one with more CO₂."""
        start, truth = self.test.states[:, 0], self.test.states[:, 1:]
        both, planets = torch.cat([start, start + _RISE]), len(start)
        with torch.inference_mode():
            states = rollout(step, both, lambda taken: _twice(self.test.at(taken)), self.steps)
        areas = self.problem.cell_areas
        usual, more = skill(states[:planets], truth, areas), skill(states[planets:], truth + _RISE, areas)
        days = [lead * self.steps // _LEADS[-1] - 1 for lead in _LEADS]
        lost = usual.decorrelation(0.8) * self.problem.hours / 24
        return {
            "R² at each lead": [round(float(usual.correlation[:, day].mean()), 4) for day in days],
            "R² with more CO2": [round(float(more.correlation[:, day].mean()), 4) for day in days],
            "largest change of R²": float((usual.correlation - more.correlation)[:, days].abs().max()),
            "RMSE in ppm": [round(float(usual.rmse[:, day].mean()), 4) for day in days],
            "error of mass": float(usual.drift.square().mean().sqrt()),
            "error of mass with more CO2": float(more.drift.square().mean().sqrt()),
            "first decorrelation in days": float(lost.min()),
            "parameters": step.parameter_count,
        }


def _twice(inputs: Inputs) -> Inputs:
    return {name: torch.cat([values, values]) for name, values in inputs.items()}


def _targets(
    variants: dict[str, dict[str, Any]], networks: dict[str, dict[str, Any]], persistence: dict[str, Any]
) -> list[Target]:
    raw, whole = variants["U-Net, raw"], variants["U-Net, with its mass fixed"]
    mass, (first, second, last) = "error of mass", _LEADS

    def worst(lead: int) -> float:
        return max(network["RMSE in ppm"][lead] for network in networks.values()) / persistence["RMSE in ppm"][lead]

    return [
        Target(f"relative error of mass over {last} days, all parts", whole[mass], "<=", 1e-6),
        Target(f"relative error of mass over {last} days, raw", raw[mass], ">=", 1e-4),
        Target("error of mass, raw over all parts", raw[mass] / max(whole[mass], 1e-12), ">=", 100),
        Target("change of R² by 40 ppm more, all parts", whole["largest change of R²"], "<=", 1e-3),
        Target(
            f"R² at {second} days, raw, with 40 ppm more over as is",
            raw["R² with more CO2"][1] / raw["R² at each lead"][1],
            "<=",
            0.5,
        ),
        Target("relative error of mass, worst of four networks", max(n[mass] for n in networks.values()), "<=", 1e-6),
        Target(
            f"R² at {first} days, worst network", min(n["R² at each lead"][0] for n in networks.values()), ">=", 0.95
        ),
        Target(f"RMSE at {first} days, worst network over persistence", worst(0), "<=", 1.0),
        Target(f"RMSE at {second} days, worst network over persistence", worst(1), "<=", 1.0),
    ]
