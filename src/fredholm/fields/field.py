"""Fields: values of named quantities on a domain.

A field is what an operator maps to and from. It integrates, takes norms by the domain's quadrature, interpolates onto
another domain, and converts to and from NumPy and xarray.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import DomainType, Function, Quantity

if TYPE_CHECKING:
    import xarray

    from fredholm.fields.film import Film
    from fredholm.fields.pictures import Picture


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
        """This field interpolated onto another domain: spectrally between periodic grids, else by stencils."""
        from fredholm.fields.grid import Grid
        from fredholm.fields.spectral import periodic_twins, resample

        if isinstance(self.domain, Grid) and isinstance(domain, Grid) and periodic_twins(self.domain, domain):
            return Field(resample(self.values, self.domain, domain), domain, self.quantities)
        values = self.at(domain.coordinates())
        return Field(values.reshape(*values.shape[:-1], *domain.shape), domain, self.quantities)

    def numpy(self) -> Any:
        """The values as a NumPy array."""
        return self.values.detach().cpu().numpy()

    @classmethod
    def from_numpy(cls, values: Any, domain: Domain, quantities: tuple[Quantity, ...]) -> "Field":
        """A copy of an array (*batch, channels, *domain.shape); raises SignatureError for another shape or dtype.

        >>> import numpy as np
        >>> from fredholm.fields.grid import Axis, Grid
        >>> Field.from_numpy(np.ones((1, 3)), Grid(Axis("x", 0.0, 1.0, 3)), (Quantity("u"),)).integral().tolist()
        [1.0]
        """
        import numpy as np

        array = np.asarray(values)
        if array.dtype.kind != "f":
            raise SignatureError(f"field values are {array.dtype}; expected real floats: convert them with astype")
        native = array.astype(array.dtype.newbyteorder("="))
        return cls(torch.from_numpy(native), domain, quantities)

    def to_xarray(self) -> "xarray.DataArray":
        """A labelled array: dimensions batch0, ..., channel and the domain's axes; its attributes hold the domain."""
        import json

        import xarray

        shape, extra = self.domain.shape, self.values.ndim - len(self.domain.shape) - 1
        dims, units = _dimensions(self.domain), [quantity.units for quantity in self.quantities]
        coordinates: dict[str, Any] = {
            "channel": [quantity.name for quantity in self.quantities],
            "units": ("channel", units),
        }
        points = self.domain.coordinates().reshape(*shape, -1)
        for column, axis in enumerate(self.domain.coordinate_axes):
            along = (points[..., column], dims)
            if axis.name in dims:  # a tensor product: the coordinate varies along its own dimension only
                index = tuple(slice(None) if dim == axis.name else 0 for dim in dims)
                along = (points[(*index, column)], [axis.name])
            coordinates[axis.name] = xarray.Variable(along[1], along[0].numpy(), {"units": axis.units})
        return xarray.DataArray(
            self.numpy(),
            dims=[*(f"batch{i}" for i in range(extra)), "channel", *dims],
            coords=coordinates,
            attrs={"domain": json.dumps(self.domain.to_json())},
        )

    @classmethod
    def from_xarray(cls, array: "xarray.DataArray") -> "Field":
        """Inverse of `to_xarray`; raises SignatureError for an array that does not say its domain."""
        import json

        if "domain" not in array.attrs or not {"channel", "units"} <= set(array.coords):
            raise SignatureError(
                "the array has no attribute 'domain' or no coordinates 'channel' and 'units': make one with to_xarray"
            )
        domain = Domain.from_json(json.loads(array.attrs["domain"]))
        dims = ["channel", *_dimensions(domain)]
        if missing := [dim for dim in dims if dim not in array.dims]:
            raise SignatureError(
                f"the array has no dimension {missing[0]!r}, only {list(array.dims)}: select with lists or slices"
            )
        labels = zip(array.coords["channel"].values, array.coords["units"].values, strict=True)
        quantities = tuple(Quantity(str(name), str(units)) for name, units in labels)
        return cls.from_numpy(array.transpose(..., *dims).values, domain, quantities)

    def section(self, axis: str, value: float) -> "Field":
        """The field where an axis of a grid has a value, at its nearest point: a state at a time, a cut through a room.

        Raises UnknownNameError for an axis there is not, OutsideDomainError for a value outside it, SignatureError
        where nothing would be left.

        >>> from fredholm.fields.grid import Axis, Grid
        >>> line, time = Grid(Axis("x", 0.0, 1.0, 3)), Grid(Axis("t", 0.0, 2.0, 5))
        >>> u = Field((line * time).coordinates().sum(1).reshape(1, 3, 5), line * time, (Quantity("u"),))
        >>> u.section("t", 2.0).values.tolist()
        [[2.0, 2.5, 3.0]]
        """
        from fredholm.fields.section import section

        return section(self, axis, value)

    def plot(self, sample: int = 0, channels: Sequence[str] | None = None) -> "Picture":
        """A picture of one sample: a row a channel, in notebooks shown by itself; `savefig` writes it.

        A curve in 1-D, a map on grids and the sphere, triangles or coloured points on meshes and clouds. A field with
        an axis too many is shown at four places of it, of time if there is one; `section` chooses others.

        >>> from fredholm.fields.grid import Axis, Grid
        >>> line = Grid(Axis("x", 0.0, 1.0, 101, units="m"))
        >>> Field(line.coordinates().T, line, (Quantity("u", "Pa"),)).plot().axes[0].get_xlabel()
        'x, m'
        """
        from fredholm.fields.pictures import picture_of

        return picture_of(self, sample, channels)

    def animate(self, sample: int = 0, channel: str | None = None, *, seconds: float = 4.0, frames: int = 50) -> "Film":
        """A film of one channel along time, or the last axis; notebooks show a player, `save` writes a GIF or HTML.

        Args:
            sample: which one, where the field has several.
            channel: its name; the first by default.
            seconds: how long the film takes.
            frames: how many times to show at most.

        Raises SignatureError for a field without an axis to go along.

        >>> field.animate().save("pressure.gif")  # doctest: +SKIP
        """
        from fredholm.fields.film import film_of

        return film_of(self, sample, channel, seconds, frames)

    def _repr_html_(self) -> str:
        from fredholm.fields.html_table import html_table

        flat = self.flat.detach().reshape(-1, len(self.quantities), self.domain.size).double()
        rows = [
            [q.name, q.units, *(f"{float(number):.4g}" for number in (v.min(), v.mean(), v.max()))]
            for q, v in zip(self.quantities, flat.transpose(0, 1), strict=True)
        ]
        title = f"Field {tuple(self.values.shape)} on {self.domain!r}"
        return html_table(title, ["channel", "unit", "least", "mean", "greatest"], rows)

    def __repr__(self) -> str:
        names = ", ".join(f"{q.name} [{q.units}]".removesuffix(" []") for q in self.quantities)
        return f"Field({names}; {tuple(self.values.shape)} on {self.domain!r})"


def _dimensions(domain: Domain) -> list[str]:
    """Names of the domain's axes in an array: those of the coordinates, where each has an axis of its own."""
    names = [axis.name for axis in domain.coordinate_axes]
    return names if len(names) == len(domain.shape) else [f"point{i}" for i in range(len(domain.shape))]
