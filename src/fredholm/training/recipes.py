"""Recipes: how to build and fit an operator for a data set whose signature alone is known.

A recipe is what stands behind `fredholm train --operator NAME`. It chooses sensors, sizes and schedules that are
known to work; whoever wants other ones builds the operator from its parts.
"""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from fredholm.data.dataset import Dataset
from fredholm.data.sampling import CartesianPoints, PairedPoints, Sampler
from fredholm.errors import DataError, UnknownNameError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.point_cloud import PointCloud
from fredholm.fields.product import Product
from fredholm.fields.signature import Function
from fredholm.layers.coordinates import CoordinateScaling, FourierFeatures
from fredholm.layers.perceptron import MLP, ModifiedMLP, initialised
from fredholm.layers.sensors import Concatenated, FunctionSensors, ParameterSensors, Sensors
from fredholm.operators.deeponet import (
    DeepONet,
    LinearBranch,
    NetworkBranch,
    NetworkTrunk,
    choose_rank,
    fit_linear_branch,
    fit_pod_linear,
)
from fredholm.operators.operator import Operator
from fredholm.training.fit import fit
from fredholm.training.history import History
from fredholm.training.one_cycle import fit_one_cycle
from fredholm.training.optimizers import adam
from fredholm.training.settings import Checkpoints, Settings


@dataclass(frozen=True)
class Fitted:
    """A fitted operator, its curves if it has any, and where it comes from."""

    operator: Operator
    history: History | None
    provenance: dict[str, Any]


class Recipe(ABC):
    """Builds and fits one kind of operator for any data set it suits."""

    name: str
    title: ClassVar[str]
    summary: ClassVar[str]

    def fit(
        self, data: Dataset, *, seed: int = 0, directory: Path | None = None, iterations: int | None = None
    ) -> Fitted:
        """Build and fit; gradient descent resumes from `directory`."""
        begun_before = directory is not None and Checkpoints(directory).last.exists()
        start = time.perf_counter()
        operator, history = self.run(data, seed, directory, iterations)
        provenance = {
            "recipe": self.name,
            "title": self.title,
            "seed": seed,
            "iterations": history.iterations if history else 0,
            "problem": dict(data.problem),
            "data": data.fingerprint(),
            "samples": len(data),
            "training_seconds": None if begun_before else round(time.perf_counter() - start, 2),
        }
        return Fitted(operator.eval(), history, provenance)

    @abstractmethod
    def run(
        self, data: Dataset, seed: int, directory: Path | None, iterations: int | None
    ) -> tuple[Operator, History | None]:
        """The fitted operator, and its history if gradients made it."""


class PODLinear(Recipe):
    """Modes of the training fields and a linear branch, both in closed form.

    Args:
        tolerance: of the compression of the modes, relative to the field.
    """

    name = "pod-linear"
    title = "POD trunk, linear branch"
    summary = (
        "closed form, seconds; for operators linear in their input: modes of the training fields, ridge regression"
    )

    def __init__(self, tolerance: float = 0.008) -> None:
        self.tolerance = tolerance

    def run(
        self, data: Dataset, seed: int, directory: Path | None, iterations: int | None
    ) -> tuple[Operator, History | None]:
        tolerance = self.tolerance if _separable(data.output_domain) else None
        return fit_pod_linear(data, sensors_of(data, per_axis=12), rank=32, tolerance=tolerance), None


class PODLinearByError(Recipe):
    """Modes and a linear branch in closed form, as many modes as an error of 1 % on held-out samples takes."""

    name = "pod-linear-by-error"
    title = "POD trunk of chosen rank, linear branch"
    summary = "closed form, seconds; as `pod-linear`, with the least rank that has 1 % error on a fifth of the samples"

    def run(
        self, data: Dataset, seed: int, directory: Path | None, iterations: int | None
    ) -> tuple[Operator, History | None]:
        sensors = sensors_of(data, per_axis=12)
        rank = choose_rank(data, sensors, tolerance=0.01).rank
        tolerance = 0.004 if _separable(data.output_domain) else None
        return fit_pod_linear(data, sensors, rank=rank, tolerance=tolerance), None


