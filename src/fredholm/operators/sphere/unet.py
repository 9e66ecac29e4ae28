"""U-Net on the sphere: convolutions that go around longitudes and over the poles, at four scales of one width.

    block:   x ↦ B(σ(kernel * pad x)),  + x if the channels stay            B: batch norm
    down:    s₁ = block⁷(u),   sₖ₊₁ = block³(block³(max-pool sₖ))
    up:      x = block³(block³(s₄)),   x ← block³(block³(upsampled x + sₖ)),   G(u) = 1x1 x

Skips are added, not appended, and all scales have the same width. Pixels are counted in kernels and pooling, so that a
trained network is bound to its grid.

Source: Benson, Bastos, Reimers, Winkler, Yang, Reichstein, "Atmospheric transport modeling of CO2 with neural
networks", Journal of Advances in Modeling Earth Systems 17 (2025). There the poles are padded with zeros, and every
grid is resampled to a finer one; here only those that cannot be halved often enough.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.sphere_grid import SphereGrid
from fredholm.layers.architecture import Described
from fredholm.layers.spherical_padding import HalfTurn, SphericalPadding, resampled
from fredholm.operators.grid_network import GridNetwork


class SphericalUNet(GridNetwork):
    """U-Net on grids of latitudes and longitudes; it commutes with rotations by 2^(stages - 1) longitudes.

    Args:
        inputs, outputs: channels.
        width: channels between, on all scales.
        stages: number of scales, each half as fine as the one before.
        padding: what lies beyond the poles; `HalfTurn()` if not given.
        activation: σ, leaky ReLU if not given.

    >>> SphericalUNet(1, 2, width=4, stages=3)(torch.zeros(3, 1, 8, 16)).shape
    torch.Size([3, 2, 8, 16])
    """

    agnostic: ClassVar[bool] = False
    dimensions: ClassVar[frozenset[int]] = frozenset({2})

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int = 64,
        stages: int = 4,
        padding: SphericalPadding | None = None,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs, self.multiple = inputs, outputs, 2**stages
        self.padding, activation = padding or HalfTurn(), activation or nn.LeakyReLU()

        def pair() -> nn.Sequential:
            return nn.Sequential(*(_Block(width, width, 3, self.padding, activation) for _ in range(2)))

        first = _Block(inputs, width, 7, self.padding, activation)
        self.down = nn.ModuleList([first, *(pair() for _ in range(stages - 1))])
        self.up = nn.ModuleList(pair() for _ in range(stages))
        self.pool = nn.MaxPool2d(2)
        self.expand = nn.Upsample(scale_factor=2)
        self.projection = nn.Conv2d(width, outputs, 1, bias=False)

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        latitudes, longitudes = values.shape[-2:]
        hidden = resampled(values, self._whole(latitudes), self._whole(longitudes))
        hidden = hidden.contiguous(memory_format=torch.channels_last)  # a third off the time of the convolutions
        skips: list[Tensor] = []
        for block in self.down:
            hidden = block(self.pool(hidden) if skips else hidden)
            skips.append(hidden)
        skips.pop()
        for block in self.up:
            hidden = block(hidden)
            if skips:
                hidden = self.expand(hidden) + skips.pop()
        answer: Tensor = self.projection(resampled(hidden, latitudes, longitudes))
        return answer

    def require(self, domain: Domain) -> None:
        super().require(domain)
        if not isinstance(domain, SphereGrid):
            raise SignatureError(f"{type(self).__name__} lives on the sphere: expected a SphereGrid, got {domain!r}")
        self.padding.require(domain, type(self).__name__, 3)

    def _whole(self, size: int) -> int:
        """The next length whose coarsest scale still has an even number of points."""
        return -(-size // self.multiple) * self.multiple


class _Block(nn.Module, Described):
    def __init__(
        self, inputs: int, outputs: int, kernel: int, padding: SphericalPadding, activation: nn.Module
    ) -> None:
        super().__init__()
        self.padding, self.reach, self.same = padding, kernel // 2, inputs == outputs
        self.convolution = nn.Conv2d(inputs, outputs, kernel, bias=False)
        self.activation = activation
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, values: Tensor) -> Tensor:
        hidden: Tensor = self.norm(self.activation(self.convolution(self.padding(values, self.reach))))
        return values + hidden if self.same else hidden
