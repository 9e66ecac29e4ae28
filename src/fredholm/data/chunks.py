"""Chunk files: the rows of one array on disk, a fixed number of rows to a file.

A file is the bytes of its rows, little-endian and row-major, which is what zarr (version 3) calls a chunk
with the codec "bytes". Without compression a point is read where it lies, and nothing is decoded: random access
is what training needs. The price is space, which smooth fields on fine grids would save several times over.

A chunk file appears by renaming, whole. Its presence is therefore the record of what has been finished.
"""

import errno
import math
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from fredholm.data.source import gather
from fredholm.errors import DataError

_READERS = 8  # requests to a disk at a time
_WORTH_THREADS = 256 * 1024  # bytes; a small batch is read sooner than it is handed out
_MAPS = 4096  # files of one array held open as memory maps; systems allow some 65 000 in all


@dataclass(frozen=True)
class ChunkedArray:
    """An array (rows, *shape) in `directory`, `per_chunk` rows to a file, the last one padded."""

    directory: Path
    rows: int
    per_chunk: int
    shape: tuple[int, ...]
    dtype: np.dtype

    @classmethod
    def of_metadata(cls, directory: Path, metadata: Mapping[str, Any]) -> "ChunkedArray":
        """The array that a zarr metadata document describes."""
        rows, *shape = metadata["shape"]
        per_chunk = metadata["chunk_grid"]["configuration"]["chunk_shape"][0]
        dtype = np.dtype(metadata["data_type"]).newbyteorder("<")
        return cls(directory, rows, per_chunk, tuple(shape), dtype)

    @property
    def chunks(self) -> int:
        """Number of chunk files."""
        return -(-self.rows // self.per_chunk)

    @property
    def chunk_bytes(self) -> int:
        """Size of every chunk file."""
        return self.per_chunk * math.prod(self.shape) * self.dtype.itemsize

    def file(self, chunk: int) -> Path:
        """The file of a chunk."""
        return self.directory / ".".join(["c", str(chunk), *["0"] * len(self.shape)])

    def present(self) -> set[int]:
        """Chunks whose file is there, whole."""
        if not self.directory.is_dir():
            return set()
        with os.scandir(self.directory) as entries:
            whole = [e.name for e in entries if e.name.startswith("c.") and e.stat().st_size == self.chunk_bytes]
        return {int(name.split(".")[1]) for name in whole} & set(range(self.chunks))

    def require_complete(self) -> None:
        """Raise DataError naming the first chunk file that is missing or of the wrong size."""
        missing = set(range(self.chunks)) - self.present()
        if not missing:
            return
        file = self.file(min(missing))
        fault = f"holds {file.stat().st_size} bytes" if file.exists() else "is missing"
        raise DataError(
            f"{file} {fault}; expected {self.chunk_bytes} bytes. Copy the data set again from its origin, "
            "or call fredholm.generate with the arguments that made it, which fills in what is missing"
        )

    def write(self, chunk: int, values: np.ndarray, scratch: Path) -> None:
        """Write rows (at most `per_chunk`) as one chunk, beside in `scratch` and renamed; raises DataError."""
        padding = np.full((self.per_chunk - len(values), *self.shape), self.fill, self.dtype)
        rows = np.concatenate([values.astype(self.dtype), padding])
        beside = scratch / f"{self.directory.name}.{chunk}.{os.getpid()}"
        try:
            with open(beside, "wb") as file:
                file.write(rows.tobytes())
            os.replace(beside, self.file(chunk))
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise not_written(error, self.file(chunk)) from error

    @property
    def fill(self) -> float:
        """What stands in the padding of the last chunk."""
        return math.nan if self.dtype.kind == "f" else 0

    def read(self, chunk: int, into: np.ndarray) -> None:
        """Read a chunk into (per_chunk, *shape)."""
        with open(self.file(chunk), "rb", buffering=0) as file:
            if file.readinto(into.view(np.uint8).data) != self.chunk_bytes:
                raise DataError(f"{self.file(chunk)} has been cut short since the data set was opened")

    def read_rows(self, rows: Sequence[int], into: np.ndarray) -> None:
        """Read rows into (len(rows), *shape), whole, in the order given.

        In calls of the system's, for they are all there is to a small row: paths and file objects cost more than it.
        """
        before, after = f"{self.directory}{os.sep}c.", ".0" * len(self.shape)
        for row, target in zip(rows, into, strict=True):
            chunk, place = divmod(row, self.per_chunk)
            handle = os.open(f"{before}{chunk}{after}", os.O_RDONLY)
            try:
                count = os.preadv(handle, [target.reshape(-1).view(np.uint8).data], place * target.nbytes)
            finally:
                os.close(handle)
            if count != target.nbytes:
                raise DataError(f"{self.file(chunk)} has been cut short since the data set was opened")

    def read_all(self) -> np.ndarray:
        """All rows; for small arrays."""
        values = np.empty((self.chunks, self.per_chunk, *self.shape), self.dtype)
        for chunk in range(self.chunks):
            self.read(chunk, values[chunk])
        return values.reshape(-1, *self.shape)[: self.rows]

    def sha256(self, advance: Callable[[], None] = lambda: None) -> str:
        """Digest of all chunk files, in order; `advance` is called after each."""
        digest = sha256()
        for chunk in range(self.chunks):
            digest.update(self.file(chunk).read_bytes())
            advance()
        return digest.hexdigest()


@cache
def _readers() -> ThreadPoolExecutor:
    """The threads that wait for the disk, of this process."""
    return ThreadPoolExecutor(_READERS, "fredholm-reader")


def not_written(error: OSError, file: Path) -> DataError:
    """The error to raise where the system could not write a file."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    fault = "the disk is full: free space" if full else f"{error.strerror}: correct that"
    return DataError(
        f"cannot write {file}: {fault}, and call fredholm.generate again. What is finished stays and counts"
    )


class ResidentArray:
    """Rows of an array that fits in memory: each chunk is read when first asked for, and kept."""

    def __init__(self, array: ChunkedArray) -> None:
        self._array = array
        self._held = np.empty((array.chunks, array.per_chunk, *array.shape), array.dtype)  # untouched: costs nothing
        self._present = np.zeros(array.chunks, bool)
        self._rows = torch.from_numpy(self._held.reshape(-1, *array.shape))

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process: the files, of which nothing has been read."""
        return type(self), (self._array,)

    def rows(self, rows: Int[Tensor, " b"]) -> Float[Tensor, "b *shape"]:
        """Rows, as float32."""
        self._load(rows)
        return self._rows[rows].float()

    def at(self, rows: Int[Tensor, " b"], points: Int[Tensor, "*rows m"]) -> Float[Tensor, "b channels m"]:
        """Rows at flat point indices, as float32."""
        self._load(rows)
        return gather(self._rows.flatten(2), rows, points).float()

    def _load(self, rows: Tensor) -> None:
        chunks = np.unique(rows.numpy() // self._array.per_chunk)
        for chunk in chunks[~self._present[chunks]]:
            self._array.read(int(chunk), self._held[chunk])
            self._present[chunk] = True


class MappedArray:
    """Rows of an array larger than memory allows: nothing is kept but what the operating system's cache does.

    Points are read through memory maps, of which only touched pages are read; the maps are bounded in number, the least
    recently used going first. Whole rows are read at once and several at a time, since a disk is as fast as it can be
    only with several requests under way.
    """

    def __init__(self, array: ChunkedArray) -> None:
        self._array = array
        self._map = lru_cache(maxsize=_MAPS)(self._open)

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process: the files, of which none is mapped."""
        return type(self), (self._array,)

    def rows(self, rows: Int[Tensor, " b"]) -> Float[Tensor, "b *shape"]:
        """Rows, as float32."""
        values = np.empty((len(rows), *self._array.shape), self._array.dtype)
        if values.nbytes < _WORTH_THREADS:
            for i, row in enumerate(rows.tolist()):
                values[i] = self._row(row)
        else:
            shares = [rows[start::_READERS].tolist() for start in range(_READERS)]
            targets = [values[start::_READERS] for start in range(_READERS)]
            deque(_readers().map(self._array.read_rows, shares, targets), maxlen=0)
        result = torch.from_numpy(
            np.empty(values.shape, np.float32)
        )  # NumPy's memory comes in large pages, torch's not
        return result.copy_(torch.from_numpy(values))

    def at(self, rows: Int[Tensor, " b"], points: Int[Tensor, "*rows m"]) -> Float[Tensor, "b channels m"]:
        """Rows at flat point indices, as float32."""
        where = points.expand(len(rows), -1).numpy()
        channels = self._array.shape[0]
        values = np.empty((len(rows), channels, where.shape[1]), self._array.dtype)
        for i, row in enumerate(rows.tolist()):
            values[i] = self._row(row).reshape(channels, -1)[:, where[i]]
        return torch.from_numpy(values).float()

    def _row(self, row: int) -> np.ndarray:
        values: np.ndarray = self._map(row // self._array.per_chunk)[row % self._array.per_chunk]
        return values

    def _open(self, chunk: int) -> np.ndarray:
        shape = (self._array.per_chunk, *self._array.shape)
        # a plain array over the map: np.memmap costs several times as much at every index
        return np.asarray(np.memmap(self._array.file(chunk), self._array.dtype, "r", shape=shape))
