"""The `.pt` files of the neuraloperator library: a dictionary of tensors `x` and `y`, or `input` and `output`.

    darcy_{train,test}_{n}.pt           x: (N, n, n) permeability, often bool;  y: (N, n, n) pressure
    nsforcing_{train,test}_{n}.pt       x: (N, n, n) forcing;  y: (N, n, n) vorticity at time 5, on the torus [0, 2π)²
    burgers_lowres.pt and others        input: (N, n) at time 0;  output: (N, frames, n), the first frame the input

An axis of channels behind that of samples may be there or not. Values are as stored: the normalisers that the library
fits when it loads them belong to an operator here. Only tensors are unpickled, and they are mapped, not read.

Source: Kossaifi et al., "A library for learning neural operators", 2024; data at Zenodo, records 12784353 and 12825163.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fredholm.data.lazy import Read
from fredholm.data.readers.contents import Choice, Contents, Format, StoredArray, split_named
from fredholm.data.readers.pairs import Stored, pairs
from fredholm.errors import DataError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid

_AXES = ("x", "y", "z")


def read(path: Path, choice: Choice) -> Contents:
    """The data set of a file; raises DataError for one whose dictionary is another."""
    tensors = _tensors(path)
    pair = next((pair for pair in (("x", "y"), ("input", "output")) if set(pair) <= set(tensors)), None)
    if pair is None:
        raise DataError(
            f"{path} holds {sorted(tensors)}; expected the tensors x and y, or input and output. "
            "Load it with torch.load(weights_only=True) "
            "and pass its tensors to Dataset.from_arrays"
        )
    x, y = (tensors[name] for name in pair)
    if len(x) != len(y):
        raise DataError(f"{path} has {len(x)} samples of {pair[0]} and {len(y)} of {pair[1]}")
    given, asked, extent, periodic, note = _meaning(path)
    in_time = y.ndim == x.ndim + 1 and y.shape[-1] == x.shape[-1] and "burgers" in path.name
    has_channels = not in_time and x.ndim > 2 and x.shape[1] == y.shape[1] == 1
    spatial = x.shape[2:] if has_channels else x.shape[1:]
    grid = Grid(*(Axis(name, 0.0, extent, size, periodic=periodic) for name, size in zip(_AXES, spatial, strict=False)))
    output: Domain = grid * Grid(Axis("t", 0.0, 1.0, y.shape[1])) if in_time else grid
    data = pairs(
        path,
        len(x),
        {given: Stored.one(given, _reader(x, has_channels, False), grid)},
        Stored.one(asked, _reader(y, has_channels, in_time), output),
    )
    stored = tuple(StoredArray.of(name, tensor) for name, tensor in tensors.items())
    return Contents("neuraloperator .pt file", stored, {split_named(path): data}, (note,))


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        loaded: Any = torch.load(path, weights_only=True, mmap=True)
    except (RuntimeError, ValueError) as error:
        if "mmap" not in str(error):
            raise
        loaded = torch.load(path, weights_only=True)  # of the time before zip archives: cannot be mapped
    if not isinstance(loaded, dict):
        raise DataError(f"{path} holds a {type(loaded).__name__}; expected a dictionary of tensors x and y")
    return {str(name): value for name, value in loaded.items() if isinstance(value, torch.Tensor)}


def _meaning(path: Path) -> tuple[str, str, float, bool, str]:
    """Names of input and output, extent of an axis, whether it closes on itself, and what to say of that."""
    name = path.name.lower()
    if "darcy" in name:
        return "coefficient", "pressure", 1.0, False, "on the unit square; the file says no more of its points"
    if "nsforcing" in name or "navier" in name:
        return "forcing", "vorticity", 2 * math.pi, True, "on the torus [0, 2π)²; vorticity at time 5"
    if "burgers" in name:
        return (
            "initial",
            "velocity",
            1.0,
            True,
            "periodic with period 1; frames are stored time first, here time is last",
        )
    return "x", "y", 1.0, False, "the file's name says nothing of what x and y are: points are counted from 0 to 1"


def _reader(tensor: torch.Tensor, has_channels: bool, time_first: bool) -> Read:
    def read(rows: np.ndarray) -> np.ndarray:
        values = tensor[torch.from_numpy(rows)].float().numpy()
        if time_first:
            values = np.swapaxes(values, 1, 2)
        return values if has_channels else values[:, None]

    return read


FORMAT = Format("PyTorch file", lambda path: path.is_file() and path.suffix in (".pt", ".pth"), read)
