"""A trained network as the direction of a solver, and on disk without pickle.

One safetensors file holds the weights, and in its header the architecture as JSON (`layers.architecture`), from which
nothing is executed.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from fredholm.errors import ArtifactError, DamagedFileError, FredholmError, MissingTensorError, OperatorShapeError
from fredholm.inverse.direction_network import DirectionNetwork
from fredholm.layers.architecture import build, describe


class LearnedDirection:
    """A network as a map from a residual to a direction, for one right-hand side at a time.

    Args:
        network: it computes in its own precision, on its own device.
        cells: shape of the box, for residuals that are flat vectors; that of the residual, if not given.

    >>> direction = LearnedDirection(DirectionNetwork(dim=2, channels=4, levels=2, pairs=1))
    >>> direction(np.ones((8, 8))).shape
    (8, 8)
    """

    def __init__(self, network: DirectionNetwork, cells: tuple[int, ...] | None = None) -> None:
        self.network, self.cells = network.eval(), cells

    def __call__(self, residual: Any) -> Any:
        """A direction of the shape and kind of the residual; OperatorShapeError, if that is not one box of cells."""
        values = torch.as_tensor(residual)
        cells = self.cells or tuple(values.shape)
        if len(cells) != self.network.dim or values.numel() != np.prod(cells):
            raise OperatorShapeError(
                f"a direction network in {self.network.dim}-D got a residual of shape {tuple(values.shape)}; for flat "
                "vectors pass LearnedDirection(network, cells=...)"
            )
        with torch.no_grad():
            made: Tensor = self.network(values.to(next(self.network.parameters())).reshape(1, *cells))
        made = made.reshape(values.shape).to(values.device, torch.float64)
        return made.numpy() if isinstance(residual, ndarray) else made


def save_direction(network: DirectionNetwork, path: str | Path) -> None:
    """Write a network as one safetensors file; raises ArtifactError for weights that are not finite."""
    from safetensors.torch import save_file

    weights = {name: weight.detach().cpu().contiguous() for name, weight in network.state_dict().items()}
    for name, weight in weights.items():
        if not bool(torch.isfinite(weight).all()):
            raise ArtifactError(f"weight {name!r} is not finite: a network that diverged is not saved")
    save_file(weights, path, metadata={"architecture": json.dumps(describe(network))})


def load_direction(path: str | Path) -> DirectionNetwork:
    """The network that `save_direction` wrote.

    Raises DamagedFileError, ArtifactError or MissingTensorError, naming the file and what is wrong with it.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            metadata, weights = file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        network = build(json.loads(metadata["architecture"]))
    except (OSError, SafetensorError) as error:
        raise DamagedFileError(f"{path} is no safetensors file: {error}") from error
    except (KeyError, TypeError, ValueError, FredholmError) as error:
        raise ArtifactError(f"{path} does not say the architecture of a direction network: {error!r}") from error
    if not isinstance(network, DirectionNetwork):
        raise ArtifactError(f"{path} holds {type(network).__name__}; expected a DirectionNetwork")
    expected = network.state_dict()
    for name in sorted(set(expected) | set(weights)):
        if name not in weights or name not in expected or weights[name].shape != expected[name].shape:
            raise MissingTensorError(f"{path}: tensor {name!r} is not the one that the architecture expects")
        if not bool(torch.isfinite(weights[name]).all()):
            raise DamagedFileError(f"{path}: tensor {name!r} is not finite")
    network.load_state_dict(weights)
    return network.eval()
