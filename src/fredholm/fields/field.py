"""Fields: values of named quantities on a domain.

A field is what an operator maps to and from. It integrates, takes norms by the domain's quadrature, interpolates onto
another domain, and converts to and from NumPy and xarray.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import DomainType, Function, Quantity

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Field:
    """Values (*batch, channels, *domain.shape) of `quantities` on `domain`.

    >>> from fredholm.fields.grid import Axis, Grid
    >>> line = Grid(Axis("x", 0.0, 1.0, 101))
    >>> u = Field(line.coordinates().T, line, (Quantity("u", "Pa"),))
    >>> round(float(u.integral()), 6)
    0.5
    """

    values: Tensor
    domain: Domain
    quantities: tuple[Quantity, ...]

    def __post_init__(self) -> None:
        expected = (len(self.quantities), *self.domain.shape)
        if tuple(self.values.shape[-len(expected) :]) != expected:
            names = [quantity.name for quantity in self.quantities]
            raise SignatureError(
                f"field values have shape {tuple(self.values.shape)}; expected (..., {', '.join(map(str, expected))}) "
                f"for the channels {names} on {self.domain!r}"
            )

    @property
    def flat(self) -> Float[Tensor, "*batch channels n"]:
        """The values with the domain's axes flattened to one."""
        return self.values.flatten(self.values.ndim - len(self.domain.shape))

    @property
    def function(self) -> Function:
        """The entry that describes this field in a signature."""
        return Function(self.quantities, DomainType.of(self.domain))

    def integral(self) -> Float[Tensor, "*batch channels"]:
        """∫ u over the domain, for each channel."""
        return self.domain.integrate(self.flat)

    def l2_norm(self) -> Float[Tensor, "*batch channels"]:
        """‖u‖ = (∫ u²)^½, for each channel."""
        return self.domain.integrate(self.flat.square()).sqrt()

    def at(self, points: Float[Tensor, "m d"]) -> Float[Tensor, "*batch channels m"]:
        """Values at scattered points by the domain's stencil; raises OutsideDomainError."""
        return self.domain.stencil(points).apply(self.flat)

    def on(self, domain: Domain) -> "Field":
        """This field interpolated onto another domain."""
        values = self.at(domain.coordinates())
        return Field(values.reshape(*values.shape[:-1], *domain.shape), domain, self.quantities)

    def numpy(self) -> Any:
        """The values as a NumPy array."""
        return self.values.detach().cpu().numpy()
