"""Study: one transform and a network on coefficients cost a fraction of a network that transforms in every layer.

A. Time of a training step beside Fourier neural operators with equal modes, width and depth, on finer and finer grids.
B. Vorticity under a fixed force, from random initial states: error and processor time at equal epochs; in each basis
   the error that no answer with so many modes avoids.
C. Eight layers deep: how training starts from each initialisation.
D. Where it does not work: under random forces, where the operator commutes with translations and T1 does not.

Source: Poli, Massaroli, Berto, Park, Dao, Ré, Ermon, "Transform once: efficient operator learning in frequency domain",
NeurIPS 2022.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from fredholm.data.dataset import Dataset
from fredholm.data.simulation import simulate
from fredholm.evaluation import StudyReport, Target, interleaved, measure
from fredholm.layers.perceptron import initialised
from fredholm.layers.transform_bases import Cosine, RealFourier, TransformBasis
from fredholm.layers.variance_preserving import Initialisation, Kaiming, Naive, VariancePreserving
from fredholm.operators.fourier import FNO
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.transform_once import T1, irreducible_error
from fredholm.problems import NavierStokesForcing, NavierStokesInitial
from fredholm.studies.study import Budget, Run, Study
from fredholm.training import Settings
from fredholm.training.one_cycle import fit_one_cycle
from fredholm.training.spectral_training import on_coefficients

_POINTS, _MODES, _WIDTH, _LAYERS, _BATCH = 64, 16, 24, 4, 20
_MANY, _FEW, _TEST = 1000, 300, 60  # training samples of C and of B, test samples
_EPOCHS = {Budget.QUICK: 12, Budget.FULL: 60}
_SEEDS = {Budget.QUICK: 3, Budget.FULL: 8}
_PEAK, _HIGH_PEAK = 2e-3, 8e-3  # learning rates; the second is tried as well, once
_SIZES = (64, 128, 256)  # of the grids on which steps are timed, with 4 samples
_ROUNDS = 5
_DEEP, _START_EPOCHS = 8, 5
_INITIALISATIONS: dict[str, Initialisation] = {
    "variance preserving": VariancePreserving(),
    "naive": Naive(),
    "Kaiming": Kaiming(),
    "variance preserving for all points": VariancePreserving(_POINTS**2),
}


class TransformOnce(Study):
    """T1 beside Fourier neural operators: cost, error, initialisation, and its limit."""

    slug: ClassVar[str] = "transform-once"
    claim: ClassVar[str] = (
        "With equal modes, width, depth, epochs and learning rate, a network on the coefficients of one transform has "
        "at most the error of a Fourier neural operator, for at most a fifth of its processor time; its gain grows "
        "with the resolution. Deep ones learn faster from variance-preserving weights."
    )
    paper: ClassVar[str] = (
        "3 to 10 times as fast as models that transform in every layer, more so at high resolution, at errors lower by "
        "more than 20 % on average (Poli et al. 2022, abstract; 500 epochs, 1000 samples)."
    )

    def run(self, run: Run) -> StudyReport:
        start = time.perf_counter()
        costs, rival_costs, cost_targets = _costs(run)
        problem = NavierStokesInitial(points=_POINTS)
        run.say(f"  solving {_MANY + _TEST} flows")
        train, test = simulate(problem, _MANY, 2 * run.seed), simulate(problem, _TEST, 2 * run.seed + 1)
        learned, rivals, error_targets = _errors(train.subset(range(_FEW)), test, run)
        deep, deep_rivals, deep_targets = _initialisations(train, run)
        limit, limit_rival = _limit(run)
        return StudyReport(
            self.slug,
            self.claim,
            self.paper,
            {**costs, **learned, **deep, **limit},
            {**rival_costs, **rivals, **deep_rivals, **limit_rival},
            (*cost_targets, *error_targets, *deep_targets),
            time.perf_counter() - start,
            run.seed,
            run.budget,
        )


def _costs(run: Run) -> tuple[dict[str, Any], dict[str, Any], list[Target]]:
    """Milliseconds of a forward and backward pass from fields to fields; neuraloperator's FNO too, if installed."""
    with initialised(run.seed):
        networks: dict[str, nn.Module] = {"T1": _t1(), "FNO": _fno()}
        if find_spec("neuralop") is not None:
            peer = import_module("neuralop.models").FNO
            networks["FNO of neuraloperator"] = peer(
                n_modes=(_MODES, _MODES),
                in_channels=3,
                out_channels=1,
                hidden_channels=_WIDTH,
                n_layers=_LAYERS,
                positional_embedding=None,
            )
    times: dict[str, dict[str, float]] = {name: {} for name in networks}
    for side in _SIZES:
        values = torch.randn(4, 3, side, side)
        with _one_thread():
            seconds = interleaved({name: _pass(network, values) for name, network in networks.items()}, _ROUNDS)
        for name, value in seconds.items():
            times[name][f"step on {side} x {side}, ms"] = 1e3 * value
        run.say(f"  {side} x {side}: {', '.join(f'{name} {1e3 * s:.0f} ms' for name, s in seconds.items())}")
    ones = times.pop("T1")
    targets = []
    for name, others in times.items():
        ratios = [other / one for other, one in zip(others.values(), ones.values(), strict=True)]
        growth = min(later / earlier for earlier, later in pairwise(ratios))
        side = _SIZES[0]
        targets += [
            Target(f"time of a step on {side} x {side}, {name} / T1", ratios[0], ">=", 3.0),
            Target(f"growth of that ratio from grid to finer grid, least, {name}", growth, ">=", 1.0),
        ]
    return {"T1, cost": ones}, {f"{name}, cost": value for name, value in times.items()}, targets


