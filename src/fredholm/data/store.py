"""Stores: a data set in a directory, opened without reading its values.

The group's metadata document records what made the set (`Provenance`) and, once every sample is there, a
seal: the digest of that document and of each array's bytes. Opening checks the document against the seal, and
that every chunk file is there and whole; `verify` reads all values and checks them too. No time and no name
of a machine is recorded: the same problem, seed and number of samples give the same bytes, however the work
was scheduled or interrupted.
"""

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from fredholm.data.chunks import ChunkedArray, MappedArray, ResidentArray
from fredholm.data.dataset import Dataset, Description
from fredholm.data.failures import NOTES, read_notes
from fredholm.data.layout import INPUT, LABEL, OUTPUT
from fredholm.data.source import Source
from fredholm.errors import DataError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Inputs, Signature
from fredholm.problems.problem import Problem

METADATA = "zarr.json"
MEMORY = 512 * 1024**2  # bytes of an array up to which it is kept in memory once read


@dataclass(frozen=True)
class Provenance:
    """What determines a generated set: problem, seed, number, precision, and the version that made it."""

    problem: Mapping[str, Any]
    seed: int
    samples: int
    dtype: str
    version: str

    @classmethod
    def of(cls, problem: Problem, samples: int, seed: int, dtype: str) -> "Provenance":
        """The provenance of a set about to be generated."""
        from fredholm import __version__

        return cls(identity_of(problem), seed, samples, dtype, __version__)

    def differences(self, other: "Provenance") -> list[str]:
        """What differs, number of samples and version aside: 'seed is 1, not 2'."""
        found = problem_differences(self.problem, other.problem)
        for name in ("seed", "dtype"):
            here, there = getattr(self, name), getattr(other, name)
            if here != there:
                found.append(f"{name} is {here}, not {there}")
        return found


def identity_of(problem: Problem) -> dict[str, Any]:
    """Name and parameters of a problem, as JSON; numbers that JSON lacks become text, such as "inf"."""
    return {"name": problem.name, "parameters": _plain(problem.parameters())}


def problem_differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """In what two problems differ, in words; empty if in nothing."""
    if here.get("name") != there.get("name"):
        return [f"problem is {here.get('name')!r}, not {there.get('name')!r}"]
    ours, theirs = here.get("parameters", {}), there.get("parameters", {})
    names = sorted(n for n in set(ours) | set(theirs) if ours.get(n) != theirs.get(n))
    return [f"parameter {name!r} is {ours.get(name)}, not {theirs.get(name)}" for name in names]


