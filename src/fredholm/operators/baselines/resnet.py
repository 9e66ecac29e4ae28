"""A residual convolutional network that keeps the grid: the plainest way from images of a state to the next.

    block:    x ↦ P x + K₂ * dropout-then-GELU(K₁ * x)      K: kernels of 7 pixels, values continued beyond the edge
    network:  block(inputs → width), blocks(width → width), block(width → outputs)

where P is the identity, or a matrix where channels change. Kernels count pixels: on another grid it is another map.

Sources: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023
(hidden width 64, width 16, 4 blocks, dropout 0.2); He, Zhang, Ren, Sun 2016 for the idea.
"""

from itertools import pairwise
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.layers.convolution import CONVOLUTIONS
from fredholm.operators.grid_network import GridNetwork


class ResNet(GridNetwork):
    """Residual blocks of two large convolutions.

    Args:
        inputs, outputs: channels.
        dimension: of the grid.
        width: channels between blocks.
        hidden: channels inside a block.
        blocks: between the first and the last, which change the channels.
        size: pixels of a kernel along an axis, odd.
        dropout: probability with which a hidden value is left out in training.

    >>> import torch
    >>> ResNet(3, 1, dimension=2, width=4, hidden=8, blocks=1)(torch.zeros(2, 3, 8, 8)).shape
    torch.Size([2, 1, 8, 8])
    """

    agnostic: ClassVar[bool] = False
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(
        self,
        inputs: int,
        outputs: int,
        dimension: int = 2,
        width: int = 16,
        hidden: int = 64,
        blocks: int = 4,
        size: int = 7,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs, self.size, self.dimension = inputs, outputs, size, dimension
        widths = [inputs, *[width] * (blocks + 1), outputs]
        self.blocks = nn.Sequential(*(_Block(dimension, a, hidden, b, size, dropout) for a, b in pairwise(widths)))

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        answer: Tensor = self.blocks(values)
        return answer

    def require(self, domain: Domain) -> None:
        super().require(domain)
        if len(domain.shape) != self.dimension:
            raise SignatureError(f"this ResNet is made for {self.dimension}-D grids, and {domain!r} is none")


class _Block(nn.Module):
    def __init__(self, dimension: int, inputs: int, hidden: int, outputs: int, size: int, dropout: float) -> None:
        super().__init__()
        convolution, reach = CONVOLUTIONS[dimension], size // 2
        self.first = convolution(inputs, hidden, size, padding=reach, padding_mode="replicate")
        self.second = convolution(hidden, outputs, size, padding=reach, padding_mode="replicate")
        self.between = nn.Sequential(nn.Dropout(dropout), nn.GELU())
        self.shortcut = nn.Identity() if inputs == outputs else convolution(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.shortcut(x) + self.second(self.between(self.first(x)))
        return y
