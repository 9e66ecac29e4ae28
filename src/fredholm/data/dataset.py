"""Data sets: pairs (u, G(u)) of an operator G, read when they are asked for.

Outputs are known on the whole output domain, or at query points of each sample's own ("triples" of input
function, point and value, as DeepONets are often trained on).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from fredholm.data.source import ArraySource, Source
from fredholm.errors import DataError
from fredholm.fields.domain import Domain
from fredholm.fields.field import Field
from fredholm.fields.signature import Function, Inputs, Signature, require_finite

if TYPE_CHECKING:
    import xarray

    from fredholm.fields.pictures import Picture

Values = Tensor | np.ndarray


@dataclass(frozen=True)
class Description:
    """What a data set is about, apart from its numbers.

    `problem` is {"name": ..., "parameters": {...}}, or {} where no problem of the toolkit made the data. `failures` are
    the samples of its sequence that could not be solved for and were left out, each with the reason.
    """

    signature: Signature
    output_domain: Domain
    input_domains: Mapping[str, Domain] = field(default_factory=dict)
    problem: Mapping[str, Any] = field(default_factory=dict)
    failures: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OutputPoints:
    """The points of an output domain: `coordinates` (n, d) and `weights` (n,), both float32.

    `inside` lists the points of positive quadrature weight: a masked point has none, and no sampler draws it.
    """

    coordinates: Float[Tensor, "n d"]
    weights: Float[Tensor, " n"]
    inside: Int[Tensor, " k"]

    @classmethod
    def of(cls, domain: Domain) -> "OutputPoints":
        """The points of `domain`."""
        weights = domain.weights()
        return cls(domain.coordinates().float(), weights.float(), (weights > 0).nonzero()[:, 0])


class Dataset:
    """Samples of an operator. Open one with `open_dataset`, make one with `generate` or `from_arrays`.

    Args:
        description: signature, domains and problem.
        source: where the numbers lie.
        rows: which of the source's rows belong to the set, in order; all of them, if None.
    """

    def __init__(self, description: Description, source: Source, rows: Int[Tensor, " n"] | None = None) -> None:
        self.description, self.source = description, source
        self._rows = rows

    @classmethod
    def from_arrays(
        cls,
        signature: Signature,
        output_domain: Domain,
        inputs: Mapping[str, Values],
        outputs: Values,
        *,
        input_domains: Mapping[str, Domain] | None = None,
        query: Values | None = None,
        labels: Mapping[str, Values] | None = None,
    ) -> "Dataset":
        """A data set in memory, of NumPy arrays or tensors, kept in float32.

        Args:
            signature: names, units and domains of what goes in and comes out.
            output_domain: where the output lives.
            inputs: (n, channels, *shape) of each function, (n, components) of each parameter.
            outputs: (n, channels, *output_domain.shape), or (n, channels, m) at `query`.
            input_domains: where the input functions live; plain grids and the output's domain need not be named.
            query: points (n, m, d) of each sample's own, or (m, d) that all share.
            labels: small numbers (n, ...) to keep with the samples.

        Raises SignatureError or DataError, naming the array, where they do not fit together or are not finite numbers.

        >>> from fredholm.fields.grid import Axis, Grid
        >>> from fredholm.fields.signature import DomainType, Function, Quantity
        >>> line = Grid(Axis("x", 0.0, 1.0, 8))
        >>> on_line = Function((Quantity("u"),), DomainType.of(line))
        >>> u = torch.rand(5, 1, 8)
        >>> data = Dataset.from_arrays(Signature({"u": on_line}, on_line), line, {"u": u}, 2 * u)
        >>> len(data), data.outputs_at(torch.tensor([0, 3]), torch.tensor([1, 2, 7])).shape
        (5, torch.Size([2, 1, 3]))
        """
        given = {name: _tensor(f"input {name!r}", values) for name, values in inputs.items()}
        outputs, query = _tensor("the output", outputs), None if query is None else _tensor("the query", query)
        named = {name: torch.as_tensor(values) for name, values in (labels or {}).items()}
        _require_same_type("the output", signature.output, output_domain)
        domains = _domains(signature, input_domains or {}, output_domain)
        count = signature.check(given, query, finite=True)
        where = tuple(output_domain.shape) if query is None else (query.shape[-2],)
        expected = (count, len(signature.output.channels), *where)
        if tuple(outputs.shape) != expected:
            missing = ": add the axis of channels, outputs[:, None]" if tuple(outputs.shape) == (count, *where) else ""
            raise DataError(
                f"outputs have shape {tuple(outputs.shape)}; expected {expected} (samples, channels, points){missing}"
            )
        require_finite("the output", outputs)
        if query is not None and query.ndim == 2:
            query = query.expand(count, -1, -1)
        for name, values in named.items():
            if len(values) != count:
                raise DataError(f"label {name!r} has {len(values)} rows; expected {count}, one for each sample")
        return cls(Description(signature, output_domain, domains), ArraySource(given, outputs, query, named))

    @classmethod
    def from_xarray(
        cls,
        arrays: "xarray.Dataset",
        inputs: Sequence[str],
        outputs: Sequence[str],
        *,
        sample: str = "sample",
        channel: str = "channel",
        periodic: Sequence[str] = (),
    ) -> "Dataset":
        """A data set of labelled arrays: names, axes and units are theirs, and values are read when asked for.

        Args:
            arrays: variables with coordinates; what is not in memory yet stays on disk.
            inputs: variables that go in. One with no dimension but `sample` is a parameter.
            outputs: variables that come out, all on the same axes; together they are the channels of the output.
            sample: the dimension that counts samples.
            channel: the dimension that counts channels, where there is one.
            periodic: dimensions that close on themselves, their coordinates leaving the upper end out.

        Raises DataError for axes without coordinates or not equidistant, UnknownNameError for a variable there is not.

        >>> import numpy, xarray
        >>> x = ("x", numpy.linspace(0, 1, 8), {"units": "m"})
        >>> u = (("sample", "x"), numpy.random.rand(5, 8), {"units": "Pa"})
        >>> data = Dataset.from_xarray(xarray.Dataset({"u": u, "p": u}, {"x": x}), ["u"], ["p"])
        >>> data.signature.output.channels
        (Quantity(name='p', units='Pa'),)
        """
        from fredholm.data.labelled import dataset_of

        return dataset_of(arrays, inputs, outputs, sample, channel, periodic)

    @property
    def signature(self) -> Signature:
        """Typed inputs and output."""
        return self.description.signature

    @property
    def output_domain(self) -> Domain:
        """Where the output lives."""
        return self.description.output_domain

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        """Where the input functions live, as far as known."""
        return self.description.input_domains

    @property
    def problem(self) -> Mapping[str, Any]:
        """{"name": ..., "parameters": {...}} of the problem that was solved; {} for foreign data."""
        return self.description.problem

    @property
    def failures(self) -> Mapping[int, str]:
        """Samples of the problem's sequence that could not be solved for and are not in the set, with the reasons."""
        return self.description.failures

    @property
    def labels(self) -> Mapping[str, Tensor]:
        """Small numbers (n, ...) of each sample from which its inputs were made."""
        return {name: values[self.rows] for name, values in self.source.labels.items()}

    @cached_property
    def query(self) -> Float[Tensor, "n m d"] | None:
        """Query points of each sample's own, or None where outputs lie on the output domain."""
        return None if self.source.query is None else self.source.query[self.rows]

    @cached_property
    def rows(self) -> Int[Tensor, " n"]:
        """The source's rows that make up this set."""
        return torch.arange(len(self.source)) if self._rows is None else self._rows

    @cached_property
    def output_points(self) -> OutputPoints:
        """Coordinates and weights of the output domain, computed once."""
        return OutputPoints.of(self.output_domain)

    def __len__(self) -> int:
        return len(self.source) if self._rows is None else len(self._rows)

    def inputs(self, samples: Int[Tensor, " b"] | Sequence[int]) -> Inputs:
        """Input tensors (b, ...) of some samples, float32.

        >>> data.inputs([0, 3])["load"].shape  # doctest: +SKIP
        torch.Size([2, 1, 128])
        """
        return self.source.inputs(self._rows_of(samples))

    def outputs(self, samples: Int[Tensor, " b"] | Sequence[int]) -> Float[Tensor, "b channels *shape"]:
        """Outputs of some samples on the output domain, or at their `query` points."""
        return self.source.outputs(self._rows_of(samples))

    def outputs_at(
        self, samples: Int[Tensor, " b"], points: Int[Tensor, "*samples m"]
    ) -> Float[Tensor, "b channels m"]:
        """Outputs at flat indices of the output domain (or of `query`), shared (m,) or own (b, m)."""
        return self.source.outputs_at(self._rows_of(samples), points)

    def subset(self, samples: Int[Tensor, " k"] | Sequence[int]) -> "Dataset":
        """The data set of some samples, in the order given; nothing is copied."""
        return Dataset(self.description, self.source, self._rows_of(samples))

    def split(self, *parts: float | int, seed: int) -> tuple["Dataset", ...]:
        """Disjoint random parts of the given sizes (int) or fractions (float), in shuffled order.

        >>> train, test = data.split(0.8, 0.2, seed=0)  # doctest: +SKIP
        """
        sizes = [part if isinstance(part, int) else round(part * len(self)) for part in parts]
        if sum(sizes) == len(self) + 1 and not all(isinstance(part, int) for part in parts):
            sizes[-1] -= 1  # two halves of an odd number, both rounded up
        if min(sizes, default=0) < 1 or sum(sizes) > len(self):
            raise DataError(
                f"cannot split {len(self)} samples into parts of {sizes}: ask for positive parts, "
                f"{len(self)} at most together"
            )
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        return tuple(self.subset(part) for part in order[: sum(sizes)].split(sizes))

    def fingerprint(self) -> str:
        """SHA-256 of what determines the set: signature, problem, numbers (or seed) and choice of samples."""
        digest = sha256()
        about = {"signature": self.signature.to_json(), "problem": dict(self.problem)}
        digest.update(json.dumps(about, sort_keys=True).encode())
        digest.update(self.source.identity().encode())
        if self._rows is not None:
            digest.update(self._rows.numpy().tobytes())
        return digest.hexdigest()

    def __repr__(self) -> str:
        name = self.problem.get("name", "foreign data")
        return f"Dataset({len(self)} samples of {name}; output on {self.output_domain!r})"

    def fields(self, sample: int) -> dict[str, Field]:
        """All functions of one sample, the output under "output"; parameters are in `inputs`.

        A function on a domain of the sample's own, or an output at its `query`, is a field on a cloud.

        >>> data.fields(0)["output"].integral()  # doctest: +SKIP
        """
        from fredholm.data.sample_fields import fields_of

        return fields_of(self, sample)

    def plot(self, sample: int = 0) -> "Picture":
        """A picture of one sample: a panel for the first channel of every function; numbers are the title.

        >>> data.plot(3).savefig("sample.png")  # doctest: +SKIP
        """
        from fredholm.data.sample_fields import numbers_of, panels_of
        from fredholm.fields.pictures import panels

        return panels([panels_of(self.fields(sample))], [numbers_of(self, sample)])

    def _repr_html_(self) -> str:
        from fredholm.fields.html_table import html_table
        from fredholm.fields.signature_words import entries_of

        rows = [list(row.values()) for row in entries_of(self.signature)]
        name = self.problem.get("name", "foreign data")
        left_out = f", {len(self.failures)} could not be solved for" if self.failures else ""
        title = f"Dataset: {len(self)} samples of {name}{left_out}"
        return html_table(title, ["entry", "quantities", "shape of a sample", "where"], rows)

    def _rows_of(self, samples: Tensor | Sequence[int]) -> Tensor:
        samples = torch.as_tensor(samples, dtype=torch.int64)
        if samples.ndim != 1:
            raise DataError(f"samples are asked for by a list of numbers such as [0, 1], got {samples.tolist()!r}")
        if len(samples) and not 0 <= int(samples.min()) <= int(samples.max()) < len(self):
            raise DataError(
                f"samples {int(samples.min())}..{int(samples.max())} were asked for; "
                f"the data set has 0..{len(self) - 1}"
            )
        return samples if self._rows is None else self._rows[samples]


