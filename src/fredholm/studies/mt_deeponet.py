"""Study: one DeepONet for several equations or shapes, told apart by their coefficients or masks.

A. Growth with diffusion, three forms of the growth law: one network for all beside a specialist of each, asked for its
   own form and for others; a fourth form, from few samples, by fine-tuning and from scratch.
B. Darcy flow in squares, disks and triangles: where the mask enters; an L, from few samples, from networks of three
   shapes and of one, and from scratch.
C. Heated plates with holes in three dimensions: unseen distances of the holes from the centre.

Source: Kumar, Goswami, Kontolati, Shields, Karniadakis, "Synergistic learning with multi-task DeepONet for efficient
PDE problem solving", Neural Networks 184 (2025).
"""

import copy
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from fredholm.data.dataset import Dataset
from fredholm.data.sampling import CartesianPoints, Sampler, WholeFields
from fredholm.data.simulation import simulate
from fredholm.evaluation import StudyReport, Target, measure
from fredholm.fields.signature import Signature
from fredholm.layers.adapted_sensors import Standardised
from fredholm.layers.coordinates import CoordinateScaling, FourierFeatures
from fredholm.layers.perceptron import MLP, initialised
from fredholm.layers.sensors import ParameterSensors
from fredholm.operators.deeponet import DeepONet, NetworkBranch, NetworkTrunk, SplitBranch
from fredholm.operators.operator import Operator
from fredholm.operators.residual_operator import ResidualOperator
from fredholm.problems import (
    Corner,
    DarcyShapes,
    Disk,
    Fisher,
    FisherGrowth,
    FlameGrowth,
    HeatedPlate,
    NewellWhiteheadGrowth,
    SquarePlate,
    Triangle,
    ZeldovichGrowth,
)
from fredholm.problems.plane_shapes import PlaneShape
from fredholm.problems.reactions import Growth
from fredholm.studies.study import Budget, Run, Study
from fredholm.training import Loss, MeanSquaredError, RelativeL2, Settings, adam, fit

_FORMS: dict[str, tuple[Growth, int]] = {  # and how many samples of each, four times as many for training as for tests
    "a u (1 - u)": (FisherGrowth(), 200),
    "a u (1 - u²)": (NewellWhiteheadGrowth(), 200),
    "flame": (FlameGrowth(), 400),
}
_SHARE = 1.0  # of these samples
_GROWTH_STEPS = {Budget.QUICK: 2500, Budget.FULL: 20000}
_FEW_GROWTHS, _FEW_GROWTH_STEPS = (20, 50, 100), 300
_SHAPES: dict[str, PlaneShape] = {"square": SquarePlate(), "disk": Disk(), "triangle": Triangle()}
_SHAPE_POINTS, _SHAPE_TRAIN, _SHAPE_TEST = 48, 300, 50
_SHAPE_STEPS = {Budget.QUICK: 1500, Budget.FULL: 10000}
_FEW_SHAPES, _FEW_SHAPE_STEPS = 30, {Budget.QUICK: 600, Budget.FULL: 5000}
_FINE_TUNING = 5e-4  # the published learning rate
_PLATE_POINTS, _PLATE_STEPS = 24, {Budget.QUICK: 2000, Budget.FULL: 10000}
_KNOWN, _UNKNOWN = (0.09, 0.12, 0.16), (0.10, 0.11, 0.13, 0.14, 0.15)  # m, of the holes from the plate's centre


class MultiTaskDeepONet(Study):
    """One network for forms of an equation, shapes of a domain, members of a family."""

    slug: ClassVar[str] = "mt-deeponet"
    claim: ClassVar[str] = (
        "One DeepONet that is told the form of a growth law is as accurate on three forms as three specialists, for a "
        "third of their steps; specialists fail on other forms. One that is told the shape by a mask transfers to "
        "a new shape from few samples, better the more shapes it has seen; the mask belongs in its branch and in its "
        "answer. One that is told the holes of a plate interpolates between them."
    )
    paper: ClassVar[str] = (
        "One network for several reaction terms, geometries and 3-D plates, at less total cost than one each, and a "
        "better start for unseen geometries (Kumar et al. 2025; claims of the abstract)."
    )

    def run(self, run: Run) -> StudyReport:
        start = time.perf_counter()
        growth, specialists, growth_targets = _growth(run)
        shapes, shape_baselines, shape_targets = _shapes(run)
        plates, plate_baselines, plate_targets = _plates(run)
        return StudyReport(
            self.slug,
            self.claim,
            self.paper,
            {**growth, **shapes, **plates},
            {**specialists, **shape_baselines, **plate_baselines},
            (*growth_targets, *shape_targets, *plate_targets),
            time.perf_counter() - start,
            run.seed,
            run.budget,
        )


