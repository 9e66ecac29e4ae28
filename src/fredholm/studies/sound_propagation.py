"""Study: sine networks with gates and Fourier features learn rooms that ReLU networks do not, and structure does
better still.

A 2 m x 2 m room with absorbing walls, pulses up to 500 Hz, 12 ms; 81 training sources on a lattice of five to a
wavelength, 12 test sources at random. All networks have the same sizes, steps and batches. Then a cube with porous
walls, in closed form (`sound_cube`), from a room to the next (`sound_transfer`), and a room in halves
(`sound_decomposition`).

Source: Borrel-Jensen, Goswami, Engsig-Karup, Karniadakis, Jeong, PNAS 2024.
"""

import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import nn

from fredholm.data.dataset import Dataset
from fredholm.data.sampling import CartesianPoints
from fredholm.evaluation import StudyReport, Target, energy_decay_decibels, interleaved, measure
from fredholm.evaluation.baselines import BASELINES
from fredholm.evaluation.figures import fields_side_by_side
from fredholm.layers.coordinates import CoordinateScaling
from fredholm.layers.perceptron import MLP, SineMLP, initialised
from fredholm.operators.deeponet import DeepONet, NetworkBranch, NetworkTrunk, fit_pod_linear
from fredholm.operators.operator import Operator
from fredholm.problems import Room, SourceLattice
from fredholm.studies.solved_rooms import predicted, solved
from fredholm.studies.sound_cube import cube_results
from fredholm.studies.sound_decomposition import decomposition_results
from fredholm.studies.sound_transfer import transfer_results
from fredholm.studies.study import Budget, Run, Study
from fredholm.training.recipes import Acoustic, LinearSine, PODLinear, descend, sensors_of

_STEPS = {Budget.QUICK: 8000, Budget.FULL: 40000}
_TERMS, _HIDDEN, _LAYERS = 64, 128, 3


@dataclass
class _Result:
    """One method: its error, RMSE, bytes, and seconds to fit."""

    relative_l2: float
    rmse: float
    stored_bytes: int
    seconds: float = 0.0
    operator: Operator | None = field(default=None, repr=False)

    def numbers(self) -> dict[str, Any]:
        return {
            "relative_l2": self.relative_l2,
            "rmse_pa": self.rmse,
            "stored_bytes": self.stored_bytes,
            "fit_seconds": round(self.seconds, 1),
        }


class SoundPropagation(Study):
    """The published network, its ablations, and operators that are linear by construction."""

    slug: ClassVar[str] = "sound-propagation"
    claim: ClassVar[str] = (
        "A DeepONet with sine activations, gates and Fourier features predicts the sound field of a room for unseen "
        "source positions in milliseconds, where a ReLU network of the same size does not; an operator that is linear "
        "in its source by construction is more accurate still."
    )
    paper: ClassVar[str] = (
        "RMSE of impulse responses between 0.02 and 0.10 Pa over four 3-D scenes at 1 kHz, queries in milliseconds "
        "(Borrel-Jensen et al., PNAS 2024). This study is a 2-D room at 500 Hz."
    )

    def run(self, run: Run) -> StudyReport:
        start = time.perf_counter()
        train = solved(Room(sources=SourceLattice(9)), 81, run.seed)
        test = solved(Room(), 12, run.seed + 1)
        baselines = self._baselines(train, test, run)
        methods = self._methods(train, test, run)
        faithful = methods["gated sine DeepONet"]
        assert faithful.operator is not None
        query = _query_seconds(faithful.operator, test)
        pod = methods["POD trunk, linear branch"]
        targets: tuple[Target, ...] = (
            Target(
                "faithful error / ReLU error", faithful.relative_l2 / methods["ReLU DeepONet"].relative_l2, "<=", 1 / 3
            ),
            Target(
                "faithful error / nearest source error",
                faithful.relative_l2 / baselines["nearest training sample"].relative_l2,
                "<=",
                0.5,
            ),
            Target("faithful RMSE, Pa", faithful.rmse, "<=", 0.03),
            Target("seconds a query", query, "<=", 0.010),
            Target(
                "linear branch error / faithful error",
                methods["sine trunk, linear branch"].relative_l2 / faithful.relative_l2,
                "<=",
                0.7,
            ),
            Target("POD trunk, linear branch: relative L2", pod.relative_l2, "<=", 0.01),
            Target(
                "faithful bytes / stored field bytes",
                faithful.stored_bytes / baselines["nearest training sample"].stored_bytes,
                "<=",
                1 / 20,
            ),
        )
        in_cube, cube_baselines, cube_targets = cube_results(run)
        transferred, transfer_targets = transfer_results(run)
        in_halves, decomposition_targets = decomposition_results(run)
        compact, look_up = methods["compact POD trunk, linear branch"], baselines["multilinear look-up"]
        targets += (
            Target(
                "compact POD error / multilinear look-up error", compact.relative_l2 / look_up.relative_l2, "<=", 1.0
            ),
            Target("compact POD bytes / look-up bytes", compact.stored_bytes / look_up.stored_bytes, "<=", 1 / 10),
            *cube_targets,
            *transfer_targets,
            *decomposition_targets,
        )
        measured: dict[str, Any] = {name: result.numbers() for name, result in methods.items()}
        measured["query: branch once, trunk at 5 receivers x 25 times"] = {"seconds": query}
        measured["energy decay curve at 5 receivers, mean error"] = {"dB": _decay_error(faithful.operator, test)}
        measured |= in_cube | transferred | in_halves
        return StudyReport(
            self.slug,
            self.claim,
            self.paper,
            measured,
            {name: result.numbers() for name, result in baselines.items()} | cube_baselines,
            targets,
            time.perf_counter() - start,
            run.seed,
            run.budget,
            {"Fields of a test source": _pictures(methods, test)},
        )

    def _baselines(self, train: Dataset, test: Dataset, run: Run) -> dict[str, _Result]:
        results = {}
        for kind in BASELINES:
            start = time.perf_counter()
            baseline = kind(train)
            errors = measure(lambda samples, b=baseline: b.predict(test, samples), test)  # type: ignore[misc]
            results[kind.name] = _Result(
                errors.mean, errors.total_rmse, baseline.stored_bytes, time.perf_counter() - start
            )
            run.say(f"  {kind.name}: {errors.mean:.2%}")
        return results

    def _methods(self, train: Dataset, test: Dataset, run: Run) -> dict[str, _Result]:
        steps = _STEPS[run.budget]
        fits = {
            "gated sine DeepONet": lambda: Acoustic().fit(train, seed=run.seed, iterations=steps).operator,
            "plain sine DeepONet": lambda: _plain(train, run.seed, steps, sine=True),
            "ReLU DeepONet": lambda: _plain(train, run.seed, steps, sine=False),
            "sine trunk, linear branch": lambda: LinearSine().fit(train, seed=run.seed, iterations=steps).operator,
            "POD trunk, linear branch": lambda: fit_pod_linear(train, sensors_of(train, per_axis=8), rank=30),
            "compact POD trunk, linear branch": lambda: PODLinear().fit(train).operator,
        }
        results = {}
        for name, fit in fits.items():
            start = time.perf_counter()
            operator = fit()
            seconds = time.perf_counter() - start
            errors = measure(_predictor(operator, test), test)
            results[name] = _Result(errors.mean, errors.total_rmse, operator.stored_bytes, seconds, operator)
            run.say(f"  {name}: {errors.mean:.2%}, {operator.stored_bytes / 1e6:.2f} MB, {seconds:.0f} s")
        return results