class Store:
    """A directory with a data set, complete or in the making; raises DataError where it is not one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        file = path / METADATA
        if not file.is_file():
            what = "does not exist" if not path.exists() else f"has no {METADATA}: it is not a data set"
            raise DataError(f"{path} {what}; expected a directory that fredholm.generate wrote")
        try:
            self._document = json.loads(file.read_text())
            self._about = self._document["attributes"]["fredholm"]
            self.arrays = {
                name: ChunkedArray.of_metadata(path / name, metadata)
                for name, metadata in self._document["consolidated_metadata"]["metadata"].items()
                if name == OUTPUT or name.startswith((INPUT, LABEL))
            }
            self.provenance = Provenance(**self._about["provenance"])
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise _damaged(file, f"cannot be read ({error!r})") from error

    @property
    def complete(self) -> bool:
        """Whether every sample has been written and the seal set."""
        return "seal" in self._about

    @property
    def samples(self) -> dict[str, ChunkedArray]:
        """The arrays that hold one row for each sample: output and inputs."""
        return {name: array for name, array in self.arrays.items() if not name.startswith(LABEL)}

    def finished(self) -> set[int]:
        """Chunks that are whole in every array."""
        return set.intersection(*(array.present() for array in self.samples.values()))

    @property
    def done(self) -> int:
        """Number of samples that have been written."""
        return min(len(self.finished()) * self.arrays[OUTPUT].per_chunk, self.provenance.samples)

    def description(self) -> Description:
        """Signature, domains and problem."""
        domains = {name: Domain.from_json(d) for name, d in self._about["input_domains"].items()}
        return Description(
            Signature.from_json(self._about["signature"]),
            Domain.from_json(self._about["output_domain"]),
            domains,
            self.provenance.problem,
            self.failures,
        )

    @property
    def failures(self) -> dict[int, str]:
        """Samples that could not be solved for, with the reasons: their rows of the output are NaN."""
        noted = self._about.get("seal", {}).get("failures", {})
        return {int(sample): reason for sample, reason in noted.items()}

    def solved(self) -> Int[Tensor, " n"] | None:
        """The rows that have a solution; None if all have."""
        if not self.failures:
            return None
        return torch.tensor([row for row in range(self.provenance.samples) if row not in self.failures])

    def require_whole(self) -> None:
        """Raise DataError unless the set is complete, its metadata untouched, and all its files whole."""
        self.require_sealed()
        for array in self.arrays.values():
            array.require_complete()

    def require_sealed(self) -> None:
        """Raise DataError unless the set has been completed, and its metadata left as it was then."""
        if not self.complete:
            raise DataError(
                f"{self.path} is incomplete: {self.done} of {self.provenance.samples} samples are there; call "
                "fredholm.generate again with the same arguments, and it will go on where it stopped"
            )
        if self._about["seal"]["metadata"] != metadata_digest(self._document):
            raise _damaged(self.path / METADATA, "has been edited since the data set was completed")
        for name, metadata in self._document["consolidated_metadata"]["metadata"].items():
            own = self.path / name / METADATA
            try:
                unchanged = _without_consolidated(json.loads(own.read_text())) == _without_consolidated(metadata)
            except (OSError, ValueError):
                unchanged = False
            if not unchanged:
                raise _damaged(own, f"is missing or differs from what {METADATA} of the group says")

    def seal(self, scratch: Path, advance: Callable[[], None]) -> None:
        """Record that all is there: digests of the metadata and of every array, and failures, in one atomic rename.

        `advance` is called after each chunk that has been read.
        """
        seal = {
            "metadata": metadata_digest(self._document),
            "failures": {str(sample): reason for sample, reason in read_notes(self.path / NOTES).items()},
            "sha256": {name: array.sha256(advance) for name, array in sorted(self.arrays.items())},
        }
        self._rewrite({**self._about, "seal": seal}, scratch)

    def unseal(self, scratch: Path) -> None:
        """Take the seal off, before the set is extended."""
        self._rewrite({key: value for key, value in self._about.items() if key != "seal"}, scratch)

    def verify(self) -> None:
        """Read every byte; raise DataError naming the first array that is not as it was written."""
        self.require_whole()
        for name, expected in self._about["seal"]["sha256"].items():
            if self.arrays[name].sha256() != expected:
                raise _damaged(self.path / name, "holds other values than were written")
        if read_notes(self.path / NOTES) != self.failures:
            raise _damaged(self.path / NOTES, "names other failures than the seal does")

    def _rewrite(self, about: Mapping[str, Any], scratch: Path) -> None:
        self._about = dict(about)
        self._document["attributes"]["fredholm"] = self._about
        beside = scratch / METADATA
        beside.write_text(json.dumps(self._document, indent=2))
        os.replace(beside, self.path / METADATA)


class StoreSource(Source):
    """A complete store as the source of a data set.

    Arrays that fit in `memory` bytes together are kept once read; larger ones are read through memory maps.
    """

    def __init__(self, store: Store, memory: int = MEMORY) -> None:
        self._store = store
        total = sum(array.chunks * array.chunk_bytes for array in store.samples.values())
        kind = ResidentArray if total <= memory else MappedArray
        self._arrays = {name: kind(array) for name, array in store.samples.items()}

    def __len__(self) -> int:
        return self._store.provenance.samples

    @cached_property
    def query(self) -> Tensor | None:
        signature = self._store.description().signature
        if signature.output.domain.shape is not None:
            return None
        return self._arrays[INPUT + signature.moving_input + ".coordinates"].rows(torch.arange(len(self)))

    @cached_property
    def labels(self) -> Mapping[str, Tensor]:
        return {
            name.removeprefix(LABEL): torch.from_numpy(array.read_all())
            for name, array in self._store.arrays.items()
            if name.startswith(LABEL)
        }

    def inputs(self, rows: Int[Tensor, " b"]) -> Inputs:
        named = {name: array for name, array in self._arrays.items() if name != OUTPUT}
        return {name.removeprefix(INPUT): array.rows(rows) for name, array in named.items()}

    def outputs(self, rows: Int[Tensor, " b"]) -> Float[Tensor, "b channels *shape"]:
        return self._arrays[OUTPUT].rows(rows)

    def outputs_at(self, rows: Int[Tensor, " b"], points: Int[Tensor, "*rows m"]) -> Float[Tensor, "b channels m"]:
        return self._arrays[OUTPUT].at(rows, points)

    def identity(self) -> str:
        about = self._store.provenance
        return json.dumps([about.seed, about.samples, about.dtype, about.version])


def open_dataset(path: str | Path, problem: Problem | None = None, *, memory: int = MEMORY) -> Dataset:
    """The data set in a directory that `generate` wrote; no values are read until they are asked for.

    Samples that could not be solved for are not in it; its `failures` name them.

    Args:
        path: the directory.
        problem: if given, the set must be of this problem.
        memory: bytes up to which the set is kept in memory once read; larger ones are read by memory maps.

    Raises:
        DataError: the set is missing, incomplete, damaged, or of another problem; the message names the file.
    """
    store = Store(Path(path))
    if problem is not None:
        differences = problem_differences(store.provenance.problem, identity_of(problem))
        if differences:
            raise DataError(
                f"{path} is of another problem: {'; '.join(differences)}. Open it with the problem that made it"
            )
    store.require_whole()
    return Dataset(store.description(), StoreSource(store, memory), store.solved())


def verify(path: str | Path) -> None:
    """Read every byte of a data set and compare with the digests taken when it was made; raises DataError."""
    Store(Path(path)).verify()


def metadata_digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of a group's metadata document, its seal aside."""
    about = {k: v for k, v in document["attributes"]["fredholm"].items() if k != "seal"}
    unsealed = {**document, "attributes": {**document["attributes"], "fredholm": about}}
    return sha256(json.dumps(unsealed, sort_keys=True).encode()).hexdigest()


def _without_consolidated(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if key != "consolidated_metadata"}


def _damaged(file: Path, fault: str) -> DataError:
    return DataError(f"{file} {fault}: copy the data set again from its origin, or delete it and generate it anew")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
