"""HDF5 files of simulated sound: a folder with a file for each source, or one file that holds all.

    folder       simulation_parameters.json  {"SimulationParameters": {"fmax", "c", "dt", "rho"}}
                 *.h5: mesh (P, d), pressures (t, P) @time_steps @dt @c ..., umesh (m, d) @umesh_shape, upressures (m,),
                 source_position (d,)
    one file     mesh (P, d), pressures (N, t, P), umesh (m, d), upressures (N, m), t (t,), x0_srcs (N, d)

From the initial pressure on the regular grid `umesh` to the pressure at the P points of the mesh and all times. The
time axis is stored first; here it is last. Values are in pascal, lengths in metres, times in seconds.

Source: Borrel-Jensen, Goswami, Engsig-Karup, Karniadakis, Jeong, "Sound propagation in realistic interactive 3D scenes
with parameterized sources using deep neural operators", PNAS 121 (2024).
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fredholm.data.lazy import Read
from fredholm.data.readers.contents import Choice, Contents, Format, StoredArray, first_bytes, split_named
from fredholm.data.readers.pairs import Stored, pairs
from fredholm.data.readers.pdebench import HDF5
from fredholm.data.readers.trajectories import axis_of
from fredholm.errors import DataError
from fredholm.fields.grid import Grid
from fredholm.fields.point_cloud import PointCloud
from fredholm.fields.signature import Quantity

PARAMETERS = "simulation_parameters.json"
_AXES = ("x", "y", "z")


def read(path: Path, choice: Choice) -> Contents:
    """The data set of all sources; raises DataError for a file whose mesh is not that of the first."""
    import h5py

    notes = []
    if path.is_dir():
        names = _sources(path)
        files = [h5py.File(name, "r") for name in names]
        for file, name in zip(files, names, strict=True):
            if file["pressures"].shape != files[0]["pressures"].shape or file["mesh"].shape != files[0]["mesh"].shape:
                raise DataError(f"{name} has another mesh or other times than {names[0]}")
        about = json.loads((path / PARAMETERS).read_text())["SimulationParameters"]
        notes.append(", ".join(f"{key} = {value}" for key, value in sorted(about.items())))
        count, first = len(files), files[0]
        times = _times(first)
        positions = np.stack([file["source_position"][:] for file in files])

        def initial(rows: np.ndarray) -> np.ndarray:
            return np.stack([files[int(row)]["upressures"][:] for row in rows])

        def pressure(rows: np.ndarray) -> np.ndarray:
            return np.stack([files[int(row)]["pressures"][:] for row in rows])
    else:
        first = h5py.File(path, "r")
        count, times, positions = len(first["pressures"]), first["t"][:], first["x0_srcs"][:]

        def initial(rows: np.ndarray) -> np.ndarray:
            return np.stack([first["upressures"][int(row)] for row in rows])

        def pressure(rows: np.ndarray) -> np.ndarray:
            return np.stack([first["pressures"][int(row)] for row in rows])

    mesh = np.asarray(first["mesh"], np.float64)
    names_of_axes = _AXES[: mesh.shape[1]]
    room = PointCloud(torch.from_numpy(mesh), names_of_axes, ("m",) * len(names_of_axes))
    sensors, order = _regular(np.asarray(first["umesh"], np.float64), path)
    data = pairs(
        path,
        count,
        {
            "initial_pressure": Stored.one("pressure", _gathered(initial, order, sensors), sensors, "Pa"),
            "source": Stored(lambda rows: positions[rows], None, tuple(Quantity(name, "m") for name in names_of_axes)),
        },
        Stored.one(
            "pressure",
            lambda rows: np.swapaxes(pressure(rows), 1, 2)[:, None],
            room * Grid(axis_of("t", times, "s")),
            "Pa",
        ),
    )
    stored = tuple(StoredArray.of(name, array) for name, array in first.items() if hasattr(array, "shape"))
    return Contents("acoustic HDF5", stored, {split_named(path): data}, tuple(notes))


def _sources(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in (".h5", ".hdf5"))


def _times(file: Any) -> np.ndarray:
    about = file["pressures"].attrs
    steps = about.get("time_steps")
    if steps is not None and np.size(steps) > 1:
        return np.asarray(steps, np.float64)
    return np.arange(len(file["pressures"])) * float(about["dt"])


def _regular(points: np.ndarray, path: Path) -> tuple[Grid, np.ndarray]:
    """The grid of points in any order, and where in that order each grid point stands."""
    order = np.lexsort(points.T[::-1])
    axes = [np.unique(np.round(column, 9)) for column in points.T]
    if np.prod([len(axis) for axis in axes]) != len(points):
        raise DataError(f"{path}: the {len(points)} points of umesh are not a regular grid")
    return Grid(*(axis_of(name, axis, "m") for name, axis in zip(_AXES, axes, strict=False))), order


def _gathered(read: Read, order: np.ndarray, grid: Grid) -> Read:
    return lambda rows: read(rows)[:, order].reshape(len(rows), 1, *grid.shape)


def _looks_like(path: Path) -> bool:
    if path.is_dir():
        return (path / PARAMETERS).is_file() and bool(_sources(path))
    if first_bytes(path, 8) != HDF5:
        return False
    import h5py

    with h5py.File(path, "r") as file:
        return {"mesh", "umesh", "pressures", "upressures", "x0_srcs"} <= set(file)


FORMAT = Format("acoustic HDF5", _looks_like, read)