def _plain(train: Dataset, seed: int, steps: int, sine: bool) -> Operator:
    """Branch and trunk without gates and features: sine, or ReLU with He initialisation."""
    with initialised(seed):
        sensors = sensors_of(train, per_axis=6, scale=0.5)
        dimension = train.output_domain.dimension
        branch, trunk = (_network([width, *[_HIDDEN] * _LAYERS, _TERMS], sine) for width in (sensors.width, dimension))
        scaling = CoordinateScaling.waves(train.output_domain, train.problem["parameters"]["sound_speed"])
        operator = DeepONet(
            train.signature,
            train.output_domain,
            NetworkBranch(sensors, branch, _TERMS),
            NetworkTrunk(trunk, _TERMS, scaling),
        )
    descend(operator, train, CartesianPoints(16, 1500), steps, seed, None)
    return operator


def _network(sizes: list[int], sine: bool) -> nn.Module:
    if sine:
        return SineMLP(sizes)
    network = MLP(sizes, nn.ReLU())
    for layer in network.layers:
        nn.init.kaiming_uniform_(layer.get_parameter("weight"), nonlinearity="relu")
    return network


def _predictor(operator: Operator, data: Dataset) -> Any:
    return lambda samples: predicted(operator, data, samples)


def _receivers(data: Dataset) -> torch.Tensor:
    """Five receivers on the diagonal at all output times, (125, 3)."""
    times = data.output_domain.coordinates()[: data.output_domain.shape[-1], -1]
    places = torch.linspace(0.3, 1.7, 5).double()
    points = [torch.stack([p.expand(len(times)), p.expand(len(times)), times], -1) for p in places]
    return torch.cat(points).float()


def _query_seconds(operator: Operator, test: Dataset) -> float:
    """Median seconds of the branch once and the trunk at five receivers for all times."""
    inputs, points = test.inputs(torch.arange(1)), _receivers(test)

    def ask() -> None:
        with torch.inference_mode():
            operator(inputs, points)

    return interleaved({"ask": ask}, rounds=50)["ask"]


def _decay_error(operator: Operator, test: Dataset) -> float:
    """Mean difference of the energy decay curves in dB over the first three quarters of the time."""
    samples, points = torch.arange(len(test)), _receivers(test)
    with torch.inference_mode():
        predicted = operator(test.inputs(samples), points)
    truth = test.output_domain.stencil(points.double()).apply(test.outputs(samples).flatten(2))
    curves = [energy_decay_decibels(values.unflatten(-1, (5, -1))) for values in (predicted, truth)]
    kept = curves[0].shape[-1] * 3 // 4
    return float((curves[0] - curves[1])[..., :kept].abs().mean())


def _pictures(methods: dict[str, _Result], test: Dataset) -> list[str]:
    """The first test source, by the published network and by the ReLU one."""
    first = torch.arange(1)
    truth = test.outputs(first)[0]
    return [
        fields_side_by_side(truth, _predictor(operator, test)(first)[0], test, name)
        for name in ("gated sine DeepONet", "ReLU DeepONet")
        if (operator := methods[name].operator) is not None
    ]
