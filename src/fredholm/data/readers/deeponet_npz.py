"""The `.npz` files of DeepONets, as DeepXDE's examples have them: X = (functions, points) and y.

    Cartesian    X: (N, m) and (p, d);  y: (N, p)        all functions at the same points
    triples      X: (N, m) and (N, d);  y: (N, 1)        each row a function, a point of its own, and the value there

The two arrays of X are entries `X0`, `X1` or `X_train0`, `X_train1`, or one entry `X` that holds both. The files do not
say where functions were sampled: m equidistant points on [0, 1] are assumed.

Source: Lu, Jin, Pang, Zhang, Karniadakis, "Learning nonlinear operators via DeepONet", Nature Machine Intelligence 3
(2021); Lu, Meng, Mao, Karniadakis, "DeepXDE", SIAM Review 63 (2021).
"""

import re
from pathlib import Path

import numpy as np

from fredholm.data.dataset import Dataset, Description
from fredholm.data.lazy import LazySource, rows_of
from fredholm.data.readers.contents import Choice, Contents, Format, StoredArray, split_named
from fredholm.data.readers.numpy_files import archive
from fredholm.data.readers.pairs import Stored, pairs
from fredholm.data.readers.trajectories import axis_of
from fredholm.errors import DataError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.point_cloud import PointCloud
from fredholm.fields.signature import DomainType, Function, Quantity, Signature

_AXES = ("x", "y", "z", "t")
_ENTRY = re.compile(r"(?i)^(X|y)_?(train|valid|test)?_?([01])?$")


def read(path: Path, choice: Choice) -> Contents:
    """A data set for each split that the names of the entries make; raises DataError where they make none."""
    arrays = archive(path)
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, values in arrays.items():
        if match := _ENTRY.match(name):
            letter, split, number = match.groups()
            found.setdefault(split or split_named(path), {})[letter.lower() + (number or "")] = values
    whole = {split: parts for split, parts in found.items() if set(parts) == {"x0", "x1", "y"}}
    if not whole:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in arrays.items())
        raise DataError(
            f"{path} holds {shapes}; expected X (two arrays) and y, or X_train0, X_train1 and y_train. "
            "Load it with numpy.load and pass its arrays to Dataset.from_arrays"
        )
    splits = {split: _dataset(path, parts["x0"], parts["x1"], parts["y"]) for split, parts in whole.items()}
    stored = tuple(StoredArray.of(name, values) for name, values in arrays.items())
    return Contents(
        "DeepONet .npz file", stored, splits, ("functions are taken to be known at equidistant points of [0, 1]",)
    )


def _dataset(path: Path, functions: np.ndarray, points: np.ndarray, values: np.ndarray) -> Dataset:
    sensors = Grid(Axis("x", 0.0, 1.0, functions.shape[1]))
    if values.shape == (len(functions), len(points)) and (len(points) != len(functions) or values.shape[1] > 1):
        domain = _points(points)
        reader = rows_of(values)
        return pairs(
            path,
            len(functions),
            {"v": Stored.one("v", rows_of(functions), sensors)},
            Stored.one("u", lambda rows: reader(rows).reshape(len(rows), 1, *domain.shape), domain),
        )
    if len(points) != len(functions) or values.size != len(functions):
        raise DataError(
            f"{path}: functions {functions.shape}, points {points.shape} and values {values.shape} are neither "
            "Cartesian, (N, m), (p, d), (N, p), nor triples, (N, m), (N, d), (N, 1)"
        )
    box = zip(_AXES, points.min(0), points.max(0), strict=False)
    domain = Grid(*(Axis(name, float(lower), float(upper), 2) for name, lower, upper in box))
    signature = Signature(
        {"v": Function((Quantity("v"),), DomainType.of(sensors))}, Function((Quantity("u"),), DomainType.of(domain))
    )
    source = LazySource(
        path,
        len(functions),
        {"v": rows_of(functions)},
        rows_of(values.reshape(-1, 1)),
        query=lambda: points[:, None, :],
    )
    return Dataset(Description(signature, domain, {"v": sensors}), source)


def _points(points: np.ndarray) -> Domain:
    if points.shape[1] == 1:
        try:
            return Grid(axis_of("x", points[:, 0]))
        except DataError:
            pass  # scattered, which a cloud allows
    import torch

    return PointCloud(torch.from_numpy(np.asarray(points, np.float64)), _AXES[: points.shape[1]])


FORMAT = Format("DeepONet .npz file", lambda path: path.is_file() and path.suffix == ".npz", read)
