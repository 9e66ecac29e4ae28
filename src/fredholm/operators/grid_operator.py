"""Operators on grids: any grid network between the inputs of a signature and its output.

    G(u) = mask · (transform(network(channels(u))) + u_residual)

`GridInputs` gathers the signature's functions and parameters into channels; the network maps channels to channels; an
output transform makes physical values of what it answers. With `residual` the network predicts the increment of one of
the inputs, as a time step does. Away from the grid the answer is interpolated.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar

from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Coordinate, Domain
from fredholm.fields.product import grid_axes
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Signature
from fredholm.fields.sphere_grid import SphereGrid
from fredholm.layers.grid_inputs import GridInputs
from fredholm.layers.interpolation import GridInterpolation
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.operator import Operator, Query
from fredholm.operators.output_transform import OutputTransform, Rescaled


class GridOperator(Operator):
    """A grid network as an operator.

    Args:
        signature: typed inputs and output.
        output_domain: a grid, a product of grids or a sphere grid.
        network: of `inputs.channels` inputs, and one output a channel of the output.
        inputs: how the network sees the inputs; all of them and the coordinates by default.
        transform: affine map of the network's answer, such as `Rescaled`.
        residual: name of the input function to which the answer is added.
        mask: name of the input function by which the result is multiplied.

    Raises SignatureError where network, inputs and domain do not fit.
    """

    queries: ClassVar[frozenset[Query]] = frozenset(Query)
    points: Tensor

    def __init__(
        self,
        signature: Signature,
        output_domain: Domain,
        network: GridNetwork,
        inputs: GridInputs | None = None,
        transform: OutputTransform | None = None,
        residual: str | None = None,
        mask: str | None = None,
    ) -> None:
        super().__init__(signature, output_domain)
        self.inputs = inputs or GridInputs(signature, output_domain)
        self.network, self.transform, self.residual, self.mask = network, transform, residual, mask
        network.require(output_domain)
        self._require_channels()
        self.interpolation = GridInterpolation(output_domain)
        if transform is not None:
            self.register_buffer("points", output_domain.coordinates().float(), persistent=False)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        values: Tensor = self.network(self.inputs(inputs))
        if self.transform is not None:
            factor, offset = self._on_grid(self.transform.factor), self._on_grid(self.transform.offset)
            values = values * factor + offset
        if self.residual is not None:
            values = values + inputs[self.residual]
        if self.mask is not None:
            values = values * inputs[self.mask]
        return values if query is None else self.interpolation(values, query)

    def adapted(self, inputs: Inputs, outputs: Tensor) -> "GridOperator":
        """Channels of mean 0 and deviation 1 on both sides of the network, over these training samples."""
        if self.residual is not None:
            outputs = outputs - inputs[self.residual]
        return GridOperator(
            self.signature,
            self.output_domain,
            self.network,
            self.inputs.normalised(inputs),
            Rescaled.of(outputs),
            self.residual,
            self.mask,
        )

    def at(self, domain: Domain) -> "GridOperator":
        """The same weights on another grid over the same box, shared with this operator.

        Raises SignatureError if the network is not agnostic to the discretisation, so that on another grid it would be
        another operator; train it there, or interpolate inputs and outputs (`InputOutputInterpolation`).
        """
        if not self.network.agnostic:
            raise SignatureError(
                f"{type(self.network).__name__} depends on its grid {self.output_domain!r}: wrap it in "
                "InputOutputInterpolation to ask it on another one"
            )
        signature = self.signature_on(domain)
        inputs = self.inputs.at(signature, domain)
        return GridOperator(signature, domain, self.network, inputs, self.transform, self.residual, self.mask)

    def signature_on(self, domain: Domain) -> Signature:
        """The signature with all functions on the axes of `domain`; raises SignatureError for another box."""
        axes = {axis.name: (axis, size) for axis, size in zip(domain.coordinate_axes, domain.shape, strict=True)}

        def moved(name: str, entry: Function | Parameter) -> Function | Parameter:
            if isinstance(entry, Parameter):
                return entry
            assert entry.domain.shape is not None  # the network's inputs are on grids
            found = [axes.get(axis.name) for axis in entry.domain.axes]
            for before, size, after in zip(entry.domain.axes, entry.domain.shape, found, strict=True):
                if after is None or not _same_box(before, size, *after):
                    raise SignatureError(f"{domain!r} is not the box of {name}, which lives on {entry.domain.axes}")
            there = [after for after in found if after is not None]
            moved_axes, shape = tuple(axis for axis, _ in there), tuple(size for _, size in there)
            return replace(entry, domain=replace(entry.domain, axes=moved_axes, shape=shape))

        inputs = {name: moved(f"input {name!r}", entry) for name, entry in self.signature.inputs.items()}
        moved("the output", self.signature.output)
        return Signature(inputs, replace(self.signature.output, domain=DomainType.of(domain)))

    def _on_grid(self, part: Callable[[Tensor], Tensor]) -> Tensor:
        """Factor or offset of the transform as (channels, *shape)."""
        return part(self.points).T.reshape(-1, *self.output_domain.shape)

    def _require_channels(self) -> None:
        network, domain = self.network, self.output_domain
        if not isinstance(domain, SphereGrid):
            grid_axes(domain)
        if network.inputs != self.inputs.channels or network.outputs != len(self.signature.output.channels):
            raise SignatureError(
                f"{type(network).__name__} maps {network.inputs} channels to {network.outputs}; expected "
                f"{self.inputs.channels} (inputs{', coordinates' if self.inputs.coordinates else ''}) to "
                f"{len(self.signature.output.channels)} (the output's)"
            )
        for role, name in (("residual", self.residual), ("mask", self.mask)):
            if name is not None and not isinstance(self.signature.inputs.get(name), Function):
                raise SignatureError(
                    f"{role}={name!r} is no input function: the inputs are {sorted(self.signature.inputs)}"
                )


def _same_box(first: Coordinate, first_size: int, second: Coordinate, second_size: int) -> bool:
    """Whether two axes cover one interval: ends may differ by half a cell, as those of cell-centred grids do."""
    cell = max(first.extent / first_size, second.extent / second_size)
    near = abs(first.lower - second.lower) <= cell and abs(first.upper - second.upper) <= cell
    return near and (first.units, first.periodic) == (second.units, second.periodic)