def _pass(network: nn.Module, values: Tensor) -> Callable[[], None]:
    def forward_and_backward() -> None:
        network(values).square().mean().backward()

    return forward_and_backward


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _errors(train: Dataset, test: Dataset, run: Run) -> tuple[dict[str, Any], dict[str, Any], list[Target]]:
    """Test errors at equal epochs, mean over seeds, in two bases and beside an FNO and the mean of the outputs."""
    steps = _EPOCHS[run.budget] * len(train) // _BATCH
    seeds = [100 * run.seed + repeat for repeat in range(_SEEDS[run.budget])]

    def trained(name: str, made: Callable[[], GridNetwork], peak: float, seeds: list[int]) -> dict[str, Any]:
        runs = [_trained(made, train, test, steps, seed, peak) for seed in seeds]
        result = {key: statistics.mean(one[key] for one in runs) for key in runs[0]}
        each = [round(one["test_relative_l2"], 4) for one in runs]
        run.say(f"  {name}: {result['test_relative_l2']:.4f} in {result['training_cpu_seconds']:.1f} CPU seconds")
        return result | {"test_each_seed": each}

    bases: dict[str, TransformBasis] = {"T1": RealFourier(), "T1 in cosines": Cosine()}
    high = f"peak rate {_HIGH_PEAK:g}"
    learned, least = {}, []
    for name, basis in bases.items():
        learned[name] = trained(name, partial(_t1, basis), _PEAK, seeds)
        unavoidable = irreducible_error(test.outputs(torch.arange(len(test))), [basis] * 2, [_MODES] * 2)
        learned[name]["irreducible_relative_l2"] = float(unavoidable.mean())
        least.append(min(learned[name]["test_each_seed"]) / learned[name]["irreducible_relative_l2"])
    learned[f"T1, {high}"] = trained(f"T1, {high}", _t1, _HIGH_PEAK, seeds[:1])
    rivals = {"FNO": trained("FNO", _fno, _PEAK, seeds)}
    rivals[f"FNO, {high}"] = trained(f"FNO, {high}", _fno, _HIGH_PEAK, seeds[:1])
    mean = train.outputs(torch.arange(len(train))).mean(0)
    rivals["mean of the outputs"] = {
        "test_relative_l2": measure(lambda some: mean.expand(len(some), -1, -1, -1), test, windows=1).mean
    }
    one, other = learned["T1"], rivals["FNO"]
    cpu = "training_cpu_seconds"
    targets = [
        Target("test error at equal epochs, T1 / FNO", one["test_relative_l2"] / other["test_relative_l2"], "<=", 1.0),
        Target("processor time of training, T1 / FNO", one[cpu] / other[cpu], "<=", 0.2),
        Target("least test error of a T1 / irreducible error of its basis", min(least), ">=", 1.0),
        Target(
            "irreducible error, Fourier / cosines",
            one["irreducible_relative_l2"] / learned["T1 in cosines"]["irreducible_relative_l2"],
            "<=",
            0.1,
        ),
    ]
    return learned, rivals, targets


