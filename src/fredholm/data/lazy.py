"""The source of data in somebody else's file: rows read by functions when they are asked for, and checked as they come.

A reader of a file format states for each input and for the output a function from row numbers to values. Whatever the
file's axis order or precision is, that function undoes it.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from fredholm.data.source import Source, gather
from fredholm.fields.signature import Inputs, require_finite

Read = Callable[[np.ndarray], np.ndarray]  # row numbers (b,) -> values (b, ...)
_SAMPLED = 1024**2  # bytes at either end of a file by which it is told from others


@runtime_checkable
class Rows(Protocol):
    """An array on disk: its shape and type are known, and indexing reads."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of its axes."""

    @property
    def dtype(self) -> Any:
        """Type of its values."""

    def __getitem__(self, index: Any) -> Any:
        """Read a part."""


class LazySource(Source):
    """Rows read by functions; raises SignatureError on values that are not finite.

    `where` is the file or folder, or words for what is in memory. `query` reads the points (n, m, d) of every row,
    where each has its own. `choice` tells apart what is read from one file in different ways.
    """

    def __init__(
        self,
        where: Path | str,
        count: int,
        inputs: Mapping[str, Read],
        output: Read,
        *,
        query: Callable[[], np.ndarray] | None = None,
        labels: Mapping[str, Tensor] | None = None,
        choice: str = "",
    ) -> None:
        self._where, self._count, self._choice = where, count, choice
        self._inputs, self._output, self._query = dict(inputs), output, query
        self._labels = dict(labels or {})

    def __len__(self) -> int:
        return self._count

    @property
    def labels(self) -> Mapping[str, Tensor]:
        return self._labels

    @cached_property
    def query(self) -> Tensor | None:
        return None if self._query is None else _tensor(self._query())

    def inputs(self, rows: Int[Tensor, " b"]) -> Inputs:
        return {name: self._checked(f"input {name!r}", read, rows) for name, read in self._inputs.items()}

    def outputs(self, rows: Int[Tensor, " b"]) -> Float[Tensor, "b channels *shape"]:
        return self._checked("the output", self._output, rows)

    def outputs_at(self, rows: Int[Tensor, " b"], points: Int[Tensor, "*rows m"]) -> Float[Tensor, "b channels m"]:
        values = self.outputs(rows).flatten(2)
        return gather(values, torch.arange(len(rows)), points)

    def identity(self) -> str:
        if isinstance(self._where, Path):
            return fingerprint_of(self._where) + self._choice
        digest = sha256(self._choice.encode())
        for name, read in sorted({**self._inputs, " output": self._output}.items()):
            digest.update(name.encode() + np.ascontiguousarray(read(np.arange(self._count)), np.float32).tobytes())
        return digest.hexdigest()

    def _checked(self, what: str, read: Read, rows: Tensor) -> Tensor:
        values = _tensor(read(rows.numpy()))
        require_finite(f"{what} of samples {rows.tolist()[:8]} in {self._where}", values)
        return values


def rows_of(array: Rows, channels_last: bool = False, channel_axis: bool = False) -> Read:
    """Reads samples (b, channels, *shape) of an array (n, *shape), (n, channels, *shape) or (n, *shape, channels).

    >>> rows_of(np.arange(6.0).reshape(3, 2))(np.array([2, 0])).tolist()
    [[[4.0, 5.0]], [[0.0, 1.0]]]
    """

    def read(rows: np.ndarray) -> np.ndarray:
        values = np.stack([np.asarray(array[int(row)]) for row in rows])
        if channels_last:
            return np.moveaxis(values, -1, 1)
        return values if channel_axis else values[:, None]

    return read


def fingerprint_of(path: Path) -> str:
    """A digest that tells files apart without reading them whole: sizes, and both ends of each file."""
    digest = sha256()
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    for file in files:
        size = file.stat().st_size
        digest.update(f"{file.relative_to(path) if path.is_dir() else ''}{size}".encode())
        with open(file, "rb") as opened:
            digest.update(opened.read(_SAMPLED))
            opened.seek(max(0, size - _SAMPLED))
            digest.update(opened.read(_SAMPLED))
    return digest.hexdigest()


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
