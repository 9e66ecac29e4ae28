"""Domain padding: a network for periodic functions on a larger box, of which only the given part is kept.

    G(u) = crop(network(u continued by zeros into a margin around the box))

A Fourier basis takes the box for a torus, on which what leaves on one side comes in on the other. A margin of zeros
keeps the sides apart.

Source: Li, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar, "Fourier neural operator for parametric
partial differential equations", ICLR 2021, appendix A.3.
"""

from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.operators.grid_network import GridNetwork


class PaddedNetwork(GridNetwork):
    """A grid network that sees a margin of zeros around the box.

    Args:
        network: works on the larger grid; it is not told of one, so it should be agnostic, as FNO is.
        margins: width of the margin at both ends of each axis, as a fraction of the axis; 0 where it is periodic.

    Margins are rounded to points, so that on another grid the same weights see a slightly different box.

    >>> import torch
    >>> from fredholm.operators.fourier import FNO
    >>> padded = PaddedNetwork(FNO(1, 1, modes=(8, 8), width=8, layers=2), margins=(0.1, 0.1))
    >>> padded(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 1, 32, 32])
    """

    agnostic: ClassVar[bool] = False
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(self, network: GridNetwork, margins: Sequence[float]) -> None:
        super().__init__()
        if not all(0 <= margin < 1 for margin in margins):
            raise ValueError(f"margins are fractions of their axes, at least 0 and below 1; got {tuple(margins)}")
        self.network, self.margins = network, tuple(margins)
        self.inputs, self.outputs = network.inputs, network.outputs

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        shape = values.shape[2:]
        widths = [round(margin * size) for margin, size in zip(self.margins, shape, strict=True)]
        answer: Tensor = self.network(
            functional.pad(values, [end for width in reversed(widths) for end in (width,) * 2])
        )
        for axis, (width, size) in enumerate(zip(widths, shape, strict=True), start=2):
            answer = answer.narrow(axis, width, size)
        return answer

    def require(self, domain: Domain) -> None:
        super().require(domain)
        self.network.require(domain)
        if len(self.margins) != len(domain.shape):
            raise SignatureError(f"{len(self.margins)} margins for the {len(domain.shape)} axes of {domain!r}")
