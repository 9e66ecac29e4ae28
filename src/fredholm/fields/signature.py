"""Signatures: the typed inputs and output of an operator.

A signature travels with a data set, a trained operator, its ONNX graphs and its HTTP schema. Whatever meets it is
checked against it, and a mismatch names the offending entry, what was expected and what came.

Conventions. An input *function* with a fixed domain is a tensor (batch, channels, *domain.shape). Where each sample
has a domain of its own (a mesh around another airfoil), the function `u` is padded to a common number n of points
and comes with two companions: `u.coordinates` (batch, n, d) and `u.weights` (batch, n), the quadrature weights, which
are zero on padding. A *parameter* is (batch, components). The output is (batch, channels, *shape), or
(batch, channels, m) at query points (m, d) shared by the batch or (batch, m, d) of each sample.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Coordinate, Domain
from fredholm.fields.grid import Axis, Grid

Inputs = dict[str, Tensor]


@dataclass(frozen=True)
class Quantity:
    """A scalar quantity: a channel of a function or a component of a parameter.

    >>> Quantity("pressure", "Pa")
    Quantity(name='pressure', units='Pa')
    """

    name: str
    units: str = ""


@dataclass(frozen=True)
class DomainType:
    """What kind of domain a function lives on; `shape` is None where it differs from sample to sample."""

    kind: str
    axes: tuple[Coordinate, ...]
    shape: tuple[int, ...] | None = None

    @classmethod
    def of(cls, domain: Domain, varies: bool = False) -> "DomainType":
        """The type of one domain, or of a family of domains of which it is an example (`varies`)."""
        return cls(domain.kind, domain.coordinate_axes, None if varies else domain.shape)

    def grid(self) -> Grid:
        """The unmasked grid of this type; raises SignatureError if the type is of no grid, or of grids that differ."""
        if self.shape is None or len(self.shape) != len(self.axes) or self.kind not in ("grid", "product"):
            raise SignatureError(
                f"a {self.kind} of shape {self.shape} is not told by its type alone: pass the domain itself"
            )
        return Grid(
            *(
                Axis(axis.name, axis.lower, axis.upper, size, axis.units, axis.periodic)
                for axis, size in zip(self.axes, self.shape, strict=True)
            )
        )


@dataclass(frozen=True)
class Function:
    """A function with named channels on a type of domain.

    Raises SignatureError for what is easily mistaken: a quantity for a tuple of them, a domain for its type.
    """

    channels: tuple[Quantity, ...]
    domain: DomainType

    def __post_init__(self) -> None:
        _require_quantities("Function", self.channels)
        if not isinstance(self.domain, DomainType):
            raise SignatureError(f"Function got {self.domain!r}; expected the type of a domain: DomainType.of(domain)")


@dataclass(frozen=True)
class Parameter:
    """A vector of named numbers; raises SignatureError where one quantity stands for a tuple of them."""

    components: tuple[Quantity, ...]

    def __post_init__(self) -> None:
        _require_quantities("Parameter", self.components)


@dataclass(frozen=True)
class Signature:
    """Named input functions and parameters, and the output function.

    >>> from fredholm.fields.grid import Axis, Grid
    >>> line = DomainType.of(Grid(Axis("x", 0, 1, 8)))
    >>> signature = Signature({"u": Function((Quantity("u"),), line)}, Function((Quantity("s"),), line))
    >>> signature.check({"u": torch.zeros(3, 1, 8)})
    3
    """

    inputs: Mapping[str, Function | Parameter]
    output: Function

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of all tensors that make an input: functions, parameters, and the companions of varying domains."""
        return (*self.inputs, *self._companions())

    @property
    def moving_input(self) -> str:
        """The input function whose domain varies by sample, and at whose points such an output is known.

        Raises SignatureError unless there is exactly one.
        """
        varying = self._varying()
        if len(varying) != 1:
            raise SignatureError(f"expected one input function on a domain of each sample's own, got {varying}")
        return varying[0]

    def check(self, inputs: Mapping[str, Tensor], query: Tensor | None = None, finite: bool = False) -> int:
        """Batch size, after checking names, shapes and (if `finite`) values; raises SignatureError."""
        expected = set(self.tensors)
        if missing := sorted(expected - set(inputs)):
            raise SignatureError(f"input {missing[0]!r} is missing: expected {sorted(expected)}, got {sorted(inputs)}")
        if extra := sorted(set(inputs) - expected):
            raise SignatureError(f"input {extra[0]!r} is not in the signature, which has {sorted(expected)}")
        sizes = {name: self._check_input(name, inputs) for name in self.inputs}
        if len(set(sizes.values())) > 1:
            raise SignatureError(f"inputs disagree on the batch size: {sizes}")
        if finite:
            for name, values in inputs.items():
                require_finite(f"input {name!r}", values)
        batch = next(iter(sizes.values()))
        if query is not None:
            self.check_query(query, batch)
        return batch

    def check_query(self, query: Tensor, batch: int) -> None:
        """Check query points (m, d) or (batch, m, d); raises SignatureError."""
        names = [axis.name for axis in self.output.domain.axes]
        if query.ndim not in (2, 3) or query.shape[-1] != len(names):
            raise SignatureError(
                f"query has shape {tuple(query.shape)}; expected (points, {len(names)}) or "
                f"(batch, points, {len(names)}) with the coordinates {names}"
            )
        if query.ndim == 3 and query.shape[0] != batch:
            raise SignatureError(f"query is for a batch of {query.shape[0]}, the inputs are a batch of {batch}")

    def require(self, other: "Signature", owner: str) -> None:
        """Raise SignatureError naming the first entry in which `other`, the signature of `owner`, differs."""
        for name in sorted(set(self.inputs) | set(other.inputs)):
            here, there = self.inputs.get(name), other.inputs.get(name)
            if here != there:
                raise SignatureError(f"{owner} does not fit: input {name!r} is {there}, expected {here}")
        if self.output != other.output:
            raise SignatureError(f"{owner} does not fit: the output is {other.output}, expected {self.output}")

    def to_json(self) -> dict[str, Any]:
        """JSON form, inverse of `from_json`."""
        inputs = {
            name: {"type": "function" if isinstance(entry, Function) else "parameter", **asdict(entry)}
            for name, entry in self.inputs.items()
        }
        return {"inputs": inputs, "output": asdict(self.output)}

    @classmethod
    def from_json(cls, description: Mapping[str, Any]) -> "Signature":
        """The signature that `to_json` described; raises SignatureError if it is not one."""
        try:
            inputs = {name: _entry_from_json(entry) for name, entry in description["inputs"].items()}
            return cls(inputs, _function_from_json(description["output"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise SignatureError(f"not a signature: {error!r}") from error

    def _repr_html_(self) -> str:
        from fredholm.fields.html_table import html_table
        from fredholm.fields.signature_words import entries_of

        rows = [list(row.values()) for row in entries_of(self)]
        return html_table("Signature", ["entry", "quantities", "shape of a sample", "where"], rows)

    def _companions(self) -> list[str]:
        """Coordinates and weights that come with functions whose domain varies."""
        return [f"{name}.{part}" for name in self._varying() for part in ("coordinates", "weights")]

    def _varying(self) -> list[str]:
        return [n for n, e in self.inputs.items() if isinstance(e, Function) and e.domain.shape is None]

    def _check_input(self, name: str, inputs: Mapping[str, Tensor]) -> int:
        entry, values = self.inputs[name], inputs[name]
        if isinstance(entry, Parameter):
            _require_shape(name, values, (len(entry.components),), [q.name for q in entry.components])
            return len(values)
        channels = [quantity.name for quantity in entry.channels]
        if entry.domain.shape is not None:
            _require_shape(name, values, (len(channels), *entry.domain.shape), channels)
            return len(values)
        points = values.shape[-1]
        _require_shape(name, values, (len(channels), points), channels)
        axes = [axis.name for axis in entry.domain.axes]
        _require_shape(f"{name}.coordinates", inputs[f"{name}.coordinates"], (points, len(axes)), axes)
        _require_shape(f"{name}.weights", inputs[f"{name}.weights"], (points,), ["quadrature weight"])
        return len(values)


def require_finite(what: str, values: Tensor) -> None:
    """Raise SignatureError naming the first value that is NaN or infinite."""
    bad = ~torch.isfinite(values)
    if bool(bad.any()):
        first = tuple(bad.nonzero()[0].tolist())
        raise SignatureError(
            f"{what} has {int(bad.sum())} values that are NaN or infinite, the first at index {first}; "
            "replace or drop these samples"
        )


def _require_quantities(owner: str, quantities: object) -> None:
    if not isinstance(quantities, tuple) or not all(isinstance(quantity, Quantity) for quantity in quantities):
        raise SignatureError(
            f"{owner} got {quantities!r}; expected a tuple of quantities such as (Quantity('pressure', 'Pa'),), "
            "with its comma"
        )


def _require_shape(name: str, values: Tensor, shape: tuple[int, ...], meaning: list[str]) -> None:
    if values.ndim != len(shape) + 1 or tuple(values.shape[1:]) != shape:
        wanted = ", ".join(["batch", *map(str, shape)])
        raise SignatureError(f"input {name!r} has shape {tuple(values.shape)}; expected ({wanted}), channels {meaning}")


def _quantities(entries: list[dict[str, Any]]) -> tuple[Quantity, ...]:
    return tuple(Quantity(**entry) for entry in entries)


def _function_from_json(entry: Mapping[str, Any]) -> Function:
    domain = entry["domain"]
    shape = None if domain["shape"] is None else tuple(domain["shape"])
    axes = tuple(Coordinate(**axis) for axis in domain["axes"])
    return Function(_quantities(entry["channels"]), DomainType(domain["kind"], axes, shape))


def _entry_from_json(entry: Mapping[str, Any]) -> Function | Parameter:
    if entry["type"] == "parameter":
        return Parameter(_quantities(entry["components"]))
    return _function_from_json(entry)
