"""Pairs of functions as files store them: what each array is, and the data set that they make together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fredholm.data.dataset import Dataset, Description
from fredholm.data.lazy import LazySource, Read
from fredholm.fields.domain import Domain
from fredholm.fields.signature import DomainType, Function, Parameter, Quantity, Signature


@dataclass(frozen=True)
class Stored:
    """A function on `domain` (or a parameter, without one), its channels, and how its samples are read."""

    read: Read
    domain: Domain | None
    channels: tuple[Quantity, ...]

    @classmethod
    def one(cls, name: str, read: Read, domain: Domain | None, units: str = "") -> "Stored":
        """Of a single channel."""
        return cls(read, domain, (Quantity(name, units),))


def pairs(file: Path, count: int, inputs: Mapping[str, Stored], output: Stored) -> Dataset:
    """The data set of `count` samples of the inputs and the output."""
    assert output.domain is not None
    entries: dict[str, Function | Parameter] = {}
    domains: dict[str, Domain] = {}
    for name, stored in inputs.items():
        if stored.domain is None:
            entries[name] = Parameter(stored.channels)
        else:
            entries[name], domains[name] = Function(stored.channels, DomainType.of(stored.domain)), stored.domain
    signature = Signature(entries, Function(output.channels, DomainType.of(output.domain)))
    source = LazySource(file, count, {name: stored.read for name, stored in inputs.items()}, output.read)
    return Dataset(Description(signature, output.domain, domains), source)