class LinearSine(Recipe):
    """Linear branch on a sine trunk, which learns the modes; the branch is fitted before and after in closed form."""

    name = "linear-sine"
    title = "sine trunk, linear branch"
    summary = "minutes; linear in its input, small: a gated sine network learns the modes of the training fields"

    def run(
        self, data: Dataset, seed: int, directory: Path | None, iterations: int | None
    ) -> tuple[Operator, History | None]:
        iterations = iterations or 8000
        sensors = sensors_of(data, per_axis=12)
        pod = fit_pod_linear(data, sensors, rank=64)
        with initialised(seed):
            branch = LinearBranch(sensors, pod.branch.width)
            trunk = wave_trunk(data, width=pod.branch.width, hidden=128, layers=3)
        branch.load_state_dict(pod.branch.state_dict())
        operator = DeepONet(data.signature, data.output_domain, branch, trunk, bias=False)
        # With the coefficients of all training samples held, the misfit of fields is the misfit of modes.
        branch.requires_grad_(False)
        history = descend(operator, data, CartesianPoints(len(data), 1500), iterations, seed, directory)
        branch.requires_grad_(True)
        fit_linear_branch(operator, data)
        return operator, history


class Acoustic(Recipe):
    """The published network for sound in rooms, at a size for a laptop."""

    name = "acoustic"
    title = "gated sine DeepONet"
    summary = "minutes; the published acoustic network: gated sine branch and trunk with Fourier features"

    def run(
        self, data: Dataset, seed: int, directory: Path | None, iterations: int | None
    ) -> tuple[Operator, History | None]:
        with initialised(seed):
            sensors = sensors_of(data, per_axis=6, scale=0.5)
            branch = NetworkBranch(sensors, ModifiedMLP([sensors.width, 128, 128, 128, 64]), 64)
            operator = DeepONet(data.signature, data.output_domain, branch, wave_trunk(data, 64, 128, 3))
        return operator, descend(operator, data, CartesianPoints(16, 1500), iterations or 8000, seed, directory)


class PlainDeepONet(Recipe):
    """The original DeepONet."""

    name = "deeponet"
    title = "DeepONet"
    summary = "minutes; the original: ReLU networks of width 40 on all sensors, Adam"

    def run(
        self, data: Dataset, seed: int, directory: Path | None, iterations: int | None
    ) -> tuple[Operator, History | None]:
        channels = len(data.signature.output.channels)
        with initialised(seed):
            sensors = sensors_of(data, per_axis=None)
            width = 40 * channels
            branch = NetworkBranch(sensors, MLP([sensors.width, 40, width], nn.ReLU()), width)
            network = MLP([data.output_domain.dimension, 40, width], nn.ReLU(), nn.ReLU())
            trunk = NetworkTrunk(network, width, CoordinateScaling.box(data.output_domain))
            operator = DeepONet(data.signature, data.output_domain, branch, trunk)
        sampler: Sampler = CartesianPoints(256, 1000) if data.query is None else PairedPoints(1000, 1)
        optimizer = adam(operator, 1e-3)
        settings = Settings(seed=seed, checkpoints=None if directory is None else Checkpoints(directory))
        history = fit(
            operator, data, sampler=sampler, iterations=iterations or 10000, optimizer=optimizer, settings=settings
        )
        return operator, history


class FromCatalogue(Recipe):
    """Any operator of the catalogue: normalised by the data, AdamW with one cycle, relative L2 error."""

    title = "operator of the catalogue"
    summary = "any name of the catalogue; normalised by the data, AdamW with one cycle on the relative L2 error"

    def __init__(self, name: str) -> None:
        self.name = name

    def run(
        self, data: Dataset, seed: int, directory: Path | None, iterations: int | None
    ) -> tuple[Operator, History | None]:
        some = torch.arange(min(len(data), 256))
        with initialised(seed):
            operator = Operator.build(data.signature, self.name, data.output_domain)
            operator = operator.adapted(data.inputs(some), data.outputs(some))
        if operator.parameter_count == 0:
            return operator, None  # a baseline, such as the identity
        checkpoints = None if directory is None else Checkpoints(directory)
        history = fit_one_cycle(
            operator, data, iterations or 2000, settings=Settings(seed=seed, checkpoints=checkpoints)
        )
        return operator, history