def _tensor(what: str, values: Values) -> Tensor:
    """float32, of whatever real numbers there are, in whichever byte order."""
    if isinstance(values, Tensor):
        numbers = not values.is_complex()
    else:
        numbers = isinstance(values, np.ndarray) and values.dtype.kind in "biuf"
    if not numbers:
        kind = getattr(values, "dtype", type(values).__name__)
        raise DataError(f"{what} is {kind}; expected a tensor or NumPy array of real numbers")
    return values.float() if isinstance(values, Tensor) else torch.from_numpy(np.array(values, np.float32))


def _require_same_type(what: str, function: Function, domain: Domain) -> None:
    if domain.kind != function.domain.kind:
        raise DataError(f"{what} is on {domain!r}, but the signature says a {function.domain.kind}")


def _domains(signature: Signature, given: Mapping[str, Domain], output: Domain) -> dict[str, Domain]:
    """The domains of the input functions: given, or the output's if of the same type, or told by the signature."""
    if unknown := sorted(set(given) - set(signature.inputs)):
        raise DataError(f"input_domains names {unknown[0]!r}, which is not among the inputs {sorted(signature.inputs)}")
    told = {
        name: output if entry.domain == signature.output.domain else entry.domain.grid()
        for name, entry in signature.inputs.items()
        if isinstance(entry, Function) and entry.domain.shape is not None and entry.domain.kind == "grid"
    }
    return {**told, **given}
