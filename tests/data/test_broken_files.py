"""A file that is unknown, cut short, damaged or armed gets a message that names it; nothing in it is ever run."""

import pickle
import zipfile
from pathlib import Path

import file_layouts as layouts
import h5py
import numpy as np
import pytest
import torch

from fredholm.data import contents_of, open_file
from fredholm.errors import DataError

WRITERS = {
    "piececonst_smooth1.mat": layouts.fno_darcy,
    "ns_V1e-3_v73.mat": lambda path: layouts.fno_navier_stokes(path, "7.3"),
    "darcy_train_16.pt": layouts.neuraloperator_darcy,
    "1D_Advection.hdf5": layouts.pdebench_advection,
    "well_0.hdf5": layouts.the_well,
    "NavierStokes2D_train.h5": lambda path: layouts.pdearena_smoke(path, "train"),
    "antiderivative_aligned_train.npz": layouts.deeponet_aligned,
    "antiderivative_unaligned_train.npz": layouts.deeponet_unaligned,
    "rooms.h5": layouts.acoustic_file,
    "NACA_Cylinder_X.npy": lambda path: layouts.geofno_airfoil(path.parent),
}


def opened(path: Path) -> None:
    """Open a file and read all of it."""
    for data in contents_of(path).splits.values():
        every = torch.arange(len(data))
        data.inputs(every)
        data.outputs(every)


@pytest.mark.parametrize("name", WRITERS)
def test_whole_files_are_read(tmp_path, name):
    WRITERS[name](tmp_path / name)
    opened(tmp_path / name)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
@pytest.mark.parametrize("name", WRITERS)
def test_files_that_are_cut_short_are_named(tmp_path, name, share):
    file = tmp_path / name
    WRITERS[name](file)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=name.replace(".", r"\.")):
        opened(file)


@pytest.mark.parametrize(
    "name", ["data.mat", "data.pt", "data.npz", "data.npy", "data.nc", "NACA_Cylinder_X.npy", "data.h5"]
)
def test_files_that_are_something_else_are_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"<html><body>404: not found</body></html>" * 30)
    with pytest.raises(DataError, match=name.replace(".", r"\.")):
        opened(tmp_path / name)


class Trap:
    """Unpickled, it leaves a file behind."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple:
        return Path.touch, (self.file,)


@pytest.fixture
def trap(tmp_path):
    sprung = tmp_path / "sprung"
    yield Trap(sprung)
    assert not sprung.exists()


def test_a_pt_file_with_code_is_refused(tmp_path, trap):
    torch.save({"x": torch.zeros(2, 4, 4), "y": trap}, tmp_path / "darcy_train_16.pt")
    with pytest.raises(DataError, match=r"darcy_train_16\.pt cannot be read as a PyTorch file"):
        open_file(tmp_path / "darcy_train_16.pt")
    (tmp_path / "old.pt").write_bytes(pickle.dumps({"x": trap}))
    with pytest.raises(DataError, match=r"old\.pt"):
        open_file(tmp_path / "old.pt")


def test_an_archive_with_code_is_refused(tmp_path, trap):
    armed = np.empty(2, dtype=object)
    armed[:] = [np.zeros((3, 4)), trap]
    np.savez(tmp_path / "a_train.npz", X=armed, y=np.zeros((3, 1)))
    with pytest.raises(DataError, match=r"X is refused: it holds pathlib\S*\.Path\S* which is no array"):
        open_file(tmp_path / "a_train.npz")


def test_a_pickled_npy_is_refused(tmp_path, trap):
    layouts.geofno_airfoil(tmp_path)
    np.save(tmp_path / "NACA_Cylinder_Q.npy", np.array([trap], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"NACA_Cylinder_Q\.npy holds pickled Python objects"):
        open_file(tmp_path)
    np.save(tmp_path / "anything.npy", np.array([trap], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="pickled Python objects"):
        open_file(tmp_path / "anything.npy")


def test_arrays_of_other_things_than_numbers_are_refused(tmp_path):
    np.savez(tmp_path / "names.npz", X=np.array(["a", "b"]), y=np.zeros(2))
    with pytest.raises(DataError, match="X holds <U1, not numbers"):
        open_file(tmp_path / "names.npz")
    with zipfile.ZipFile(tmp_path / "notes.npz", "w") as archive:
        archive.writestr("readme.txt", "no arrays here")
    with pytest.raises(DataError, match=r"notes\.npz"):
        open_file(tmp_path / "notes.npz")


def test_known_containers_with_unknown_contents_say_what_is_inside(tmp_path):
    with h5py.File(tmp_path / "own.h5", "w") as file:
        file["temperature"] = np.zeros(3)
    np.save(tmp_path / "own.npy", np.zeros((5, 4)))
    torch.save({"weights": torch.zeros(3)}, tmp_path / "own.pt")
    import scipy.io

    scipy.io.savemat(tmp_path / "own.mat", {"velocity": np.zeros((3, 4))})
    for name, said in {
        "own.h5": "HDF5 file that holds temperature",
        "own.npy": r"NumPy array \(5, 4\) of float64",
        "own.pt": r"holds \['weights'\]; expected the tensors x and y",
        "own.mat": r"has the variables velocity \(3, 4\); expected coeff and sol",
    }.items():
        with pytest.raises(DataError, match=said):
            open_file(tmp_path / name)


def test_what_is_not_there_or_not_data_is_said(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        open_file(tmp_path / "nowhere.h5")
    (tmp_path / "empty.h5").touch()
    with pytest.raises(DataError, match="an empty file"):
        open_file(tmp_path / "empty.h5")
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(DataError, match=r"letter.txt is of no known format: it begins with the bytes b'dear'"):
        open_file(tmp_path / "letter.txt")
    with pytest.raises(DataError, match=r"a folder that holds empty.h5, letter.txt"):
        open_file(tmp_path)


def test_files_that_do_not_belong_together_are_named(tmp_path):
    layouts.geofno_airfoil(tmp_path)
    (tmp_path / "NACA_Cylinder_Y.npy").unlink()
    with pytest.raises(DataError, match=r"NACA_Cylinder_Y\.npy is missing"):
        open_file(tmp_path)
    (tmp_path / "well/train").mkdir(parents=True)
    layouts.the_well(tmp_path / "well/train/a.hdf5")
    layouts.the_well(tmp_path / "well/train/b.hdf5")
    with h5py.File(tmp_path / "well/train/b.hdf5", "r+") as file:
        del file["dimensions/y"]
        file["dimensions/y"] = np.linspace(0, 1, 5)
        file["dimensions/y"].attrs.update(sample_varying=False, time_varying=False)
    with pytest.raises(DataError, match=r"b\.hdf5 has other fields, another grid"):
        open_file(tmp_path / "well")