RECIPES: dict[str, type[Recipe]] = {
    recipe.name: recipe for recipe in (PODLinear, PODLinearByError, LinearSine, Acoustic, PlainDeepONet)
}


def recipe_named(name: str) -> Recipe:
    """The recipe `name`, or one for the operator `name` of the catalogue; raises UnknownNameError with the nearest."""
    if name in RECIPES:
        return RECIPES[name]()
    from fredholm.operators.catalogue import OPERATORS, preset_named

    if name.partition("/")[0] not in OPERATORS:
        raise UnknownNameError("operator", name, {*RECIPES, *OPERATORS})
    preset_named(name)
    return FromCatalogue(name)


def sensors_of(data: Dataset, per_axis: int | None, scale: float = 1.0) -> Sensors:
    """Sensors for all inputs of a data set: functions on grids at `per_axis` points an axis (all, if None)."""
    parts: list[Sensors] = []
    for name, entry in data.signature.inputs.items():
        if not isinstance(entry, Function):
            parts.append(ParameterSensors(name, len(entry.components), scale))
            continue
        if name not in data.input_domains:
            raise DataError(f"the data set does not say on which domain its input {name!r} lives: pass input_domains")
        domain = data.input_domains[name]
        at = None if per_axis is None else _coarse(domain, per_axis)
        parts.append(FunctionSensors(name, domain, at, len(entry.channels), scale))
    return parts[0] if len(parts) == 1 else Concatenated(parts)


def wave_trunk(data: Dataset, width: int, hidden: int, layers: int) -> NetworkTrunk:
    """Gated sine trunk with the scaling and Fourier features of waves; raises DataError for data of no wave problem."""
    parameters = data.problem.get("parameters", {})
    if "sound_speed" not in parameters:
        raise DataError(
            "this operator needs data of a wave problem, with a sound speed: use 'pod-linear' or 'deeponet'"
        )
    speed, highest = parameters["sound_speed"], parameters["highest_frequency"]
    features = FourierFeatures([highest / speed / divisor for divisor in (1, 2, 3)])
    inputs = features.width(data.output_domain.dimension)
    network = ModifiedMLP([inputs, *[hidden] * layers, width])
    return NetworkTrunk(network, width, CoordinateScaling.waves(data.output_domain, speed), features)


def descend(
    operator: Operator, data: Dataset, sampler: Sampler, iterations: int, seed: int, directory: Path | None
) -> History:
    """Adam at 1e-3, falling by a tenth every eighth of the run, gradients clipped to 0.01."""
    optimizer = adam(operator, 1e-3)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9 ** (8 / iterations))
    checkpoints = None if directory is None else Checkpoints(directory)
    settings = Settings(seed=seed, checkpoints=checkpoints, clip=0.01)
    return fit(
        operator,
        data,
        sampler=sampler,
        iterations=iterations,
        optimizer=optimizer,
        schedule=schedule,
        settings=settings,
    )


def _coarse(domain: Domain, per_axis: int) -> Domain | None:
    """A coarser grid on the same box, its masked points left out; None where the domain is no finer than that."""
    if not isinstance(domain, Grid) or max(domain.shape) <= per_axis:
        return None
    axes = [Axis(a.name, a.lower, a.upper, min(per_axis, a.size), a.units, a.periodic) for a in domain.axes]
    grid = Grid(*axes)
    if domain.mask is None:
        return grid
    points = grid.coordinates()
    names = tuple(axis.name for axis in axes)
    return PointCloud(points[domain.contains(points)], names, tuple(axis.units for axis in axes))


def _separable(domain: Domain) -> bool:
    parts = [domain.first, domain.second] if isinstance(domain, Product) else [domain]
    return all(isinstance(part, Grid) and min(part.shape) >= 4 for part in parts)
