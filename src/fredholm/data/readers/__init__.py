"""Readers of the files that the community has: each says what a file is and opens it as a data set, lazily."""

from pathlib import Path

from fredholm.data.dataset import Dataset
from fredholm.data.readers import (
    acoustic,
    cfdbench_folder,
    deeponet_npz,
    fno_mat,
    geofno_npy,
    labelled_files,
    neuraloperator_pt,
    own_store,
    pdearena,
    pdebench,
    the_well,
)
from fredholm.data.readers.contents import Choice, Contents, Format, StoredArray, first_bytes, reading
from fredholm.data.readers.numpy_files import mapped
from fredholm.data.readers.pdebench import HDF5
from fredholm.data.readers.trajectories import Window
from fredholm.errors import DataError

FORMATS: tuple[Format, ...] = (  # the first that recognises a path reads it
    own_store.FORMAT,
    cfdbench_folder.FORMAT,
    acoustic.FORMAT,
    the_well.FORMAT,
    geofno_npy.FORMAT,
    labelled_files.FORMAT,
    pdebench.FORMAT,
    pdearena.FORMAT,
    fno_mat.FORMAT,
    neuraloperator_pt.FORMAT,
    deeponet_npz.FORMAT,
)

__all__ = ["FORMATS", "Choice", "Contents", "Window", "contents_of", "open_file"]


def contents_of(path: str | Path, choice: Choice | None = None) -> Contents:
    """What a file or folder holds, and the data sets that it gives; values are not read.

    Raises DataError where it is missing, unknown, cut short, damaged, or could run code.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist")
    if first_bytes(path, len(HDF5)) == HDF5:
        _require_whole_hdf5(path)
    for known in FORMATS:
        with reading(path, f"a {known.name}"):
            recognised = known.recognises(path)
        if recognised:
            with reading(path, f"a {known.name}"):
                return known.read(path, choice or Choice())
    raise DataError(f"{path} is of no known format: {_guess(path)}. Known are: {', '.join(f.name for f in FORMATS)}")


def open_file(
    path: str | Path,
    split: str | None = None,
    *,
    window: Window | None = None,
    inputs: tuple[str, ...] = (),
    outputs: tuple[str, ...] = (),
) -> Dataset:
    """The data set in a file or folder of a known format, with its signature; values are read when asked for.

    Args:
        path: the file or folder; `fredholm data inspect PATH` tells what it gives.
        split: "train", "valid" or "test", where there is a choice; by default all.
        window: of trajectories: how many frames are given, and how many asked for. One and the next by default.
        inputs: names of variables, where the file does not say what they are (NetCDF, zarr).
        outputs: likewise.

    Raises:
        DataError: as `contents_of`, or there is no such split.

    >>> data = open_file("nsforcing_128_train.pt")  # doctest: +SKIP
    """
    choice = Choice(window or Window(), tuple(inputs), tuple(outputs))
    return contents_of(path, choice).split(split, Path(path))


def _require_whole_hdf5(path: Path) -> None:
    import h5py

    with reading(path, "an HDF5 file"), h5py.File(path, "r"):
        pass


def _guess(path: Path) -> str:
    """What can be said of an unknown thing."""
    if path.is_dir():
        inside = sorted(entry.name for entry in path.iterdir())
        some = ", ".join(inside[:8]) + (", ..." if len(inside) > 8 else "")
        return f"a folder that holds {some or 'nothing'}"
    start = first_bytes(path)
    if not start:
        return "an empty file"
    if path.suffix == ".npy":
        with reading(path, "a NumPy file"):
            array = StoredArray.of("array", mapped(path))
        return f"a NumPy array {array.shape} of {array.dtype}, which says nothing of its axes: use Dataset.from_arrays"
    if start.startswith(HDF5):
        import h5py

        with reading(path, "an HDF5 file"), h5py.File(path, "r") as file:
            return f"an HDF5 file that holds {', '.join(sorted(file)) or 'nothing'}: use Dataset.from_arrays"
    return f"it begins with the bytes {start!r}"
