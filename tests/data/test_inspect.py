"""`fredholm data inspect` says what a file is; `train` and `evaluate` take such files as they are."""

import json
from pathlib import Path

import file_layouts as layouts
import numpy as np
import pytest
import torch

from command_line import fredholm


def test_inspecting_says_arrays_units_splits_signature_and_conventions(tmp_path: Path) -> None:
    layouts.pdebench_flow(tmp_path / "2D_CFD_periodic.hdf5")
    said = fredholm("data", "inspect", tmp_path / "2D_CFD_periodic.hdf5")
    for part in (
        "PDEBench HDF5 file",
        "3 x 4 x 8 x 6",
        "float32",
        "all (9 samples)",
        "density, pressure, Vx, Vy",
        "eta = 0.01",
    ):
        assert part in said
    told = json.loads(fredholm("data", "inspect", tmp_path / "2D_CFD_periodic.hdf5", "--json"))
    assert told["splits"] == {"all": 9}
    assert told["signatures"][0]["output"]["channels"][0]["name"] == "density"


def test_inspecting_a_generated_set_says_what_made_it(tmp_path: Path) -> None:
    fredholm("generate", "antiderivative", "-n", 3, "-o", tmp_path / "set")
    said = fredholm("data", "inspect", tmp_path / "set")
    assert "made by fredholm generate" in said
    assert "problem antiderivative, seed 0" in said


def test_a_folder_of_cfdbench_is_known(tmp_path: Path) -> None:
    case = tmp_path / "cavity" / "bc" / "case0000"
    case.mkdir(parents=True)
    numbers = {"vel_top": 1.0, "density": 1.0, "viscosity": 1e-5, "height": 0.01, "width": 0.01}
    (case / "case.json").write_text(json.dumps(numbers))
    for name in ("u", "v"):
        np.save(case / f"{name}.npy", np.random.default_rng(0).random((5, 8, 8)))
    said = fredholm("data", "inspect", tmp_path)
    assert "CFDBench folder" in said
    assert "Signature of cavity (4 samples)" in said


def test_files_that_cannot_be_read_end_with_a_message_and_status_2(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("dear")
    assert "of no known format" in fredholm("data", "inspect", tmp_path / "notes.txt", code=2)
    layouts.pdebench_darcy(tmp_path / "darcy.hdf5")
    whole = (tmp_path / "darcy.hdf5").read_bytes()
    (tmp_path / "darcy.hdf5").write_bytes(whole[:3000])
    said = fredholm("data", "inspect", tmp_path / "darcy.hdf5", code=2)
    assert "darcy.hdf5 cannot be read as an HDF5 file" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_file_is_trained_on_and_evaluated_with_its_own_splits(tmp_path: Path) -> None:
    for split, count in (("train", 12), ("test", 4)):
        x = torch.rand(count, 16, 16)
        torch.save({"x": x, "y": 2 * x}, tmp_path / f"nsforcing_{split}_16.pt")
    train, test = (tmp_path / f"nsforcing_{split}_16.pt" for split in ("train", "test"))
    fredholm("train", train, "-o", tmp_path / "run", "--operator", "fno/tiny", "--iterations", 3)
    said = fredholm("evaluate", tmp_path / "run/artifact", test, "--train", train, "-o", tmp_path / "report")
    assert "relative L2 error" in said
    assert "there is no split 'valid'; it has test" in fredholm(
        "evaluate", tmp_path / "run/artifact", test, "--train", train, "--split", "valid", code=2
    )
