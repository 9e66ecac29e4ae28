"""Data sets that this toolkit generated, among the formats that can be inspected."""

import json
from pathlib import Path

from fredholm.data.dataset import Dataset
from fredholm.data.failures import told
from fredholm.data.readers.contents import Choice, Contents, Format, StoredArray, split_named
from fredholm.data.store import METADATA, Store, open_dataset


def read(path: Path, choice: Choice) -> Contents:
    """The data set, with what made it and which samples failed."""
    store, data = Store(path), open_dataset(path)
    about = store.provenance
    notes = [
        f"problem {about.problem['name']}, seed {about.seed}, version {about.version}",
        f"parameters {json.dumps(about.problem['parameters'])}",
    ]
    if data.failures:
        notes.append(told(data.failures, about.samples, about.seed))
    stored = tuple(
        StoredArray(name, (array.rows, *array.shape), array.dtype.name) for name, array in store.arrays.items()
    )
    splits: dict[str, Dataset] = {split_named(path): data}
    return Contents("data set made by fredholm generate", stored, splits, tuple(notes))


def _looks_like(path: Path) -> bool:
    try:
        return "fredholm" in json.loads((path / METADATA).read_text())["attributes"]
    except (OSError, ValueError, KeyError):
        return False


FORMAT = Format("data set made by fredholm generate", _looks_like, read)
