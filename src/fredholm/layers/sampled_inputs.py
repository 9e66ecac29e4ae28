"""Inputs of a signature on any set of points, grids among them, with what is periodic about it."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import DomainType, Function, Signature
from fredholm.layers.point_inputs import PointInputs
from fredholm.layers.quadrature_attention import Sampled


class SampledInputs(PointInputs):
    """`PointInputs` that serve grids too; coordinates, which an operator encodes in its own way, are no features.

    >>> import torch
    >>> from fredholm.fields import Axis, Grid, Quantity
    >>> grid = Grid(Axis("x", 0.0, 2.0, 8, periodic=True), Axis("y", 0.0, 1.0, 5))
    >>> on_grid = Function((Quantity("u"),), DomainType.of(grid))
    >>> inputs = SampledInputs(Signature({"u": on_grid}, on_grid), grid)
    >>> inputs.periodic, inputs.channels, inputs.sampled({"u": torch.ones(3, 1, 8, 5)}).values.shape
    ((True, False), 1, torch.Size([3, 40, 1]))
    """

    def __init__(
        self,
        signature: Signature,
        domain: Domain | None = None,
        shift: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
    ) -> None:
        super().__init__(signature, domain, shift, scale, ("cloud", "mesh", "grid", "product"))

    @classmethod
    def on(cls, signature: Signature, output_domain: Domain) -> "SampledInputs":
        """For inputs on the output's domain, on a grid that their type tells, or on domains that come with each sample.

        Raises SignatureError where that leaves open where an input lives.
        """
        functions = [entry for entry in signature.inputs.values() if isinstance(entry, Function)]
        where = functions[0].domain if functions else None
        if where is None or where.shape is None:
            return cls(signature)
        return cls(signature, output_domain if where == DomainType.of(output_domain) else where.grid())

    @property
    def periodic(self) -> tuple[bool, ...]:
        """For each coordinate of the inputs' domain, whether it closes on itself."""
        entry = self.signature.inputs[self.functions[0]]
        assert isinstance(entry, Function)
        return tuple(axis.periodic for axis in entry.domain.axes)

    @property
    def channels(self) -> int:
        """Number of features: channels of the functions and components of the parameters."""
        return sum(self.sizes)

    def scaled(self, shift: Sequence[float] | None = None, scale: Sequence[float] | None = None) -> "SampledInputs":
        return SampledInputs(self.signature, self.domain, shift, scale)

    def sampled(self, inputs: Mapping[str, Tensor]) -> Sampled:
        """The features with places in the unit box and weights."""
        features, places, weights = self(inputs)
        return Sampled(features[..., : self.channels], places, weights)

    def require_query_space(self, output: DomainType) -> None:
        """Raise SignatureError if the output has other coordinates than the inputs."""
        entry = self.signature.inputs[self.functions[0]]
        assert isinstance(entry, Function)
        names = [[axis.name for axis in where.axes] for where in (entry.domain, output)]
        if names[0] != names[1]:
            raise SignatureError(
                f"the inputs have the coordinates {names[0]}, the output {names[1]}: expected the same"
            )
        if output.shape is None and not self.varies:
            raise SignatureError("the output's points differ by sample, and no input says where they are")
