"""NumPy's files without code: arrays are mapped or read, and nothing that a pickle names is called.

Some published archives hold an array of arrays ("object" type), which NumPy stores as a pickle. It is read here by an
unpickler that knows how to make arrays and nothing else, so that a file cannot run anything.
"""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from fredholm.errors import DataError

_MAKES_ARRAYS = {
    (module, name)
    for module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy")
    for name in ("_reconstruct", "scalar", "ndarray", "dtype")
} | {("_codecs", "encode")}  # bytes, as pickles of protocol 2 have them


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _MAKES_ARRAYS:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, which is no array: that could run code")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def mapped(path: Path) -> np.ndarray:
    """The array of a .npy file, as a memory map; raises DataError for one that holds Python objects."""
    with open(path, "rb") as file:
        if file.read(len(npy.MAGIC_PREFIX)) != npy.MAGIC_PREFIX:
            raise DataError(f"{path} is named .npy but does not begin as a NumPy file does")
        file.seek(0)
        if _header(file)[2].hasobject:
            raise DataError(f"{path} holds pickled Python objects, which could run code: save plain arrays instead")
    values: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return values


def archive(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a .npz file; entries NAME that are arrays of arrays become NAME0, NAME1, ..."""
    arrays: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(path) as opened:
        for entry in opened.namelist():
            name = entry.removesuffix(".npy")
            values = _read(opened.read(entry), path, name)
            if values.dtype.hasobject:
                arrays |= {f"{name}{i}": np.asarray(part) for i, part in enumerate(values.ravel())}
            else:
                arrays[name] = values
    for name, values in arrays.items():
        if values.dtype.kind not in "biuf":
            raise DataError(f"{path}: {name} holds {values.dtype}, not numbers")
    return arrays


def _read(content: bytes, path: Path, name: str) -> np.ndarray:
    file = io.BytesIO(content)
    shape, _, dtype = _header(file)
    if not dtype.hasobject:
        return np.asarray(npy.read_array(io.BytesIO(content), allow_pickle=False))
    try:
        values = _ArraysOnly(file, encoding="latin1").load()
    except pickle.UnpicklingError as error:
        raise DataError(f"{path}: {name} is refused: {error}") from error
    return np.asarray(values, dtype=object).reshape(shape) if isinstance(values, np.ndarray) else np.array(values)


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(file)
    return shape, fortran, dtype
