"""Domains: where a function is sampled.

A domain is a finite set of points of ℝᵈ together with what is needed to compute with functions known there:
quadrature weights w, so that ∫ f ≈ Σᵢ wᵢ f(xᵢ), and interpolation stencils, so that f(x) ≈ Σⱼ cⱼ(x) f(x_{i(j)}).
Each kind of domain is a file of its own and states only its points, its weights and its stencil.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fredholm.errors import DataError, FredholmError, OutsideDomainError, UnknownNameError


@dataclass(frozen=True)
class Coordinate:
    """One coordinate direction of a domain: its name, unit, extent, and whether it closes on itself.

    >>> Coordinate("x", 0.0, 2.0, units="m").extent
    2.0
    """

    name: str
    lower: float
    upper: float
    units: str = ""
    periodic: bool = False

    @property
    def extent(self) -> float:
        """Length upper - lower, in `units`."""
        return self.upper - self.lower


@dataclass(frozen=True)
class Stencil:
    """Interpolation from a domain's points to m others: f(xₘ) ≈ Σⱼ weights[m, j] f(indices[m, j]).

    `indices` count the domain's points in the order of `Domain.coordinates`.
    """

    indices: Int[Tensor, "m k"]
    weights: Float[Tensor, "m k"]

    def apply(self, values: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch m"]:
        """Interpolate values given on the domain's n points to the stencil's m points."""
        return (values[..., self.indices] * self.weights.to(values)).sum(-1)


class Domain(ABC):
    """Points in ℝᵈ with quadrature and interpolation; the base of every kind of domain.

    A subclass gives `coordinate_axes`, `shape`, `coordinates`, `weights`, `stencil` and its JSON form. Points are
    float64; the trailing axes of a field on the domain have the shape `shape`, in the order of `coordinates`.
    """

    kind: ClassVar[str]
    _kinds: ClassVar[dict[str, type["Domain"]]] = {}

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "kind" in cls.__dict__:
            Domain._kinds[cls.kind] = cls

    @property
    @abstractmethod
    def coordinate_axes(self) -> tuple[Coordinate, ...]:
        """The coordinate directions, one for each column of `coordinates`."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Trailing shape of a field's values on this domain."""

    @abstractmethod
    def coordinates(self) -> Float[Tensor, "n d"]:
        """The points, row-major over `shape`."""

    @abstractmethod
    def weights(self) -> Float[Tensor, " n"]:
        """Quadrature weights wᵢ ≥ 0 with Σ wᵢ f(xᵢ) ≈ ∫ f; zero where a point does not belong to the domain."""

    @abstractmethod
    def stencil(self, points: Float[Tensor, "m d"]) -> Stencil:
        """Interpolation stencil to `points`; raises OutsideDomainError for points it cannot serve."""

    @abstractmethod
    def contains(self, points: Float[Tensor, "m d"]) -> Bool[Tensor, " m"]:
        """Which points lie in the domain."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """A JSON description from which `from_json` makes an equal domain."""

    @classmethod
    @abstractmethod
    def _from_json(cls, description: Mapping[str, Any]) -> "Domain":
        """Inverse of `to_json` for this kind."""

    @staticmethod
    def from_json(description: Mapping[str, Any]) -> "Domain":
        """The domain that `to_json` described; raises UnknownNameError for a foreign kind, DataError if damaged."""
        kind = str(description.get("kind"))
        if kind not in Domain._kinds:
            raise UnknownNameError("kind of domain", kind, Domain._kinds)
        try:
            return Domain._kinds[kind]._from_json(description)
        except FredholmError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"not the description of a {kind}: {error!r}; make one with to_json") from error

    @property
    def dimension(self) -> int:
        """Number d of coordinates."""
        return len(self.coordinate_axes)

    @property
    def size(self) -> int:
        """Number n of points."""
        count = 1
        for length in self.shape:
            count *= length
        return count

    @property
    def bounds(self) -> Float[Tensor, "2 d"]:
        """Lower and upper corner of the bounding box."""
        axes = self.coordinate_axes
        return torch.tensor([[a.lower for a in axes], [a.upper for a in axes]], dtype=torch.float64)

    def integrate(self, values: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch"]:
        """∫ f ≈ Σᵢ wᵢ f(xᵢ) over the last axis."""
        weights = self.weights().to(values)
        return (values * weights).sum(-1)

    def require_contains(self, points: Float[Tensor, "m d"]) -> None:
        """Raise OutsideDomainError naming the first point outside the domain."""
        inside = self.contains(points)
        if bool(inside.all()):
            return
        first = int((~inside).nonzero()[0, 0])
        where = ", ".join(
            f"{axis.name} = {float(value):.6g}" for axis, value in zip(self.coordinate_axes, points[first], strict=True)
        )
        box = " x ".join(f"{a.name} in [{a.lower:g}, {a.upper:g}] {a.units}".rstrip() for a in self.coordinate_axes)
        raise OutsideDomainError(
            f"point {first} ({where}) lies outside the {self.kind}: expected a point inside {box}; "
            "move it inside or evaluate on a larger domain"
        )

    def __mul__(self, other: "Domain") -> "Domain":
        """Product domain, for instance space x time."""
        from fredholm.fields.product import Product

        return Product(self, other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Domain) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.kind, self.shape, self.coordinate_axes))

    def __repr__(self) -> str:
        axes = ", ".join(f"{a.name} in [{a.lower:g}, {a.upper:g}] {a.units}".rstrip() for a in self.coordinate_axes)
        return f"{type(self).__name__}({' x '.join(map(str, self.shape))} points; {axes})"

    def _repr_html_(self) -> str:
        from fredholm.fields.html_table import html_table

        rows = [
            [a.name, f"[{a.lower:g}, {a.upper:g}]", a.units, "yes" if a.periodic else ""] for a in self.coordinate_axes
        ]
        title = f"{type(self).__name__} of {' x '.join(map(str, self.shape))} points"
        return html_table(title, ["coordinate", "extent", "unit", "periodic"], rows)
