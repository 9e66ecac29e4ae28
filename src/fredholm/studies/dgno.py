"""Study: an operator whose latent vector generates coefficient and solution learns without solutions, and inverts.

A. Burgers' equation between walls, with solutions to learn from: a MultiONet beside DeepONets of equal layers.
B. Darcy flow through smooth media, without solutions: the weak form at random places beside a physics-informed
   DeepONet with the strong residual at equal processor time.
C. The coefficient from 100 noisy values of the pressure, by the latent vector: beside the mean coefficient and a
   regularised fit through the solver; whether the posterior's spread covers the truth.
D. The cost of a step: particles that samples share and forward mode, beside each sample's own and reverse mode.

Source: Zang, Koutsourelakis, "DGenNO: a novel physics-aware neural operator for solving forward and inverse PDE
problems based on deep, generative probabilistic modeling", J. Comput. Phys. 538 (2025), 114137.
"""

import time
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from fredholm.data.dataset import Dataset
from fredholm.data.sampling import CartesianPoints
from fredholm.data.simulation import simulate
from fredholm.evaluation import StudyReport, Target, interleaved, measure
from fredholm.evaluation.page import figure_png
from fredholm.fields.pointwise import Cosines, Multilinear, Pointwise
from fredholm.inverse.hamiltonian import Trajectories
from fredholm.inverse.latent_inversion import invert
from fredholm.inverse.latent_methods import HMC, MAP, Laplace, PosteriorMethod
from fredholm.inverse.latent_target import VirtualObservations
from fredholm.inverse.noise import GaussianNoise
from fredholm.inverse.observations import Observations
from fredholm.inverse.posterior import Posterior
from fredholm.layers.activations import SiLUIdentity, TanhSine
from fredholm.layers.coordinates import CoordinateScaling
from fredholm.layers.perceptron import MLP, LayerwiseMLP, initialised
from fredholm.layers.sensors import FunctionSensors
from fredholm.operators.deeponet import DeepONet, LayerwiseBranch, LayerwiseTrunk, NetworkBranch, NetworkTrunk
from fredholm.operators.latent_generative import LatentGenerativeOperator
from fredholm.operators.operator import Operator
from fredholm.problems import Darcy, LogNormal, PlaneWaves
from fredholm.problems.burgers_walls import BurgersWalls
from fredholm.studies.dgno_cost import shared_and_own
from fredholm.studies.dgno_models import (
    SolverInversion,
    darcy_form,
    generative,
    physics_informed_deeponet,
    train_strongly,
)
from fredholm.studies.study import Budget, Run, Study
from fredholm.training import RelativeL2, Settings, adam, fit
from fredholm.training.generative import GenerativeSettings, fit_generative

_POINTS, _TRAIN, _TEST = 29, 600, 100
_STEPS = {Budget.QUICK: 2000, Budget.FULL: 20_000}
_WAVE_STEPS = {Budget.QUICK: 2000, Budget.FULL: 20_000}
_BURGERS = {Budget.QUICK: 2500, Budget.FULL: 50_000}
_WAVES, _WIDTH, _DEPTH, _LAST = 800, 64, 5, 4  # samples and networks of A
_LATENT, _WAVE_LATENT = 64, 16
_MEDIAN = 5.0
_FIELDS, _SEEN, _DECIBELS, _SAMPLED = 10, 100, 25.0, 3  # inversions, observations, signal to noise, those by HMC
_MODE, _TRAJECTORIES = MAP(), Trajectories()
_DRAWS, _ROUNDS, _BATCH = 150, 5, 40  # of a chain; of timings; samples in a timed step


class DGNO(Study):
    """Operators through a latent vector: trained by weak forms, inverted by posteriors."""

    slug: ClassVar[str] = "dgno"
    claim: ClassVar[str] = (
        "A sum over layers errs less than a DeepONet of equal layers. A weak form at places that samples share trains "
        "an operator without solutions to an error below that of a physics-informed DeepONet at equal time. Its latent "
        "vector gives the coefficient back from 100 noisy values of the solution, with a spread that covers the truth."
    )
    paper: ClassVar[str] = (
        "Burgers: MultiONet 0.50 %, DeepONet 1.45 %. Smooth Darcy without solutions: 0.77 %, PI-DeepONet 1.16 %; "
        "coefficient from 100 values at 25 dB: 0.90 % (logs of the published notebooks, up to 400,000 updates)."
    )

    def run(self, run: Run) -> StudyReport:
        start = time.perf_counter()
        burgers, burgers_rivals, burgers_targets = _burgers(run)
        forward, forward_rivals, forward_targets, trained = _forward(run)
        inverse, inverse_rivals, inverse_targets, figures = _inverse(run, trained)
        cost, cost_rival, cost_targets = _cost(run)
        return StudyReport(
            self.slug,
            self.claim,
            self.paper,
            {**burgers, **forward, **inverse, **cost},
            {**burgers_rivals, **forward_rivals, **inverse_rivals, **cost_rival},
            (*burgers_targets, *forward_targets, *inverse_targets, *cost_targets),
            time.perf_counter() - start,
            run.seed,
            run.budget,
            figures,
        )


