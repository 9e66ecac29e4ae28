"""The tiny network for deblurring: three wide convolutions, and one that adds them up.

    x ↦ x + tanh(C₁(h₃)),   hₗ = ReLU(norm(C(hₗ₋₁))),   kernels of 9, 5, 3 points, then 1;  h₀ = x

norm is batch normalisation. Without the residual the answer is ReLU(C₁(h₃)), as in the published runs.

Source: Morotti, Evangelista, Loli Piccolomini, "A green prospective for learned post-processing in sparse-view
tomographic reconstruction", 2021 (3L-SSNet); Evangelista, Loli Piccolomini, Morotti, Nagy, "Ambiguity in solving
imaging inverse problems with deep-learning-based operators", 2023.
"""

from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.convolution import Convolution
from fredholm.operators.grid_network import GridNetwork


class ThreeLayerNetwork(GridNetwork):
    """3L-SSNet on grids of two axes.

    Args:
        inputs, outputs: channels, equal ones for the residual.
        width: channels of the three layers; 128 in the paper.
        periodic: for each axis, whether it closes on itself, as circular blur does.
        residual: x + tanh(.), or ReLU(.) alone.

    >>> import torch
    >>> ThreeLayerNetwork(width=4)(torch.zeros(2, 1, 16, 16)).shape
    torch.Size([2, 1, 16, 16])
    """

    agnostic: ClassVar[bool] = False
    dimensions: ClassVar[frozenset[int]] = frozenset({2})

    def __init__(
        self,
        inputs: int = 1,
        outputs: int = 1,
        width: int = 128,
        periodic: Sequence[bool] = (True, True),
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs, self.residual = inputs, outputs, residual
        layers: list[nn.Module] = []
        for before, size in ((inputs, 9), (width, 5), (width, 3)):
            convolution = Convolution(before, width, size, periodic, bias=False)
            layers += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
        self.layers = nn.Sequential(*layers, Convolution(width, outputs, 1, periodic))

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        change: Tensor = self.layers(values)
        return values + change.tanh() if self.residual else change.relu()


class ResidualTanh(nn.Module, Described):
    """x ↦ x + tanh(network(x)): corrections of size at most 1, for any network on a grid such as a U-Net."""

    def __init__(self, network: GridNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, values: Float[Tensor, "batch channels *shape"]) -> Float[Tensor, "batch channels *shape"]:
        return values + self.network(values).tanh()
