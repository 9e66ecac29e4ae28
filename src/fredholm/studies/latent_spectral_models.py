"""Study: neural spectral blocks in a multiscale network, with and without, on grids and on point clouds.

A. A block takes time linear in the pixels.
B. Stress around a void on a grid, and Darcy flow through a rough medium: the latent spectral model beside its own
   backbone, which is the same network without the blocks, and beside an FNO, over several seeds.
C. Stress at points that differ from plate to plate: the model on point clouds beside look-ups.

Source: Wu, Hu, Luo, Wang, Long, "Solving high-dimensional PDEs with latent spectral models", ICML 2023.
"""

import math
import statistics
import time
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.data.simulation import simulate
from fredholm.evaluation import StudyReport, Target, interleaved, measure
from fredholm.evaluation.baselines import Baseline, NearestSample, PredictMean
from fredholm.evaluation.page import figure_png
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Quantity, Signature
from fredholm.layers.grid_inputs import GridInputs
from fredholm.layers.neural_spectral_block import NeuralSpectralBlock
from fredholm.layers.perceptron import initialised
from fredholm.operators import Operator
from fredholm.operators.fourier import FNO
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.latent_spectral import LSM, Deformation, IrregularLSM, LatentGrid
from fredholm.problems import Darcy, Elasticity
from fredholm.studies.study import Budget, Run, Study
from fredholm.training import Settings
from fredholm.training.one_cycle import fit_one_cycle

_SIDES, _PATCHES, _ROUNDS = (64, 128, 256), 8, 9  # of the maps on which a block is timed, and patches along each
_SEEDS = {Budget.QUICK: 3, Budget.FULL: 5}
_WIDTH = {Budget.QUICK: 16, Budget.FULL: 32}
_TRAIN = {Budget.QUICK: 300, Budget.FULL: 1000}
_TEST = 100
_PLATE_POINTS = {Budget.QUICK: 32, Budget.FULL: 64}
_PLATE_STEPS = {Budget.QUICK: 450, Budget.FULL: 20_000}
_DARCY_POINTS = 64
_DARCY_STEPS = {Budget.QUICK: 100, Budget.FULL: 20_000}
_CLOUD_STEPS = {Budget.QUICK: 450, Budget.FULL: 20_000}
_BATCH, _PEAK = 20, 2e-3
_PATCH = 8  # pixels along a patch, and so points along the coarsest map
_MODEL, _BACKBONE, _FNO = "LSM", "backbone without blocks", "FNO"


class LatentSpectralModels(Study):
    """The same network with and without neural spectral blocks, and the model on point clouds."""

    slug: ClassVar[str] = "latent-spectral-models"
    claim: ClassVar[str] = (
        "With at most 15 % more parameters, and at a cost linear in the pixels, neural spectral blocks lower the error "
        "of their backbone, on average over two problems and three runs. On plates that all have points of their own, "
        "the model errs at most 0.7 times as much as the nearest plate of the training set."
    )
    paper: ClassVar[str] = (
        "Relative L2 errors 0.0408 against 0.0531 without blocks on a plate's stress on a grid, 0.0065 against 0.0080 "
        "on Darcy flow, 0.0218 against 0.0235 on the plate's point clouds, with 1000 samples and 500 epochs (Wu et al. "
        "2023, where the network without blocks is the U-Net)."
    )

    def run(self, run: Run) -> StudyReport:
        start = time.perf_counter()
        slope, seconds = _cost()
        run.say(f"  one block: time grows as pixels to the power {slope:.2f}")
        count = _TRAIN[run.budget]
        clouds = [simulate(Elasticity(), n, 2 * run.seed + part) for part, n in enumerate((count, _TEST))]
        plates = [_on_grid(data, _PLATE_POINTS[run.budget]) for data in clouds]
        darcy = [simulate(Darcy(points=_DARCY_POINTS), n, 2 * run.seed + part) for part, n in enumerate((count, _TEST))]
        measured: dict[str, Any] = {"cost of one block": {"slope": slope, **seconds}}
        baseline: dict[str, Any] = {}
        ratios = {}
        for name, (train, test), steps in (("plate", plates, _PLATE_STEPS), ("Darcy", darcy, _DARCY_STEPS)):
            results = _compared(name, train, test, steps[run.budget], run)
            measured[f"{name}: {_MODEL}"] = results.pop(_MODEL)
            baseline |= {f"{name}: {rival}": result for rival, result in results.items()}
            ratios[name] = _ratios(measured[f"{name}: {_MODEL}"], results[_BACKBONE])
            measured[f"{name}: error, {_MODEL} / backbone"] = ratios[name]
        cloud, look_ups, picture = _on_clouds(clouds[0], clouds[1], run)
        measured["plate's points: LSM on point clouds"] = cloud
        baseline |= {f"plate's points: {name}": {"test_relative_l2": error} for name, error in look_ups.items()}
        sizes = [measured[f"plate: {_MODEL}"]["parameters"], baseline[f"plate: {_BACKBONE}"]["parameters"]]
        together = statistics.geometric_mean([ratio["mean"] for ratio in ratios.values()])
        of_look_up = cloud["test_relative_l2"] / min(look_ups.values())
        targets = (
            Target("log time of a block over log pixels, slope", slope, "<=", 1.1),
            Target("parameters, LSM / backbone", sizes[0] / sizes[1], "<=", 1.15),
            Target("error, LSM / backbone, mean of both problems", together, "<=", 1.0),
            *(
                Target(f"{name}: error, LSM / backbone, mean of all runs", ratio["mean"], "<=", 1.1)
                for name, ratio in ratios.items()
            ),
            Target("plate's points: error, LSM / best look-up", of_look_up, "<=", 0.7),
        )
        return StudyReport(
            self.slug,
            self.claim,
            self.paper,
            measured,
            baseline,
            targets,
            time.perf_counter() - start,
            run.seed,
            run.budget,
            {"Stress at a test plate's own points": [picture]},
        )


