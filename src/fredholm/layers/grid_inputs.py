"""How a network on a grid sees the inputs of a signature: as channels on that grid.

    channels = [(u(x) - shift) / scale, ..., λ, ..., x, y, ...]

Functions come first and parameters, constant over the grid, among them, in the order of the signature; then, if asked
for, the coordinates, scaled to [0, 1] on the box. A function of some of the grid's axes is constant along the others
(an initial state on space × time); one on another resolution of them is interpolated.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import Function, Signature
from fredholm.layers.architecture import Described


class GridInputs(nn.Module, Described):
    """Inputs of a signature to (batch, channels, *domain.shape).

    Args:
        signature: typed inputs.
        domain: a grid, a product of grids or a sphere grid.
        coordinates: whether coordinate channels are appended.
        shift, scale: for every channel of the inputs, in their order; 0 and 1 if not given.
        box: lower and upper ends of the coordinates that become 0 and 1; the domain's bounds if not given.

    Raises SignatureError for an input that cannot be brought onto the grid.

    >>> from fredholm.fields.signature import DomainType, Quantity
    >>> square = Grid(Axis("x", 0, 1, 8), Axis("y", 0, 1, 8))
    >>> on_square = Function((Quantity("a"),), DomainType.of(square))
    >>> GridInputs(Signature({"a": on_square}, on_square), square)({"a": torch.zeros(2, 1, 8, 8)}).shape
    torch.Size([2, 3, 8, 8])
    """

    unit: Tensor
    shift: Tensor
    scale: Tensor

    def __init__(
        self,
        signature: Signature,
        domain: Domain,
        coordinates: bool = True,
        shift: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        box: Sequence[Sequence[float]] | None = None,
    ) -> None:
        super().__init__()
        if len(domain.shape) != domain.dimension:
            raise SignatureError(
                f"{domain!r} has no axes, and a network on a grid needs them: interpolate onto a grid, or take an "
                "operator for point clouds"
            )
        self.signature, self.domain, self.coordinates = signature, domain, coordinates
        parts: list[nn.Module] = []
        width = 0
        for name, entry in signature.inputs.items():
            parts.append(_OnGrid(name, entry, domain) if isinstance(entry, Function) else _Constant(len(domain.shape)))
            width += len(entry.channels if isinstance(entry, Function) else entry.components)
        self.parts = nn.ModuleList(parts)
        shift, scale = list(shift or [0.0] * width), list(scale or [1.0] * width)
        if len(shift) != width or len(scale) != width:
            raise SignatureError(f"the inputs have {width} channels, got {len(shift)} shifts and {len(scale)} scales")
        self.channels = width + (domain.dimension if coordinates else 0)
        trailing = (width, *[1] * len(domain.shape))
        self.normalises = any(shift) or any(factor != 1 for factor in scale)
        self.register_buffer("shift", torch.tensor(shift).reshape(trailing), persistent=False)
        self.register_buffer("scale", torch.tensor(scale).reshape(trailing), persistent=False)
        self.box = [list(ends) for ends in (domain.bounds.tolist() if box is None else box)]
        lower, upper = torch.tensor(self.box, dtype=torch.float64)
        unit = ((domain.coordinates() - lower) / (upper - lower)).T.float()
        self.register_buffer("unit", unit.reshape(-1, *domain.shape), persistent=False)

    def normalised(self, inputs: Mapping[str, Tensor]) -> "GridInputs":
        """With shift and scale such that every channel of these training inputs has mean 0 and deviation 1."""
        plain = GridInputs(self.signature, self.domain, coordinates=False)(inputs).double().transpose(0, 1).flatten(1)
        deviation = plain.std(1, correction=0)
        deviation = torch.where(deviation > 1e-6 * plain.abs().amax(1), deviation, 1.0)
        shift, scale = plain.mean(1).tolist(), deviation.tolist()
        return GridInputs(self.signature, self.domain, self.coordinates, shift, scale, self.box)

    def at(self, signature: Signature, domain: Domain) -> "GridInputs":
        """The same on another grid; a point has the same coordinates there."""
        shift, scale = self.shift.flatten().tolist(), self.scale.flatten().tolist()
        return GridInputs(signature, domain, self.coordinates, shift, scale, self.box)

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch channels *shape"]:
        shape = self.domain.shape
        values = [
            part(inputs[name]).expand(-1, -1, *shape)
            for name, part in zip(self.signature.inputs, self.parts, strict=True)
        ]
        channels = values[0] if len(values) == 1 else torch.cat(values, dim=1)
        if self.normalises:
            channels = (channels - self.shift) / self.scale
        if not self.coordinates:
            return channels
        unit = self.unit.to(channels.dtype).expand(channels.shape[0], *self.unit.shape)
        return torch.cat([channels, unit], dim=1)


class _Constant(nn.Module):
    """A parameter (batch, components) as channels with one value over the grid."""

    def __init__(self, axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, values: Tensor) -> Tensor:
        return values.reshape(*values.shape, *[1] * self.axes)


class _OnGrid(nn.Module):
    """A function (batch, channels, *its shape) on axes of the grid, with length 1 along those it does not depend on."""

    indices: Tensor
    weights: Tensor

    def __init__(self, name: str, function: Function, domain: Domain) -> None:
        super().__init__()
        given, wanted = function.domain, [axis.name for axis in domain.coordinate_axes]
        if given.shape is None:
            raise SignatureError(
                f"input {name!r} has a domain of each sample's own: a network on a grid needs it on {domain!r}; "
                "interpolate it, or take an operator for point clouds"
            )
        names = [axis.name for axis in given.axes]
        places = [wanted.index(axis) for axis in names if axis in wanted]
        if len(places) < len(names) or places != sorted(places):
            raise SignatureError(f"input {name!r} depends on {names}; expected some of {wanted}, in this order")
        target = tuple(domain.shape[place] for place in places)
        self.source, self.target = tuple(given.shape), target
        self.trailing = tuple(domain.shape[i] if i in places else 1 for i in range(len(wanted)))
        if self.source != target:
            axes = [domain.coordinate_axes[place] for place in places]
            fine = Grid(
                *(Axis(a.name, a.lower, a.upper, n, a.units, a.periodic) for a, n in zip(axes, target, strict=True))
            )
            stencil = given.grid().stencil(fine.coordinates())
            self.register_buffer("indices", stencil.indices, persistent=False)
            self.register_buffer("weights", stencil.weights.float(), persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        if self.source != self.target:
            near = values.flatten(2)[..., self.indices.reshape(-1)].unflatten(-1, self.indices.shape)
            values = (near * self.weights).sum(-1)
        return values.reshape(*values.shape[:2], *self.trailing)
