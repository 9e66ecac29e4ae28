"""Opening reads no values, damage is found and named, and other programs can read what is stored."""

import json
import pickle
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from pulses import Pulses

from fredholm.data import generate, open_dataset, verify
from fredholm.data.dataset import Dataset
from fredholm.errors import DataError

PROBLEM = Pulses(size=128, times=65)  # 16 640 bytes of output to a sample, three samples to a chunk
SAMPLES = 100
CHUNK = "c.7.0.0.0"


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("stored") / "set"
    generate(PROBLEM, SAMPLES, 3, path, workers=1, progress=False)
    return path


@pytest.fixture
def copy(stored, tmp_path) -> Path:
    return Path(shutil.copytree(stored, tmp_path / "copy"))


def test_xarray_opens_it_with_dimensions_coordinates_and_units(stored):
    import xarray

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stored_set = xarray.open_zarr(stored)
    output, u = stored_set["output"], stored_set["input.u"]
    assert output.dims == ("sample", "channel", "x", "t")
    assert u.dims == ("sample", "channel", "x_u")  # half as many points as the output has
    assert output.attrs["units"] == "m"
    assert (stored_set["x"].attrs["units"], stored_set["t"].attrs["units"]) == ("m", "s")
    assert stored_set["channel"].values.tolist() == ["height"]
    x0 = float(stored_set["label.x0"][5, 0])
    crest = output.sel(channel="height", t=0.25)[5].idxmax("x")
    assert abs((float(crest) - x0 - 0.25 + 0.5) % 1.0 - 0.5) <= 0.5 / PROBLEM.size  # u(x, t) = u(x - t, 0)


@pytest.mark.parametrize("memory", [0, 2**30])
def test_what_is_sent_to_another_process_is_read_from_the_files_there(stored, memory):
    data, some = open_dataset(stored, memory=memory), torch.tensor([99, 3, 50])
    before = data.outputs(torch.tensor([3]))
    message = pickle.dumps(data)
    assert len(message) < 100_000  # the values stay where they are
    sent = pickle.loads(message)
    assert torch.equal(sent.outputs(some), data.outputs(some))
    assert torch.equal(sent.outputs(some)[1], before[0])
    assert torch.equal(sent.inputs(some)["u"], data.inputs(some)["u"])


def test_what_is_opened_is_what_was_generated(stored):
    data = open_dataset(stored, PROBLEM)
    assert (len(data), data.signature, data.output_domain) == (
        SAMPLES,
        PROBLEM.signature,
        PROBLEM.output_domain,
    )
    assert data.input_domains == PROBLEM.input_domains
    assert data.problem == {"name": "pulses", "parameters": {**PROBLEM.parameters(), "damping": "inf"}}
    some = torch.tensor([99, 3, 3, 50])
    assert torch.equal(data.outputs(some), PROBLEM.exact(data.labels["x0"][some]).half().float())


def test_resident_and_mapped_reading_agree(stored):
    resident, mapped = open_dataset(stored), open_dataset(stored, memory=0)
    rows = torch.tensor([4, 98, 4, 17, 0])
    shared, own = torch.randint(128 * 65, (30,)), torch.randint(128 * 65, (5, 30))
    assert torch.equal(resident.outputs(rows), mapped.outputs(rows))
    for points in (shared, own):
        expected = resident.outputs(rows).flatten(2)
        expected = torch.stack([f[:, p] for f, p in zip(expected, points.expand(5, -1), strict=True)])
        assert torch.equal(resident.outputs_at(rows, points), expected)
        assert torch.equal(mapped.outputs_at(rows, points), expected)
    for name, values in resident.inputs(rows).items():
        assert torch.equal(values, mapped.inputs(rows)[name])


def test_large_batches_are_read_in_their_order_and_a_file_cut_short_meanwhile_is_named(copy):
    resident, mapped = open_dataset(copy), open_dataset(copy, memory=0)
    order = torch.randperm(SAMPLES, generator=torch.Generator().manual_seed(0))
    rows = torch.cat([order, order[:7]])  # 1.7 MB, which several threads read
    assert torch.equal(mapped.outputs(rows), resident.outputs(rows))
    file = copy / "output" / CHUNK
    file.write_bytes(file.read_bytes()[:-20_000])
    with pytest.raises(DataError, match=f"{CHUNK} has been cut short since"):
        mapped.outputs(rows)


