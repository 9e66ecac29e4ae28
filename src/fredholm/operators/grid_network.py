"""Networks on grids: maps between channels, which `GridOperator` makes operators of.

    (batch, inputs, *shape)  ->  (batch, outputs, *shape)

A grid network knows nothing of names, units or queries; that is the operator's part. It says on which grids it works,
and whether its weights mean the same on all of them: a network is *agnostic* to the discretisation if, on finer and
finer grids, its answers converge to those of one operator between functions.

Source of the distinction: Kovachki, Li, Liu, Azizzadenesheli, Bhattacharya, Stuart, Anandkumar, "Neural operator:
learning maps between function spaces", JMLR 24 (2023), section 2.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.layers.architecture import Described


class GridNetwork(nn.Module, Described, ABC):
    """A map between channels on a regular grid.

    A subclass sets `inputs` and `outputs`, the numbers of channels, declares `agnostic` and `dimensions`, and writes
    `forward`; where not every grid will do it extends `require`.
    """

    agnostic: ClassVar[bool]
    dimensions: ClassVar[frozenset[int]]
    inputs: int
    outputs: int

    @abstractmethod
    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        """The output channels."""

    def require(self, domain: Domain) -> None:
        """Raise SignatureError naming what of `domain` this network cannot work on."""
        if len(domain.shape) not in self.dimensions:
            can = " or ".join(f"{d}-D" for d in sorted(self.dimensions))
            raise SignatureError(
                f"{type(self).__name__} works on {can} grids, and {domain!r} has {len(domain.shape)} axes"
            )
