"""A network that works on patches of the grid and their coarser views, one patch a sample.

    G(u) = unpatch(network(patch(u)))

Memory of the network's activations falls by the area of the domain over that of a patch. Coordinates are channels of u
before it is cut, so that a patch knows where it lies.

Source: Kossaifi, Kovachki, Azizzadenesheli, Anandkumar 2023, "Multi-grid tensorized Fourier neural operator for
high-resolution PDEs" (MG-TFNO: this with a tensorised FNO).
"""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.operators.fourier.patching import MultigridPatching
from fredholm.operators.grid_network import GridNetwork


class PatchedNetwork(GridNetwork):
    """Any grid network, on patches.

    Args:
        network: of as many inputs as a patch has channels: `patching.views` times those of the field.
        patching: how fields are cut.

    Raises SignatureError where the channels do not fit. The extent of a patch's views is in patches, but their spacing
    follows the grid; the network therefore answers for the grid that it was trained on.
    """

    agnostic: ClassVar[bool] = False
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(self, network: GridNetwork, patching: MultigridPatching) -> None:
        super().__init__()
        if network.inputs % patching.views:
            raise SignatureError(
                f"{type(network).__name__} has {network.inputs} inputs; patches of {patching.levels} levels have a "
                f"multiple of {patching.views} channels"
            )
        self.network, self.patching = network, patching
        self.inputs, self.outputs = network.inputs // patching.views, network.outputs

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        answers = self.network(self.patching.patch(values))
        return self.patching.unpatch(answers, values.shape[2:])

    def require(self, domain: Domain) -> None:
        super().require(domain)
        self.patching.require(domain.shape)