def _burgers(run: Run) -> tuple[dict[str, Any], dict[str, Any], list[Target]]:
    """Supervised: all but the network is the same for all."""
    problem = BurgersWalls()
    train, test = simulate(problem, _WAVES, 2 * run.seed), simulate(problem, _TEST, 2 * run.seed + 1)
    results = {}
    for name in ("MultiONet", "MultiONet of one layer", "DeepONet"):
        with initialised(run.seed):
            operator = _network(name, problem)
        start, steps = time.process_time(), _BURGERS[run.budget]
        optimizer = adam(operator, 1e-3)
        fit(
            operator,
            train,
            sampler=CartesianPoints(50, 500),
            iterations=steps,
            optimizer=optimizer,
            schedule=torch.optim.lr_scheduler.StepLR(optimizer, max(1, steps // 5), 0.5),
            loss=RelativeL2(),
            settings=Settings(seed=run.seed, quiet=True),
        )
        seconds = time.process_time() - start
        error = _error(operator, test)
        results[f"{name}, Burgers"] = {
            "test_relative_l2": error,
            "training_cpu_seconds": seconds,
            "parameters": operator.parameter_count,
        }
        run.say(f"  {name}: {error:.4f} on Burgers, {seconds:.0f} CPU seconds")
    mean = train.outputs(torch.arange(len(train))).mean(0)
    constant = {"test_relative_l2": measure(lambda some: mean.expand(len(some), -1, -1, -1), test, windows=1).mean}
    multi, *others = results
    errors = [results[name]["test_relative_l2"] for name in results]
    targets = [
        Target(f"error on Burgers, MultiONet / {rival}", errors[0] / error, "<=", 0.7)
        for rival, error in zip(("MultiONet of one layer", "DeepONet"), errors[1:], strict=True)
    ]
    rivals = {name: results[name] for name in others} | {"mean of the outputs, Burgers": constant}
    return {multi: results[multi]}, rivals, targets


def _network(name: str, problem: BurgersWalls) -> DeepONet:
    sensors, scaling = FunctionSensors("initial", problem.line), CoordinateScaling.box(problem.output_domain)
    if name == "DeepONet":
        sizes = [_WIDTH] * _DEPTH
        branch = NetworkBranch(sensors, MLP([sensors.width, *sizes], SiLUIdentity()), _WIDTH)
        trunk = NetworkTrunk(MLP([2, *sizes], TanhSine(), TanhSine()), _WIDTH, scaling)
        return DeepONet(problem.signature, problem.output_domain, branch, trunk)
    last = _LAST if name == "MultiONet" else 1
    layers = LayerwiseBranch(sensors, LayerwiseMLP(sensors.width, _WIDTH, _DEPTH, SiLUIdentity(), last))
    basis = LayerwiseTrunk(LayerwiseMLP(2, _WIDTH, _DEPTH, TanhSine(), last), scaling)
    return DeepONet(problem.signature, problem.output_domain, layers, basis)


def _forward(
    run: Run,
) -> tuple[dict[str, Any], dict[str, Any], list[Target], tuple[LatentGenerativeOperator, Dataset, Dataset]]:
    """Without solutions, on smooth media; all with the same processor time."""
    problem = Darcy(_POINTS, LogNormal(_MEDIAN, 0.5, 2 / 3, 2.0, centred=True))
    train, test = simulate(problem, _TRAIN, 2 * run.seed), simulate(problem, _TEST, 2 * run.seed + 1)
    inputs, rule = train.inputs(torch.arange(len(train))), Cosines(problem.grid, 12)
    operator = generative(problem, _MEDIAN, _LATENT, run.seed)
    seconds = _trained(operator, inputs, rule, _STEPS[run.budget], run.seed)
    error = _error(operator, test)
    run.say(f"  latent operator without solutions: {error:.4f} in {seconds:.0f} CPU seconds")
    measured = {
        "latent operator, smooth media": {
            "test_relative_l2": error,
            "training_cpu_seconds": seconds,
            "steps": _STEPS[run.budget],
            "parameters": operator.parameter_count,
        }
    }
    rivals: dict[str, Any] = {}
    for name, typical in (("PI-DeepONet", None), ("PI-DeepONet, residuals over √a", _MEDIAN)):
        rival = physics_informed_deeponet(problem, run.seed)
        steps = train_strongly(rival, inputs, rule, seconds, run.seed, typical)
        rivals[f"{name}, smooth media"] = {
            "test_relative_l2": _error(rival, test),
            "training_cpu_seconds": seconds,
            "steps": steps,
            "parameters": rival.parameter_count,
        }
        run.say(f"  {name}: {rivals[f'{name}, smooth media']['test_relative_l2']:.4f} in equal time, {steps} steps")
    mean = train.outputs(torch.arange(len(train))).mean(0)
    constant = measure(lambda some: mean.expand(len(some), -1, -1, -1), test, windows=1).mean
    rivals["mean of the outputs, smooth media"] = {"test_relative_l2": constant}
    best = min(rival["test_relative_l2"] for name, rival in rivals.items() if name.startswith("PI-DeepONet"))
    targets = [
        Target("error on smooth media, without solutions", error, "<=", 0.04),
        Target("error on smooth media at equal time, better PI-DeepONet / latent operator", best / error, ">=", 3.0),
    ]
    return measured, rivals, targets, (operator, train, test)


def _trained(
    operator: LatentGenerativeOperator, inputs: dict[str, Tensor], rule: Pointwise, steps: int, seed: int
) -> float:
    """Processor seconds of training."""
    start = time.process_time()
    settings = GenerativeSettings(input_weight=5.0, seed=seed, quiet=True)
    form = darcy_form(rule, _MEDIAN if isinstance(rule, Cosines) else 2.0)
    fit_generative(operator, inputs, form, iterations=steps, settings=settings)
    return time.process_time() - start


def _inverse(
    run: Run, smooth: tuple[LatentGenerativeOperator, Dataset, Dataset]
) -> tuple[dict[str, Any], dict[str, Any], list[Target], dict[str, Sequence[str]]]:
    """On media of plane waves, where the data tell the coefficient, and on the smooth ones, where they do in part."""
    problem = Darcy(_POINTS, PlaneWaves())
    train, test = simulate(problem, _TRAIN, 2 * run.seed), simulate(problem, _TEST, 2 * run.seed + 1)
    operator = generative(problem, 2.0, _WAVE_LATENT, run.seed)
    rule = Multilinear(problem.grid)
    inputs = train.inputs(torch.arange(len(train)))
    _trained(operator, inputs, rule, _WAVE_STEPS[run.budget], run.seed)
    run.say(f"  latent operator of plane waves: {_error(operator, test):.4f}")
    measured, rivals, targets = _inversions("plane waves", (operator, train, test), rule, 2.0, run)
    measured["latent operator, plane waves"] = {"test_relative_l2": _error(operator, test)}
    posterior = measured.pop("figure")
    more, more_rivals, more_targets = _inversions("smooth media", smooth, Cosines(problem.grid, 12), _MEDIAN, run)
    figures: dict[str, Sequence[str]] = {"Plane waves": [posterior], "Smooth media": [more.pop("figure")]}
    return {**measured, **more}, {**rivals, **more_rivals}, [*targets, *more_targets], figures


def _inversions(
    name: str, trained: tuple[LatentGenerativeOperator, Dataset, Dataset], rule: Pointwise, typical: float, run: Run
) -> tuple[dict[str, Any], dict[str, Any], list[Target]]:
    """Several fields, each by several methods; errors are means over the fields."""
    operator, train, test = trained
    some = torch.arange(min(50, len(train)))
    with torch.no_grad():  # the operator's own error, by a few solutions
        off = (operator(train.inputs(some)) - train.outputs(some)).square().mean().sqrt()
    equation = VirtualObservations(darcy_form(rule, typical, particles=50), precision=1.0 / 0.2**2, seed=run.seed)
    coefficients = train.inputs(torch.arange(len(train)))["coefficient"]
    solver, mean = SolverInversion.of(coefficients), coefficients.mean(0)[0]
    methods: dict[str, tuple[PosteriorMethod, VirtualObservations | None, int]] = {
        "Laplace": (Laplace(mode=_MODE, seed=run.seed), None, _FIELDS),
        "Laplace with the equation": (Laplace(mode=_MODE, seed=run.seed), equation, _FIELDS),
        "HMC": (HMC(samples=_DRAWS, trajectories=_TRAJECTORIES, mode=_MODE, seed=run.seed), None, _SAMPLED),
    }
    found: dict[str, list[dict[str, float]]] = {method: [] for method in (*methods, "solver", "mean")}
    for i in range(_FIELDS):
        generator = torch.Generator().manual_seed(1000 * run.seed + i)
        a, u = test.inputs(torch.tensor([i]))["coefficient"][0, 0], test.outputs(torch.tensor([i]))[0, 0]
        rows = torch.randperm(u.numel(), generator=generator)[:_SEEN]
        noise = GaussianNoise(float(u.square().mean().sqrt()) * 10 ** (-_DECIBELS / 20))
        seen = Observations.of_field(test.output_domain, u, rows, noise, generator)
        for method, (how, virtual, count) in methods.items():
            if i < count:
                posterior = invert(operator, seen, how, equation=virtual, model_error=float(off), seed=run.seed + i)
                found[method].append(_scored(posterior, a, u))
                if method == "Laplace" and i == 0:
                    figure = figure_png(posterior.plot(a))
        found["solver"].append({"coefficient_error": _relative(solver.invert(seen, rows), a)})
        found["mean"].append({"coefficient_error": _relative(mean, a)})
    averages = {
        f"{method}, {name}": {key: sum(one[key] for one in each) / len(each) for key in each[0]}
        for method, each in found.items()
    }
    run.say(f"  {name}: " + ", ".join(f"{m} {v['coefficient_error']:.4f}" for m, v in averages.items()))
    best, constant = averages[f"Laplace, {name}"], averages[f"mean, {name}"]
    rivals = {
        f"regularised fit through the solver, {name}": averages.pop(f"solver, {name}"),
        f"mean coefficient, {name}": averages.pop(f"mean, {name}"),
    }
    ratio = constant["coefficient_error"] / best["coefficient_error"]
    targets = [
        Target(f"error of the coefficient, {name}", best["coefficient_error"], "<=", 0.05),
        Target(f"error of the coefficient, {name}, mean coefficient / posterior mean", ratio, ">=", 3.0),
        Target(f"truth within two posterior deviations, {name}", best["within_two_deviations"], ">=", 0.8),
    ]
    return {**averages, "figure": figure}, rivals, targets


def _scored(posterior: Posterior, a: Tensor, u: Tensor) -> dict[str, float]:
    scores = {
        "coefficient_error": _relative(posterior.coefficient.mean, a),
        "solution_error": _relative(posterior.solution.mean, u),
    }
    if len(posterior.coefficient.samples) > 1:
        scores["within_two_deviations"] = posterior.coefficient.coverage(a)
    return scores | {key: value for key, value in posterior.diagnostics.items() if key in ("acceptance", "split R-hat")}


def _cost(run: Run) -> tuple[dict[str, Any], dict[str, Any], list[Target]]:
    """One gradient of one loss, both ways."""
    problem = Darcy(_POINTS, LogNormal(_MEDIAN, 0.5, 2 / 3, 2.0, centred=True))
    operator = generative(problem, _MEDIAN, _LATENT, run.seed)
    nn.init.ones_(operator.solution.omega)
    form = darcy_form(Cosines(problem.grid, 12), _MEDIAN)
    shared, own = shared_and_own(operator, problem.sample(_BATCH, run.seed), form, run.seed)
    difference = abs(shared() - own()) / abs(own())
    seconds = interleaved({"shared": shared, "own": own}, _ROUNDS)
    run.say(f"  a step: {1e3 * seconds['shared']:.0f} ms with shared places, {1e3 * seconds['own']:.0f} ms without")
    return (
        {"shared places, forward mode": {"step_ms": 1e3 * seconds["shared"]}},
        {"own places, reverse mode twice": {"step_ms": 1e3 * seconds["own"]}},
        [
            Target("relative difference of the two losses", difference, "<=", 1e-4),
            Target("time of a step, own places / shared", seconds["own"] / seconds["shared"], ">=", 10.0),
        ],
    )


def _error(operator: Operator, data: Dataset) -> float:
    """Mean relative L2 error."""
    with torch.inference_mode():
        return measure(lambda some: operator(data.inputs(some)), data, windows=1, batch=50).mean


def _relative(value: Tensor, truth: Tensor) -> float:
    return float((value.double() - truth.double()).norm() / truth.double().norm())
