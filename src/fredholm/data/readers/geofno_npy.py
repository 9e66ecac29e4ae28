"""Geo-FNO's `.npy` files: problems whose geometry differs by sample. Name any one file of a set, or the folder.

    NACA_Cylinder_{X, Y, Q}.npy               airfoils: X, Y (N, 221, 51);  Q (N, 5, 221, 51), Mach number Q[:, 4]
    Pipe_{X, Y, Q}.npy                        pipes: X, Y (N, 129, 129);  Q (N, c, 129, 129), velocity along x Q[:, 0]
    Random_UnitCell_{XY, sigma, rr}_10.npy    plates with a void: XY (972, 2, N), stress (972, N), radii (42, N)

Each sample has points of its own: the input `geometry`, whose channels are the two indices of a structured mesh counted
from 0 to 1, or one on a cloud. Samples are the last axis of the plates' files, and the first here. Files are mapped.

Source: Li, Huang, Liu, Anandkumar, "Fourier neural operator with learned deformations for PDEs on general geometries",
JMLR 24 (2023).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from fredholm.data.dataset import Dataset, Description
from fredholm.data.lazy import LazySource, Read
from fredholm.data.readers.contents import Choice, Contents, Format, StoredArray, parts_of
from fredholm.data.readers.numpy_files import mapped
from fredholm.errors import DataError
from fredholm.fields.domain import Coordinate
from fredholm.fields.point_cloud import PointCloud
from fredholm.fields.signature import DomainType, Function, Parameter, Quantity, Signature

GEOMETRY = "geometry"
_STRUCTURED = {  # prefix: which channel of Q, what it is
    "NACA_Cylinder_": (4, Quantity("mach_number")),
    "Pipe_": (0, Quantity("velocity_x")),
}
_CELL = "Random_UnitCell_{}_10.npy"


def read(path: Path, choice: Choice) -> Contents:
    """The data set of the files that belong to `path`; raises DataError naming one that is missing."""
    folder = path if path.is_dir() else path.parent
    for prefix, (channel, quantity) in _STRUCTURED.items():
        if _belongs(path, prefix):
            return _structured(folder, prefix, channel, quantity)
    return _cells(folder)


def _structured(folder: Path, prefix: str, channel: int, quantity: Quantity) -> Contents:
    files = {part: _opened(folder / f"{prefix}{part}.npy") for part in "XYQ"}
    x, y, q = files.values()
    if not x.shape == y.shape == (q.shape[0], *q.shape[2:]):
        raise DataError(f"{folder}: X {x.shape}, Y {y.shape} and Q {q.shape} of {prefix} do not belong together")
    rows, columns = x.shape[1:]
    along = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    indices = np.stack(along).reshape(1, 2, -1)

    def points(wanted: np.ndarray) -> np.ndarray:
        return np.stack([x[wanted], y[wanted]], -1).reshape(len(wanted), -1, 2)

    data = _on_own_points(
        folder / f"{prefix}X.npy",
        len(x),
        points,
        lambda wanted: _cell_shares(x[wanted], y[wanted]).reshape(len(wanted), -1),
        (Quantity("i"), Quantity("j")),
        lambda wanted: np.broadcast_to(indices, (len(wanted), *indices.shape[1:])),
        quantity,
        lambda wanted: q[wanted, channel].reshape(len(wanted), 1, -1),
    )
    notes = (f"the output is channel {channel} of Q; points are numbered row by row on the {rows} x {columns} mesh",)
    return Contents("Geo-FNO .npy files", _shown(files, prefix), parts_of(data, 1000, 200), notes)


def _cells(folder: Path) -> Contents:
    files = {part: _opened(folder / _CELL.format(part)) for part in ("XY", "sigma", "rr")}
    points, stress, radii = files.values()
    count = points.shape[-1]
    if stress.shape != (len(points), count) or radii.shape[-1] != count:
        raise DataError(
            f"{folder}: XY {points.shape}, sigma {stress.shape} and rr {radii.shape} do not belong together"
        )
    data = _on_own_points(
        folder / _CELL.format("XY"),
        count,
        lambda wanted: np.moveaxis(points[..., wanted], -1, 0),
        lambda wanted: np.full((len(wanted), len(points)), 1 / len(points)),
        (Quantity("one"),),
        lambda wanted: np.ones((len(wanted), 1, len(points))),
        Quantity("stress"),
        lambda wanted: stress[:, wanted].T[:, None],
        radii,
    )
    notes = ("every point stands for an equal share of the unit square", "radii are those of the void, at equal angles")
    stored = tuple(StoredArray.of(_CELL.format(part), array) for part, array in files.items())
    return Contents("Geo-FNO .npy files", stored, parts_of(data, 1000, 200), notes)


def _on_own_points(
    file: Path,
    count: int,
    points: Callable[[np.ndarray], np.ndarray],
    weights: Read,
    channels: tuple[Quantity, ...],
    values: Read,
    quantity: Quantity,
    output: Read,
    radii: np.ndarray | None = None,
) -> Dataset:
    """Samples with points (n, 2) of their own, where output and `geometry` are both known."""
    every = points(np.arange(count))
    lower, upper = every.min((0, 1)), every.max((0, 1))
    axes = tuple(Coordinate(name, float(lower[i]), float(upper[i])) for i, name in enumerate(("x", "y")))
    cloud = DomainType("cloud", axes, None)
    inputs: dict[str, Function | Parameter] = {GEOMETRY: Function(channels, cloud)}
    reads: dict[str, Read] = {GEOMETRY: values, f"{GEOMETRY}.coordinates": points, f"{GEOMETRY}.weights": weights}
    if radii is not None:
        inputs["radii"] = Parameter(tuple(Quantity(f"radius_{i}") for i in range(len(radii))))
        reads["radii"] = lambda wanted: radii[:, wanted].T
    first = torch.from_numpy(np.asarray(every[0], np.float64))
    example = PointCloud(first, ("x", "y"), quadrature=torch.from_numpy(weights(np.array([0]))[0]))
    source = LazySource(file, count, reads, output, query=lambda: every)
    return Dataset(Description(Signature(inputs, Function((quantity,), cloud)), example), source)


def _cell_shares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Quadrature weights (n, rows, columns) of structured meshes: a quarter of each quadrilateral to each corner.

    >>> x, y = np.meshgrid([0.0, 1.0, 3.0], [0.0, 1.0], indexing="ij")
    >>> _cell_shares(x[None], y[None])[0].sum().item()
    3.0
    """
    across = [x[:, 1:, 1:] - x[:, :-1, :-1], y[:, 1:, 1:] - y[:, :-1, :-1]]
    other = [x[:, :-1, 1:] - x[:, 1:, :-1], y[:, :-1, 1:] - y[:, 1:, :-1]]
    quarter = np.abs(across[0] * other[1] - across[1] * other[0]) / 8  # half the cross product of the diagonals
    weights = np.zeros(x.shape)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            weights[:, rows, columns] += quarter
    return weights


def _opened(file: Path) -> np.ndarray:
    if not file.is_file():
        raise DataError(f"{file} is missing: a set consists of {file.name} and the files beside it")
    return mapped(file)


def _shown(files: dict[str, np.ndarray], prefix: str) -> tuple[StoredArray, ...]:
    return tuple(StoredArray.of(f"{prefix}{part}.npy", array) for part, array in files.items())


def _belongs(path: Path, prefix: str) -> bool:
    if path.is_dir():
        return (path / f"{prefix}X.npy").is_file()
    return path.name.startswith(prefix) and path.suffix == ".npy"


def _looks_like(path: Path) -> bool:
    cell = (path / _CELL.format("XY")).is_file() if path.is_dir() else path.name.startswith("Random_UnitCell_")
    return cell or any(_belongs(path, prefix) for prefix in _STRUCTURED)


FORMAT = Format("Geo-FNO .npy files", _looks_like, read)
