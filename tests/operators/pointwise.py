"""The simplest grid network: one linear map of the channels, point by point, for tests of what surrounds networks."""

from typing import ClassVar

from torch import Tensor, nn

from fredholm.operators.grid_network import GridNetwork


class PointwiseLinear(GridNetwork):
    agnostic: ClassVar[bool] = True
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        self.map = nn.Linear(inputs, outputs)

    def forward(self, values: Tensor) -> Tensor:
        mapped: Tensor = self.map(values.movedim(1, -1))
        return mapped.movedim(-1, 1)


class GridBound(PointwiseLinear):
    agnostic: ClassVar[bool] = False
