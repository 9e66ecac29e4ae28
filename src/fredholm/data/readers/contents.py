"""What a file holds, told before any of its values are read; and what a reader of a file format is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile

from fredholm.data.dataset import Dataset
from fredholm.data.lazy import Rows
from fredholm.data.readers.trajectories import Window
from fredholm.errors import DataError, FredholmError
from fredholm.fields.signature import Signature

_BROKEN = (OSError, ValueError, KeyError, IndexError, EOFError, RuntimeError, TypeError, BadZipFile, UnpicklingError)


@dataclass(frozen=True)
class StoredArray:
    """An array of a file: name, shape and type as stored, and what its axes mean where the format says."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    meaning: str = ""

    @classmethod
    def of(cls, name: str, array: Rows, meaning: str = "") -> "StoredArray":
        """Of an array that can be indexed."""
        return cls(name, tuple(array.shape), str(array.dtype).removeprefix("torch."), meaning)


@dataclass(frozen=True)
class Contents:
    """A file's format, arrays, data sets by split, and the conventions that were applied or assumed.

    A split is "train", "valid" or "test" where the file or its benchmark makes one; "all" is everything.
    """

    format: str
    arrays: tuple[StoredArray, ...]
    splits: Mapping[str, Dataset] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def split(self, name: str | None, path: Path) -> Dataset:
        """The data set of a split; by default "all", or the only one. Raises DataError for one that there is not."""
        if name is None:
            name = "all" if len(self.splits) != 1 else next(iter(self.splits))
        if name not in self.splits:
            asked = "choose a split" if name == "all" else f"there is no split {name!r}"
            known = ", ".join(self.splits) or f"none. {' '.join(self.notes)}"
            raise DataError(f"{path}: {asked}; it has {known}")
        return self.splits[name]

    def to_json(self) -> dict[str, Any]:
        """All that is told of the file, as JSON."""
        return {
            "format": self.format,
            "arrays": [{**vars(array), "shape": list(array.shape)} for array in self.arrays],
            "splits": {name: len(data) for name, data in self.splits.items()},
            "signatures": [{"splits": names, **signature.to_json()} for names, signature in self.signatures()],
            "notes": list(self.notes),
        }

    def signatures(self) -> list[tuple[list[str], Signature]]:
        """The signatures of the splits, each with the splits that share it."""
        found: list[tuple[list[str], Signature]] = []
        for name, data in self.splits.items():
            for names, signature in found:
                if signature == data.signature:
                    names.append(name)
                    break
            else:
                found.append(([name], data.signature))
        return found


@dataclass(frozen=True)
class Choice:
    """What a file leaves to choose: the window of trajectories, and which variables go in and come out."""

    window: Window = field(default_factory=Window)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """A file format: whether a path looks like it (from its name and first bytes), and how to read it."""

    name: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, Choice], Contents]


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Whatever goes wrong inside is a DataError that names the file and what it was taken for."""
    try:
        yield
    except FredholmError:
        raise
    except _BROKEN as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{path} cannot be read as {what}: {reason}. It is cut short, damaged or laid out otherwise; "
            "fetch it again and compare sizes"
        ) from error


def first_bytes(path: Path, count: int = 16) -> bytes:
    """The first bytes of a file, none of a directory."""
    if not path.is_file():
        return b""
    with open(path, "rb") as file:
        return file.read(count)


def parts_of(data: Dataset, train: int, test: int) -> dict[str, Dataset]:
    """A benchmark's split: the first `train` samples and the last `test`, where there are as many; and all."""
    count = len(data)
    if count < train + test:
        return {"all": data}
    return {"train": data.subset(range(train)), "test": data.subset(range(count - test, count)), "all": data}


def trajectory_parts(data: Dataset, trajectories: int, train: int, test: int) -> dict[str, Dataset]:
    """Likewise by whole trajectories: samples of one trajectory are in one split."""
    if trajectories < train + test:
        return {"all": data}
    owner = data.labels["trajectory"]
    return {
        "train": data.subset((owner < train).nonzero()[:, 0]),
        "test": data.subset((owner >= trajectories - test).nonzero()[:, 0]),
        "all": data,
    }


def split_named(path: Path) -> str:
    """The split that a file's name speaks of, or "all".

    >>> split_named(Path("nsforcing_128_test.pt")), split_named(Path("data.h5"))
    ('test', 'all')
    """
    name = path.name.lower()
    found = [split for split in ("train", "valid", "test") if split in name]
    return found[0] if len(found) == 1 else "all"