def _cost() -> tuple[float, dict[str, float]]:
    """Slope of log seconds over log pixels of one block with as many patches on every map, and the seconds."""
    calls = {f"seconds on {side} x {side}": _block_call(side) for side in _SIDES}
    seconds = interleaved(calls, rounds=_ROUNDS)
    logarithms = [math.log(value) for value in seconds.values()]
    return statistics.linear_regression([2 * math.log(side) for side in _SIDES], logarithms).slope, seconds


def _block_call(side: int) -> Callable[[], object]:
    """Ask a block on a map of side x side pixels."""
    block, values = NeuralSpectralBlock(32, (side // _PATCHES, side // _PATCHES)), torch.randn(1, 32, side, side)

    def call() -> None:
        with torch.inference_mode():
            block(values)

    return call


def _on_grid(data: Dataset, points: int) -> Dataset:
    """Distance from the void and stress of plates, given at points of their own, on a grid; both are 0 in the void."""
    from scipy.interpolate import LinearNDInterpolator

    half = 0.5 / points
    grid = Grid(*(Axis(name, half, 1 - half, points) for name in ("x", "y")))
    samples = torch.arange(len(data))
    inputs, stress = data.inputs(samples), data.outputs(samples)
    values = torch.cat([inputs["geometry"], stress], dim=1).mT.double().numpy()
    where = grid.coordinates().numpy()
    on_grid = np.stack(
        [
            LinearNDInterpolator(cloud, at_points)(where)
            for cloud, at_points in zip(inputs["geometry.coordinates"].double().numpy(), values, strict=True)
        ]
    )
    distance, stress = torch.from_numpy(on_grid).float().mT.unflatten(2, grid.shape).split(1, dim=1)
    on = DomainType.of(grid)  # triangles across the void have their corners around it, where the distance is 0
    signature = Signature(
        {"distance": Function((Quantity("distance"),), on)}, Function(data.signature.output.channels, on)
    )
    return Dataset.from_arrays(signature, grid, {"distance": distance}, stress * (distance > 1e-6))


def _compared(problem: str, train: Dataset, test: Dataset, steps: int, run: Run) -> dict[str, dict[str, Any]]:
    """Errors of every network, seed by seed."""
    shape, width = train.output_domain.shape, _WIDTH[run.budget]
    scales = (min(shape) // _PATCH).bit_length()
    networks: dict[str, Callable[[], GridNetwork]] = {
        _MODEL: lambda: LSM(3, 1, shape, width, scales),
        _BACKBONE: lambda: LSM(3, 1, shape, width, scales, spectral=None),
        _FNO: lambda: FNO(3, 1, modes=(16, 16), width=24),
    }
    results = {}
    for name, network in networks.items():
        errors, seconds, operator = [], [], None
        for seed in range(run.seed, run.seed + _SEEDS[run.budget]):
            with initialised(seed):
                inputs = GridInputs(train.signature, train.output_domain)
                operator = GridOperator(train.signature, train.output_domain, network(), inputs)
            fitted, taken = _trained(operator, train, steps, seed)
            errors.append(_error(fitted, test))
            seconds.append(taken)
        results[name] = {
            "test_relative_l2": statistics.mean(errors),
            **{f"test_relative_l2, run {i}": error for i, error in enumerate(errors)},
            "parameters": operator.parameter_count if operator else 0,
            "training_seconds": round(statistics.mean(seconds), 1),
        }
        run.say(f"  {problem}, {name}: {', '.join(f'{error:.2%}' for error in errors)}, {sum(seconds):.0f} s")
    return results


def _trained(operator: Operator, train: Dataset, steps: int, seed: int) -> tuple[Operator, float]:
    """The operator normalised by the data and trained on them, and the seconds that it took."""
    samples = torch.arange(len(train))
    operator = operator.adapted(train.inputs(samples), train.outputs(samples))
    settings = Settings(seed=seed, quiet=True)
    return operator, fit_one_cycle(operator, train, steps, batch=_BATCH, peak=_PEAK, settings=settings).seconds


def _error(operator: Operator, test: Dataset) -> float:
    """Mean relative L2 error."""
    return measure(lambda samples: _answered(operator, test, samples), test, batch=_BATCH).mean


def _answered(operator: Operator, data: Dataset, samples: Tensor) -> Tensor:
    with torch.inference_mode():
        answer: Tensor = operator(data.inputs(samples))
    return answer


def _ratios(model: dict[str, Any], rival: dict[str, Any]) -> dict[str, float]:
    """Of the errors, seed by seed: mean, least and largest."""
    ratios = [model[key] / rival[key] for key in model if "run" in key]
    return {"mean": statistics.mean(ratios), "least": min(ratios), "largest": max(ratios)}


def _on_clouds(train: Dataset, test: Dataset, run: Run) -> tuple[dict[str, Any], dict[str, float], str]:
    """The model on point clouds, and look-ups that take points of equal number for the same; a picture."""
    with initialised(run.seed):
        latent = LatentGrid((32, 32), frequencies=8, width=_WIDTH[run.budget], scales=4, filling=0.8)
        deformation = Deformation(2, code=train.problem["parameters"]["angles"], width=64)
        operator = IrregularLSM(train.signature, train.output_domain, latent, deformation, code="radii")
    fitted, seconds = _trained(operator, train, _CLOUD_STEPS[run.budget], run.seed)
    error = _error(fitted, test)
    run.say(f"  plate's points, LSM on point clouds: {error:.2%}, {seconds:.0f} s")
    look_ups = {kind.name: _look_up_error(kind, train, test) for kind in (PredictMean, NearestSample)}
    run.say(f"  plate's points, {', '.join(f'{name}: {error:.2%}' for name, error in look_ups.items())}")
    numbers = {
        "test_relative_l2": error,
        "parameters": fitted.parameter_count,
        "training_seconds": round(seconds, 1),
    }
    return numbers, look_ups, _picture(fitted, test)


def _look_up_error(kind: type[Baseline], train: Dataset, test: Dataset) -> float:
    look_up = kind(train)
    return measure(lambda samples: look_up.predict(test, samples), test).mean


def _picture(operator: Operator, test: Dataset, plates: int = 2) -> str:
    """Stress at the points of test plates: true, predicted, and the difference."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    samples = torch.arange(plates)
    truth, prediction = test.outputs(samples)[:, 0], _answered(operator, test, samples)[:, 0]
    points = test.inputs(samples)["geometry.coordinates"]
    figure, axes = pyplot.subplots(plates, 3, figsize=(10.5, 3.3 * plates), squeeze=False)
    for row, cloud, reference, predicted in zip(axes, points, truth, prediction, strict=True):
        panels = {"reference": reference, "prediction": predicted, "difference": predicted - reference}
        for panel, (title, values) in zip(row, panels.items(), strict=True):
            limits = (None, None) if title == "difference" else (0.0, float(reference.max()))
            drawn = panel.scatter(*cloud.T, c=values, s=7, cmap="viridis", vmin=limits[0], vmax=limits[1])
            panel.set_aspect("equal")
            panel.set_axis_off()
            panel.set_title(title)
            figure.colorbar(drawn, ax=panel, fraction=0.046)
    return figure_png(figure)
