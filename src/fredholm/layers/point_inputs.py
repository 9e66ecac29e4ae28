"""How a network on points sees the inputs of a signature: features, places and quadrature weights of one point cloud.

    features = [(u(x_n) - shift) / scale, ..., λ, ..., x_n],    x_n in the unit box,    Σ_n w_n f(x_n) ≈ ∫ f / |box|

All functions live on one set of points: on a fixed cloud or mesh, or on one that comes with every sample as the
companions of a function. The box is that of the function's axes. Parameters are the same at all points.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import DomainType, Function, Parameter, Signature
from fredholm.layers.architecture import Described


class PointInputs(nn.Module, Described):
    """Inputs of a signature to features (batch, n, features), places (batch, n, d) and weights (batch, n).

    On a fixed domain places and weights have a batch of 1.

    Args:
        signature: typed inputs.
        domain: of the input functions; not needed where it comes with every sample.
        shift, scale: for every channel and component of the inputs, in their order; 0 and 1 if not given.
        kinds: of the domains that the network serves.

    Raises SignatureError for inputs that do not live on one set of points.

    >>> from fredholm.fields import PointCloud, Quantity
    >>> cloud = PointCloud(torch.rand(9, 2), ("x", "y"))
    >>> on_cloud = Function((Quantity("u"),), DomainType.of(cloud, varies=True))
    >>> inputs = {"u": torch.ones(3, 1, 7), "u.coordinates": torch.rand(3, 7, 2), "u.weights": torch.ones(3, 7)}
    >>> [tuple(part.shape) for part in PointInputs(Signature({"u": on_cloud}, on_cloud))(inputs)]
    [(3, 7, 3), (3, 7, 2), (3, 7)]
    """

    shift: Tensor
    scale: Tensor
    lower: Tensor
    extent: Tensor
    places: Tensor
    weights: Tensor

    def __init__(
        self,
        signature: Signature,
        domain: Domain | None = None,
        shift: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        kinds: Sequence[str] = ("cloud", "mesh"),
    ) -> None:
        super().__init__()
        self.signature, self.domain, self.served = signature, domain, tuple(kinds)
        self.functions = [name for name, entry in signature.inputs.items() if isinstance(entry, Function)]
        where = _common_domain({name: signature.inputs[name] for name in self.functions}, self.served)
        self.varies, self.dimension = where.shape is None, len(where.axes)
        self.sizes = [len(e.components if isinstance(e, Parameter) else e.channels) for e in signature.inputs.values()]
        width = sum(self.sizes)
        shift, scale = list(shift or [0.0] * width), list(scale or [1.0] * width)
        if len(shift) != width or len(scale) != width:
            raise SignatureError(f"the inputs have {width} channels, got {len(shift)} shifts and {len(scale)} scales")
        self.features = width + self.dimension
        self.register_buffer("shift", torch.tensor(shift), persistent=False)
        self.register_buffer("scale", torch.tensor(scale), persistent=False)
        self.register_buffer("lower", torch.tensor([axis.lower for axis in where.axes]), persistent=False)
        self.register_buffer("extent", torch.tensor([axis.extent for axis in where.axes]), persistent=False)
        if not self.varies:
            if domain is None or DomainType.of(domain) != where:
                raise SignatureError(f"input {self.functions[0]!r} lives on {where}: pass that domain, got {domain!r}")
            volume = self.extent.double().prod()
            self.register_buffer("places", self.unit(domain.coordinates().float())[None], persistent=False)
            self.register_buffer("weights", (domain.weights() / volume).float()[None], persistent=False)

    def unit(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        """Points in the unit box."""
        return (points - self.lower) / self.extent

    def parameter(self, inputs: Mapping[str, Tensor], name: str) -> Float[Tensor, "batch size"]:
        """A parameter, normalised."""
        start = sum(self.sizes[: list(self.signature.inputs).index(name)])
        values = inputs[name]
        part = slice(start, start + values.shape[-1])
        return (values - self.shift[part]) / self.scale[part]

    def normalised(self, inputs: Mapping[str, Tensor]) -> "PointInputs":
        """With shift and scale such that these training inputs have mean 0 and deviation 1, padding left out."""
        plain = self.scaled()
        features, _, weights = plain(inputs)
        values = features[..., : len(self.shift)].double()
        chosen = values[(weights > 0).expand(values.shape[:2])]
        deviation = chosen.std(0, correction=0)
        deviation = torch.where(deviation > 1e-6 * chosen.abs().amax(0), deviation, 1.0)
        return self.scaled(chosen.mean(0).tolist(), deviation.tolist())

    def scaled(self, shift: Sequence[float] | None = None, scale: Sequence[float] | None = None) -> "PointInputs":
        """The same with another shift and scale."""
        return PointInputs(self.signature, self.domain, shift, scale, self.served)

    def forward(
        self, inputs: Mapping[str, Tensor]
    ) -> tuple[Float[Tensor, "batch n features"], Float[Tensor, "#batch n d"], Float[Tensor, "#batch n"]]:
        places, weights = self._points(inputs)
        n = places.shape[1]
        columns = [
            inputs[name].flatten(2).mT if name in self.functions else inputs[name].unsqueeze(1).expand(-1, n, -1)
            for name in self.signature.inputs
        ]
        values = (torch.cat(columns, dim=-1) - self.shift) / self.scale
        return torch.cat([values, places.expand(values.shape[0], -1, -1)], dim=-1), places, weights

    def _points(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        if not self.varies:
            return self.places, self.weights
        name = self.functions[0]
        return self.unit(inputs[f"{name}.coordinates"]), inputs[f"{name}.weights"] / self.extent.prod()


def _common_domain(functions: Mapping[str, Function | Parameter], kinds: tuple[str, ...]) -> DomainType:
    """The domain type of all these functions; raises SignatureError if they have none in common."""
    types = {name: entry.domain for name, entry in functions.items() if isinstance(entry, Function)}
    if not types:
        raise SignatureError("no input is a function: an operator on points needs one that says where the points are")
    first = next(iter(types))
    where = types[first]
    if where.kind not in kinds:
        raise SignatureError(f"input {first!r} lives on a {where.kind}; expected one of {kinds}: take a grid operator")
    for name, other in types.items():
        if other != where or (name != first and where.shape is None):
            raise SignatureError(
                f"inputs {first!r} and {name!r} live on different points: bring them onto the same, as channels of one "
                "function where the points differ by sample"
            )
    return where
