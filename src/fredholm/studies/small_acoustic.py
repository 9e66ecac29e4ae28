"""The published acoustic network at a size that learns something in seconds."""

from fredholm.data.dataset import Dataset
from fredholm.data.sampling import CartesianPoints
from fredholm.evaluation import measure
from fredholm.layers.perceptron import ModifiedMLP, initialised
from fredholm.operators.deeponet import DeepONet, NetworkBranch
from fredholm.operators.operator import Operator
from fredholm.studies.solved_rooms import predicted
from fredholm.training.recipes import descend, sensors_of, wave_trunk

_HIDDEN, _LAYERS, _TERMS = 64, 3, 32
_SOURCES, _POINTS = 16, 300


def small_network(data: Dataset, seed: int) -> DeepONet:
    """Gated sine branch and trunk with Fourier features, untrained."""
    with initialised(seed):
        sensors = sensors_of(data, per_axis=6, scale=0.5)
        branch = NetworkBranch(sensors, ModifiedMLP([sensors.width, *[_HIDDEN] * _LAYERS, _TERMS]), _TERMS)
        return DeepONet(data.signature, data.output_domain, branch, wave_trunk(data, _TERMS, _HIDDEN, _LAYERS))


def descended(operator: DeepONet, data: Dataset, steps: int, seed: int) -> DeepONet:
    """The operator after so many steps of 16 sources at 300 points that they share."""
    descend(operator, data, CartesianPoints(min(_SOURCES, len(data)), _POINTS), steps, seed, None)
    return operator


def error_of(operator: Operator, data: Dataset) -> float:
    """Mean relative L2 error of fields."""
    return measure(lambda samples: predicted(operator, data, samples), data).mean