def _initialisations(train: Dataset, run: Run) -> tuple[dict[str, Any], dict[str, Any], list[Target]]:
    """Training error after a few epochs, and how layers change variance before them."""
    steps = _START_EPOCHS * len(train) // _BATCH
    results: dict[str, dict[str, Any]] = {}
    for name, initialisation in _INITIALISATIONS.items():
        with initialised(run.seed):
            operator = _operator(_t1(layers=_DEEP, initialisation=initialisation), train)
        variances = _variances(operator, train)
        _fit(operator, train, steps, run.seed, _PEAK)
        results[f"{_DEEP} layers, {name}"] = {
            "training_error": _error(operator, train),
            "variance_after_each_layer": " ".join(f"{value:.3g}" for value in variances),
            "growth_of_variance": variances[-1] / variances[0],
        }
        run.say(f"  {name}: training error {results[f'{_DEEP} layers, {name}']['training_error']:.4f}")
    preserving, naive, *_ = results.values()
    targets = [
        Target(
            f"training error after {_START_EPOCHS} epochs, variance preserving / naive",
            preserving["training_error"] / naive["training_error"],
            "<=",
            0.7,
        ),
        Target(f"growth of variance in {_DEEP} layers at the start", preserving["growth_of_variance"], "<=", 3.0),
    ]
    first, *others = results
    return {first: results[first]}, {name: results[name] for name in others}, targets


def _limit(run: Run) -> tuple[dict[str, Any], dict[str, Any]]:
    """Random forces: errors of T1 and FNO after the same epochs."""
    problem = NavierStokesForcing(points=_POINTS)
    train, test = simulate(problem, _FEW, 2 * run.seed), simulate(problem, _TEST, 2 * run.seed + 1)
    steps = _EPOCHS[run.budget] * len(train) // _BATCH
    networks: dict[str, Callable[[], GridNetwork]] = {"T1, random forces": _t1, "FNO, random forces": _fno}
    results = {}
    for name, made in networks.items():
        results[name] = _trained(made, train, test, steps, run.seed, _HIGH_PEAK)
        run.say(f"  {name}: test {results[name]['test_relative_l2']:.4f}")
    (one, learned), (other, rival) = results.items()
    return {one: learned}, {other: rival}


def _t1(basis: TransformBasis | None = None, layers: int = _LAYERS, initialisation: Initialisation | None = None) -> T1:
    return T1(3, 1, (_MODES, _MODES), _WIDTH, layers, basis, initialisation)


def _fno() -> FNO:
    return FNO(3, 1, modes=(_MODES, _MODES), width=_WIDTH, layers=_LAYERS)


def _operator(network: GridNetwork, data: Dataset) -> GridOperator:
    """Normalised by the data, with coordinates as channels."""
    everything = torch.arange(len(data))
    operator = GridOperator(data.signature, data.output_domain, network)
    return operator.adapted(data.inputs(everything), data.outputs(everything))


def _fit(operator: GridOperator, data: Dataset, steps: int, seed: int, peak: float) -> float:
    """One cycle on the relative L2 error; processor seconds, for a T1 with those of its transforms, done once."""
    start, settings = time.process_time(), Settings(seed=seed, quiet=True)
    if isinstance(operator.network, T1):
        spectral = on_coefficients(operator, data)
        fit_one_cycle(
            spectral.operator, spectral.data, steps, batch=_BATCH, peak=peak, loss=spectral.loss, settings=settings
        )
    else:
        fit_one_cycle(operator, data, steps, batch=_BATCH, peak=peak, settings=settings)
    operator.eval()
    return time.process_time() - start


def _trained(
    made: Callable[[], GridNetwork], train: Dataset, test: Dataset, steps: int, seed: int, peak: float
) -> dict[str, float]:
    with initialised(seed):
        operator = _operator(made(), train)
    seconds = _fit(operator, train, steps, seed, peak)
    return {
        "test_relative_l2": _error(operator, test),
        "train_relative_l2": _error(operator, train),
        "training_cpu_seconds": seconds,
        "parameters": operator.parameter_count,
    }


def _error(operator: GridOperator, data: Dataset) -> float:
    """Mean relative L2 error, in space."""
    with torch.inference_mode():
        return measure(lambda some: operator(data.inputs(some)), data, windows=1, batch=50).mean


def _variances(operator: GridOperator, data: Dataset) -> list[float]:
    """Of the coefficients before the first and after each layer, over a batch."""
    variances: list[float] = []
    assert isinstance(operator.network, T1)
    blocks = list(operator.network.blocks)
    hooks = [blocks[0].register_forward_pre_hook(lambda _, given: variances.append(float(given[0].var())))]
    hooks += [block.register_forward_hook(lambda *given: variances.append(float(given[-1].var()))) for block in blocks]
    with torch.inference_mode():
        operator(data.inputs(torch.arange(_BATCH)))
    for hook in hooks:
        hook.remove()
    return variances
