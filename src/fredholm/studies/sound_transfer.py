"""From one room to the next: the part of the study on transfer, with small networks of the published kind.

A network that has learned a room of 3 m x 3 m goes on in one of 2 m x 2 m, with three sources to a wavelength in place
of five and its first layers held, for a quarter of the steps; beside it one that begins from nothing. Pulses to 400 Hz,
10 ms, 144 sources on a lattice in the large room, 16 in the small one, 12 at random to test.
"""

from dataclasses import replace
from typing import Any

from fredholm.data.dataset import Dataset
from fredholm.data.sampling import CartesianPoints
from fredholm.evaluation import Target, measure
from fredholm.layers.perceptron import ModifiedMLP, initialised
from fredholm.operators.deeponet import DeepONet, NetworkBranch
from fredholm.operators.operator import Operator
from fredholm.problems import Box, RandomSources, Recording, Room, SourceLattice
from fredholm.studies.solved_rooms import predicted, solved
from fredholm.studies.study import Budget, Run
from fredholm.training.recipes import descend, sensors_of, wave_trunk
from fredholm.training.transfer import PUBLISHED_FREEZE, transfer

_STEPS = {Budget.QUICK: 400, Budget.FULL: 20000}
_HIDDEN, _LAYERS, _TERMS = 64, 3, 32
_SOURCES, _POINTS = 16, 300


def transfer_results(run: Run) -> tuple[dict[str, Any], tuple[Target, ...]]:
    """Measured relative L2 errors in the small room, and the target."""
    steps, seed = _STEPS[run.budget], run.seed
    recording = Recording(0.01, 0.0005)
    large = Room(Box((3.0, 3.0)), SourceLattice(12), 400.0, spacing=0.075, recording=recording, margin=0.55)
    small = Room(Box((2.0, 2.0)), SourceLattice(4), 400.0, spacing=0.0625, recording=recording, margin=0.55)
    source_data, data = solved(large, 144, seed), solved(small, 16, seed)
    test = solved(replace(small, sources=RandomSources()), 12, seed + 1)
    run.say(f"  transfer: a room of 3 m, then one of 2 m, {steps} steps")
    source = _network(source_data, seed)
    _fit(source, source_data, steps, seed)
    errors = {}
    for name, count in (("from scratch, all steps", steps), ("from scratch, a quarter", steps // 4)):
        fresh = _network(data, seed)
        _fit(fresh, data, count, seed)
        errors[name] = _error(fresh, test)
    moved = _network(data, seed)
    transfer(source, moved, PUBLISHED_FREEZE)
    _fit(moved, data, steps // 4, seed)
    errors["transferred, a quarter"] = _error(moved, test)
    ratio = errors["transferred, a quarter"] / errors["from scratch, all steps"]
    measured = {f"transfer: {name}": {"relative_l2": value} for name, value in errors.items()}
    return measured, (Target("transfer: error after a quarter / from scratch after all", ratio, "<=", 1.0),)


def _network(data: Dataset, seed: int) -> DeepONet:
    """The published network, small."""
    with initialised(seed):
        sensors = sensors_of(data, per_axis=6, scale=0.5)
        branch = NetworkBranch(sensors, ModifiedMLP([sensors.width, *[_HIDDEN] * _LAYERS, _TERMS]), _TERMS)
        return DeepONet(data.signature, data.output_domain, branch, wave_trunk(data, _TERMS, _HIDDEN, _LAYERS))


def _fit(operator: Operator, data: Dataset, steps: int, seed: int) -> None:
    descend(operator, data, CartesianPoints(min(_SOURCES, len(data)), _POINTS), steps, seed, None)


def _error(operator: Operator, data: Dataset) -> float:
    return measure(lambda samples: predicted(operator, data, samples), data).mean
