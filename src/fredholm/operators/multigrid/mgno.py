"""MgNO: a fully connected network whose neurons are functions and whose weights are multigrid V-cycles.

    u₀ = f        uᵢ = σ(Vᵢ uᵢ₋₁ + Cᵢ uᵢ₋₁ + bᵢ),  i = 1, ..., L        G(f) = C u_L

Vᵢ are V-cycles (`layers.multigrid`), Cᵢ and C matrices between channels. Nothing lifts the inputs to channels or
projects back; every layer couples all points, and its boundary conditions are those of its stencils.

Source: He, Liu, Xu, "MgNO: efficient parameterization of linear operators via multigrid", ICLR 2024.
"""

from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.layers.multigrid import MultigridLinear
from fredholm.layers.v_cycle import VCycle
from fredholm.operators.grid_network import GridNetwork


class MgNO(GridNetwork):
    """Layers of V-cycles, each followed by a nonlinearity.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        shape: of the grid, in 1-D, 2-D or 3-D.
        width: channels between the layers.
        layers: L.
        cycle: grids, boundaries and smoothings of the V-cycles.
        activation: σ; GELU by default.
        pointwise: whether there are Cᵢ and bᵢ; without them let the V-cycles have a bias.

    The stencils reach as far in points, not in space, whatever the grid: on another grid the same weights are another
    operator, so the network is bound to its shape. Raises SignatureError for a shape that cannot be coarsened.

    >>> import torch
    >>> MgNO(1, 1, (64, 64), width=16)(torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 1, 64, 64])
    """

    agnostic: ClassVar[bool] = False
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(
        self,
        inputs: int,
        outputs: int,
        shape: Sequence[int],
        width: int = 24,
        layers: int = 4,
        cycle: VCycle | None = None,
        activation: nn.Module | None = None,
        pointwise: bool = True,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs, self.shape = inputs, outputs, tuple(shape)
        self.activation = activation or nn.GELU()
        given = [inputs] + [width] * (layers - 1)
        self.linear = nn.ModuleList(MultigridLinear(count, width, shape, cycle) for count in given)
        self.pointwise = nn.ModuleList(nn.Linear(count, width) for count in given if pointwise)
        self.last = nn.Linear(width, outputs, bias=False)

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        if len(self.pointwise):
            for linear, pointwise in zip(self.linear, self.pointwise, strict=True):
                values = self.activation(linear(values).add_(_at_every_point(pointwise, values)))
        else:
            for linear in self.linear:
                values = self.activation(linear(values))
        return _at_every_point(self.last, values)

    def require(self, domain: Domain) -> None:
        super().require(domain)
        for axis, expected in zip(grid_axes(domain), self.shape, strict=True):
            if axis.size != expected:
                raise SignatureError(
                    f"axis {axis.name!r} has {axis.size} points and this MgNO's V-cycles were made for {expected}: "
                    "stencils reach a number of points, not a distance; make one for this shape, or interpolate"
                )


def _at_every_point(matrix: nn.Module, values: Tensor) -> Tensor:
    """A matrix on the channels, which lie next to each other in memory."""
    mixed: Tensor = matrix(values.movedim(1, -1))
    return mixed.movedim(-1, 1)
