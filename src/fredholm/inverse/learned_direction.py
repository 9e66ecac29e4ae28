"""A trained network as the direction of a solver.

`fredholm.deploy.save_network` and `load_network` keep the network on disk, as JSON and safetensors.
"""

from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from fredholm.errors import OperatorShapeError
from fredholm.inverse.direction_network import DirectionNetwork


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
