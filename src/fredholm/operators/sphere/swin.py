"""Shifted-window transformer on the sphere, on one scale.

    v₀ = norm(P u),     v ← v + norm(A v),     v ← v + norm(M v),     G(u) = Q v_L

A is attention within windows (`WindowAttention`), in every other block shifted by half a window; M a pointwise network
with one hidden layer of four times the width. Norms stand after the parts and start at zero, so that every block starts
as the identity.

Sources: Liu et al., "Swin transformer V2: scaling up capacity and resolution", CVPR 2022; on the sphere with one
token a point as in Benson, Bastos, Reimers, Winkler, Yang, Reichstein, "Atmospheric transport modeling of CO2 with
neural networks", Journal of Advances in Modeling Earth Systems 17 (2025).
"""

from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.sphere_grid import SphereGrid
from fredholm.layers.architecture import Described
from fredholm.layers.window_attention import WindowAttention
from fredholm.operators.grid_network import GridNetwork


class SphericalSwin(GridNetwork):
    """Swin transformer on grids that its windows divide; it commutes with rotations by the length of a window.

    Args:
        inputs, outputs: channels.
        width: channels between.
        layers: number of blocks.
        heads: of attention, a divisor of the width.
        window: latitudes and longitudes of a window.
        activation: of M, GELU if not given.

    >>> import torch
    >>> SphericalSwin(1, 2, width=8, layers=2, heads=2)(torch.zeros(3, 1, 8, 16)).shape
    torch.Size([3, 2, 8, 16])
    """

    agnostic: ClassVar[bool] = False
    dimensions: ClassVar[frozenset[int]] = frozenset({2})

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int = 64,
        layers: int = 4,
        heads: int = 8,
        window: Sequence[int] = (4, 8),
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        activation = activation or nn.GELU()
        self.lifting = nn.Sequential(nn.Linear(inputs, width), nn.LayerNorm(width))
        self.blocks = nn.ModuleList(_Block(width, heads, window, bool(i % 2), activation) for i in range(layers))
        self.projection = nn.Linear(width, outputs, bias=False)

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        hidden = self.lifting(values.permute(0, 2, 3, 1))
        for block in self.blocks:
            hidden = block(hidden)
        answer: Tensor = self.projection(hidden)
        return answer.permute(0, 3, 1, 2)

    def require(self, domain: Domain) -> None:
        super().require(domain)
        if not isinstance(domain, SphereGrid):
            raise SignatureError(f"{type(self).__name__} lives on the sphere: expected a SphereGrid, got {domain!r}")
        for part in self.modules():
            if isinstance(part, WindowAttention):
                part.require(domain, type(self).__name__)


class _Block(nn.Module, Described):
    def __init__(self, width: int, heads: int, window: Sequence[int], shifted: bool, activation: nn.Module) -> None:
        super().__init__()
        self.attention = WindowAttention(width, heads, window, shifted)
        self.attention_norm = _quiet_norm(width)
        self.pointwise = nn.Sequential(nn.Linear(width, 4 * width), activation, nn.Linear(4 * width, width))
        self.pointwise_norm = _quiet_norm(width)

    def forward(self, values: Tensor) -> Tensor:
        values = values + self.attention_norm(self.attention(values))
        return values + self.pointwise_norm(self.pointwise(values))


def _quiet_norm(width: int) -> nn.LayerNorm:
    """A norm that starts as zero."""
    norm = nn.LayerNorm(width)
    nn.init.zeros_(norm.weight)
    return norm