def _growth(run: Run) -> tuple[dict[str, Any], dict[str, Any], list[Target]]:
    steps = _GROWTH_STEPS[run.budget]
    train, test = {}, {}
    for name, (form, count) in _FORMS.items():
        problem, few = Fisher(reactions=(form,)), max(2, round(_SHARE * count))
        train[name], test[name] = simulate(problem, 4 * few, 2 * run.seed), simulate(problem, few, 2 * run.seed + 1)
    union = _joined(list(train.values()))

    def errors(data: Dataset, steps: int) -> tuple[Operator, dict[str, float]]:
        operator = _fitted(
            _built("multi-task-deeponet/small", union, run.seed), data, steps, run.seed, WholeFields(200)
        )
        return operator, {name: _error(operator, unseen) for name, unseen in test.items()}

    joint, joint_errors = errors(union, steps)
    run.say(f"  growth, one network: {_shown(joint_errors)}")
    specialists = {}
    for name, data in train.items():
        _, specialists[name] = errors(data, steps)
        run.say(f"  growth, specialist of {name}: {_shown(specialists[name])}")
    shorter = {name: errors(data, steps // len(train))[1][name] for name, data in train.items()}
    measured = {
        "growth, one network": joint_errors,
        **{f"a u² (1 - u) from {n} samples, fine-tuned": _new_form(joint, n, run) for n in _FEW_GROWTHS},
    }
    baseline = {
        **{f"growth, specialist of {name}": row for name, row in specialists.items()},
        "growth, specialists, a third of the steps each": shorter,
        **{f"a u² (1 - u) from {n} samples, from scratch": _new_form(None, n, run) for n in _FEW_GROWTHS},
    }
    own = {name: specialists[name][name] for name in train}
    others = [specialists[a][b] / own[b] for a in train for b in train if a != b]
    first, second, _ = train
    targets = [
        Target(
            "growth, one network over specialist, worst form", max(joint_errors[n] / own[n] for n in own), "<=", 1.15
        ),
        Target("growth, specialist of another form over that of the form, least", min(others), ">=", 1.4),
        Target(f"specialist of {first} on {second} over its own", specialists[first][second] / own[second], ">=", 3.0),
    ]
    return measured, baseline, targets


def _new_form(source: Operator | None, count: int, run: Run) -> dict[str, float]:
    """Error on a form of growth that was not among the training tasks."""
    problem = Fisher(reactions=(ZeldovichGrowth(),))
    data, unseen = simulate(problem, count, 2 * run.seed), simulate(problem, 200, 2 * run.seed + 1)
    operator = copy.deepcopy(source) or _built("multi-task-deeponet/small", data, run.seed)
    operator = _fitted(operator, data, _FEW_GROWTH_STEPS, run.seed, WholeFields(count))
    return {"test_relative_l2": _error(operator, unseen)}


def _shapes(run: Run) -> tuple[dict[str, Any], dict[str, Any], list[Target]]:
    steps, batch = _SHAPE_STEPS[run.budget], CartesianPoints(50, 400)
    train, test = {}, {}
    for name, shape in _SHAPES.items():
        problem = DarcyShapes(_SHAPE_POINTS, (shape,))
        train[name] = simulate(problem, _SHAPE_TRAIN, 2 * run.seed)
        test[name] = simulate(problem, _SHAPE_TEST, 2 * run.seed + 1)
    union = _joined(list(train.values()))

    def rows(operator: Operator) -> dict[str, float]:
        return {name: _error(operator, data) for name, data in test.items()}

    masked = _fitted(_built(_CONVOLUTIONAL, union, run.seed), union, steps, run.seed, batch)
    results = {"mask in branch and answer": rows(masked)}
    built = _built(_CONVOLUTIONAL, union, run.seed)
    assert isinstance(built, ResidualOperator)
    results["mask in the branch alone"] = rows(_fitted(built.operator, union, steps, run.seed, batch))
    blind = _unmasked(union)
    results["no mask"] = rows(_fitted(_built(_CONVOLUTIONAL, blind, run.seed), blind, steps, run.seed, batch))
    for name, row in results.items():
        run.say(f"  shapes, {name}: {_shown(row)}")
    specialists = {
        name: _fitted(_built(_CONVOLUTIONAL, data, run.seed), data, steps, run.seed, batch)
        for name, data in train.items()
    }
    transfer, otherwise, targets = _new_shape(masked, specialists, run)
    both, branch, none = (sum(row.values()) / len(row) for row in results.values())
    first = "mask in branch and answer"
    measured = {f"shapes, {first}": results.pop(first), **transfer}
    baseline = {
        **{f"shapes, {name}": row for name, row in results.items()},
        **{f"shapes, specialist of the {name}": rows(source) for name, source in specialists.items()},
        **otherwise,
    }
    targets += [
        Target("mask in branch and answer over in the branch alone", both / branch, "<=", 1.0),
        Target("mask in the branch alone over none", branch / none, "<=", 1.0),
    ]
    return measured, baseline, targets


def _new_shape(
    joint: Operator, specialists: Mapping[str, Operator], run: Run
) -> tuple[dict[str, Any], dict[str, Any], list[Target]]:
    """Errors on a shape that was not among the training tasks, from few samples of it."""
    corner = DarcyShapes(_SHAPE_POINTS, (Corner(),))
    few, unseen = simulate(corner, _FEW_SHAPES, 2 * run.seed), simulate(corner, _SHAPE_TEST, 2 * run.seed + 1)

    def fine_tuned(start: Operator) -> float:
        steps, sampler = _FEW_SHAPE_STEPS[run.budget], WholeFields(_FEW_SHAPES)
        return _error(_fitted(start, few, steps, run.seed, sampler, RelativeL2(), peak=_FINE_TUNING), unseen)

    three, free = fine_tuned(_partly_frozen(joint)), fine_tuned(copy.deepcopy(joint))
    alone = {f"from the {name}": fine_tuned(_partly_frozen(source)) for name, source in specialists.items()}
    scratch = fine_tuned(_built(_CONVOLUTIONAL, few, run.seed))
    measured = {"from three shapes": three, "from three shapes, all weights": free}
    otherwise = {**alone, "from scratch": scratch}
    title = f"an L of {_FEW_SHAPES} samples"
    run.say(f"  shapes, {title}: {_shown(measured | otherwise)}")
    single = sum(alone.values()) / len(alone)
    targets = [
        Target("an L, from three shapes over from one, mean of the three", three / single, "<=", 0.7),
        Target("an L, from three shapes over from scratch", three / scratch, "<=", 0.5),
    ]
    return {title: measured}, {f"{title}, otherwise": otherwise}, targets


def _plates(run: Run) -> tuple[dict[str, Any], dict[str, Any], list[Target]]:
    """All plates of 2 to 9 holes at all distances; the family is the same for every seed, the network is not."""
    problem = HeatedPlate(_PLATE_POINTS)
    distances = torch.tensor((*_KNOWN, *_UNKNOWN))
    numbers = torch.arange(2, 10).repeat_interleave(len(distances))
    inputs = problem.plates(numbers, distances.repeat(8))
    temperature = problem.solve(inputs)
    plates = Dataset.from_arrays(problem.signature, problem.output_domain, inputs, temperature)
    known = (torch.arange(len(plates)) % len(distances)) < len(_KNOWN)
    train, test = plates.subset(known.nonzero()[:, 0]), plates.subset((~known).nonzero()[:, 0])
    operator = _plate_operator(train, run.seed)
    operator = _fitted(operator, train, _PLATE_STEPS[run.budget], run.seed, CartesianPoints(len(train), 1500))
    errors = {"train_relative_l2": _error(operator, train), "test_relative_l2": _error(operator, test)}
    run.say(f"  plates: {_shown(errors)}")
    measured = {"plates, unseen distances": errors}
    baseline = {
        "plates, between the two nearest distances": {"test_relative_l2": _between(temperature, inputs, distances)}
    }
    return measured, baseline, [Target("plates, error at unseen distances", errors["test_relative_l2"], "<=", 0.05)]


def _plate_operator(data: Dataset, seed: int) -> Operator:
    """A branch of the holes' two numbers, a trunk of waves that pass the plate up to four times; cut by the mask."""
    with initialised(seed):
        branch = NetworkBranch(Standardised(ParameterSensors("holes", 2)), MLP([2, 64, 64, 100], nn.SiLU()), 100)
        waves = FourierFeatures([1.0, 0.5, 0.25])
        network = MLP([waves.width(3), 128, 128, 128, 100], nn.SiLU())
        trunk = NetworkTrunk(network, 100, CoordinateScaling.box(data.output_domain), waves)
        operator = DeepONet(data.signature, data.output_domain, branch, trunk, SplitBranch(), bias=False)
        return _adapted(ResidualOperator(operator, mask="mask"), data)


def _between(temperature: Tensor, inputs: Mapping[str, Tensor], distances: Tensor) -> float:
    """Mean error, inside the plates, of interpolating linearly in the distance between plates of as many holes."""
    fields = temperature.reshape(8, len(distances), -1)
    mask = inputs["mask"].reshape(fields.shape)
    errors = []
    for k in range(len(_KNOWN), len(distances)):
        lower = max(i for i, d in enumerate(_KNOWN) if d < distances[k])
        share = (distances[k] - distances[lower]) / (distances[lower + 1] - distances[lower])
        guess = torch.lerp(fields[:, lower], fields[:, lower + 1], share) * mask[:, k]
        errors.append((guess - fields[:, k]).norm(dim=1) / fields[:, k].norm(dim=1))
    return float(torch.stack(errors).mean())


_CONVOLUTIONAL = "multi-task-deeponet/darcy-small"


def _built(preset: str, data: Dataset, seed: int) -> Operator:
    """An operator of the catalogue, normalised by the data."""
    with initialised(seed):
        return _adapted(Operator.build(data.signature, preset, data.output_domain), data)


def _adapted(operator: Operator, data: Dataset) -> Operator:
    everything = torch.arange(len(data))
    return operator.adapted(data.inputs(everything), data.outputs(everything))


def _fitted(
    operator: Operator,
    data: Dataset,
    steps: int,
    seed: int,
    sampler: Sampler,
    loss: Loss | None = None,
    peak: float = 2e-3,
) -> Operator:
    """Adam with one cycle, over the weights that are not frozen."""
    optimizer = adam(operator)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=steps)
    fit(
        operator,
        data,
        sampler=sampler,
        iterations=steps,
        optimizer=optimizer,
        schedule=schedule,
        loss=loss or MeanSquaredError(),
        settings=Settings(seed=seed),
    )
    return operator.eval()


def _partly_frozen(operator: Operator) -> Operator:
    """A copy of which the first convolution, the branch's dense layers and the trunk's last layer are free."""
    copied = copy.deepcopy(operator).requires_grad_(False)
    for free in ("branch.network.levels.0", "branch.network.head", "trunk.network.layers.3"):
        copied.get_submodule(f"operator.{free}").requires_grad_(True)
    return copied


def _joined(parts: Sequence[Dataset]) -> Dataset:
    """The samples of several data sets of one signature, one after the other."""
    first = parts[0]
    inputs = [part.inputs(torch.arange(len(part))) for part in parts]
    outputs = torch.cat([part.outputs(torch.arange(len(part))) for part in parts])
    joined = {name: torch.cat([values[name] for values in inputs]) for name in inputs[0]}
    return Dataset.from_arrays(
        first.signature, first.output_domain, joined, outputs, input_domains=dict(first.input_domains)
    )


def _unmasked(data: Dataset) -> Dataset:
    """The same samples without the input that tells the shape."""
    everything = torch.arange(len(data))
    signature = Signature(
        {name: entry for name, entry in data.signature.inputs.items() if name != "mask"}, data.signature.output
    )
    inputs = {name: values for name, values in data.inputs(everything).items() if name != "mask"}
    return Dataset.from_arrays(signature, data.output_domain, inputs, data.outputs(everything))


def _error(operator: Operator, data: Dataset) -> float:
    """Mean relative L2 error, inside the mask where the data have one."""

    def predicted(samples: Tensor) -> Tensor:
        inputs = data.inputs(samples)
        values: Tensor = operator({name: inputs[name] for name in operator.signature.inputs})
        return values * inputs["mask"] if "mask" in inputs else values

    with torch.inference_mode():
        return measure(predicted, data, windows=1, batch=25).mean


def _shown(errors: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {error:.4f}" for name, error in errors.items())