def characters_read() -> int:
    """Bytes that this process has asked the operating system to read, as the system counts them."""
    return int(Path("/proc/self/io").read_text().split()[1])


def test_opening_and_a_few_points_read_a_small_part(stored):
    chunk = (stored / "output" / CHUNK).stat().st_size
    everything = sum(file.stat().st_size for file in stored.rglob("*") if file.is_file())
    metadata = sum(file.stat().st_size for file in stored.rglob("zarr.json"))
    start = characters_read()
    data = open_dataset(stored, PROBLEM)
    opened = characters_read()
    assert opened - start < metadata + 10_000
    data.outputs_at(torch.tensor([10, 80]), torch.arange(0, 8000, 7))
    first = characters_read()
    assert 2 * chunk <= first - opened < 2 * chunk + 10_000 < everything / 10
    data.outputs_at(torch.tensor([80, 10]), torch.arange(5))
    assert characters_read() - first < 10_000  # kept


def damage(path: Path, what: str) -> None:
    file = path / "output" / CHUNK
    root = path / "zarr.json"
    if what == "cut short":
        file.write_bytes(file.read_bytes()[:-1])
    elif what == "missing":
        file.unlink()
    elif what == "label missing":
        (path / "label.x0" / "c.0.0").unlink()
    elif what == "edited":
        root.write_text(root.read_text().replace('"seed": 3', '"seed": 4'))
    elif what == "units edited":
        array = path / "output" / "zarr.json"
        array.write_text(array.read_text().replace('"units": "m"', '"units": "km"'))
    elif what == "metadata cut short":
        root.write_text(root.read_text()[:500])
    elif what == "metadata of something else":
        root.write_text(json.dumps({"attributes": {}, "zarr_format": 3, "node_type": "group"}))
    elif what == "no metadata":
        root.unlink()


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("cut short", f"output/{CHUNK} holds .* bytes; expected"),
        ("missing", f"output/{CHUNK} is missing"),
        ("label missing", r"label.x0/c.0.0 is missing"),
        ("edited", "zarr.json has been edited"),
        ("units edited", "output/zarr.json .* differs"),
        ("metadata cut short", "zarr.json cannot be read"),
        ("metadata of something else", "zarr.json cannot be read"),
        ("no metadata", "not a data set"),
    ],
)
def test_damage_is_found_on_opening_and_named(copy, what, named):
    damage(copy, what)
    with pytest.raises(DataError, match=named):
        open_dataset(copy)


def test_changed_values_are_found_by_verify(copy):
    verify(copy)
    file = copy / "output" / CHUNK
    values = np.frombuffer(file.read_bytes(), np.uint8).copy()
    values[1234] ^= 1
    file.write_bytes(values.tobytes())
    with pytest.raises(DataError, match="output holds other values"):
        verify(copy)


def test_another_problem_or_no_set_is_refused(stored, tmp_path):
    with pytest.raises(DataError, match=r"another problem: parameter 'speed' is 1.0, not 3.0"):
        open_dataset(stored, Pulses(size=128, times=65, speed=3.0))
    with pytest.raises(DataError, match="does not exist"):
        open_dataset(tmp_path / "nowhere")


def test_fingerprints_tell_sets_apart(stored, tmp_path):
    data = open_dataset(stored)
    other = generate(PROBLEM, 5, 4, tmp_path / "other", workers=1, progress=False)
    prints = [s.fingerprint() for s in (data, data.subset(range(50)), data.subset(range(50, 100)), other)]
    assert len(set(prints)) == 4
    assert open_dataset(stored, memory=0).fingerprint() == data.fingerprint()
    assert isinstance(data.subset(range(3)), Dataset)


def test_opening_costs_no_heavy_import():
    import subprocess
    import sys

    script = "import sys, fredholm.data.store; print({'zarr', 'xarray', 'rich'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "set()"
