"""A sample that cannot be solved for is named and left out, and the rest of the set is what it would have been."""

import json
import math
import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pulses import Fragile, Hopeless, Pulses

from fredholm.data import Dataset, generate, open_dataset, verify
from fredholm.data.simulation import simulate
from fredholm.errors import DataError, SamplesLeftOut, SolverError

SHAPE = {"size": 256, "times": 64}  # one sample to a chunk
FAILED = [2, 5, 7, 8, 11, 14, 17]  # every third, and 7, which solves to NaN


def fragile(**changes) -> Fragile:
    return Fragile(**SHAPE, bad=7, **changes)


def generated(problem, n, path, **options) -> Dataset:
    return generate(problem, n, 4, path, **{"workers": 1, "progress": False, "batch": 5, **options})


def contents(path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("failures") / "set"
    with pytest.warns(SamplesLeftOut):
        generated(fragile(), 18, path)
    return path


@pytest.mark.parametrize("workers", [1, 2])
def test_the_rest_goes_on_and_is_what_it_would_have_been(tmp_path, workers):
    with pytest.warns(SamplesLeftOut, match=r"7 of 18 samples of seed 4 .* 2 \(pulse 2 has burst\).*sample\(1, 4, 2\)"):
        data = generated(fragile(), 18, tmp_path / "set", workers=workers)
    kept = [i for i in range(18) if i not in FAILED]
    everything = torch.arange(len(data))
    assert data.inputs(everything)["place"][:, 1].tolist() == kept
    assert torch.equal(data.outputs(everything), Pulses(**SHAPE).exact(data.labels["x0"]).half().float())
    assert sorted(data.failures) == FAILED
    assert data.failures[7] == "its solution is not finite"
    assert data.failures[17] == "pulse 17 has burst"


def test_bytes_do_not_depend_on_the_batch_and_failures_survive_resuming(stored, tmp_path):
    path = tmp_path / "set"
    with pytest.warns(SamplesLeftOut):
        generated(fragile(), 18, path, batch=1)
    assert contents(path) == contents(stored)
    (path / "output" / "c.7.0.0.0").unlink()
    with pytest.warns(SamplesLeftOut):
        generated(fragile(), 18, path)
    assert contents(path) == contents(stored)
    verify(path)


def test_a_set_that_is_extended_keeps_its_failures(stored, tmp_path):
    path = tmp_path / "set"
    with pytest.warns(SamplesLeftOut):
        generated(fragile(), 9, path)
    with pytest.warns(SamplesLeftOut):
        generated(fragile(), 18, path)
    assert contents(path) == contents(stored)


def test_opening_leaves_failures_out_and_other_programs_see_nan(stored):
    import xarray

    data = open_dataset(stored)
    assert len(data) == 11
    assert bool(torch.isfinite(data.outputs(torch.arange(11))).all())
    values = xarray.open_zarr(stored)["output"]
    assert values.isnull().any(("channel", "x", "t")).values.nonzero()[0].tolist() == FAILED
    mapped = open_dataset(stored, memory=0)
    assert torch.equal(mapped.outputs(torch.arange(11)), data.outputs(torch.arange(11)))
    assert data.fingerprint() != data.subset(range(10)).fingerprint()


def test_other_failures_than_were_sealed_are_found(stored, tmp_path):
    path = shutil.copytree(stored, tmp_path / "copy")
    note = path / ".failures" / "c.7.json"
    assert json.loads(note.read_text()) == {"7": "its solution is not finite"}
    note.unlink()
    with pytest.raises(DataError, match="other failures"):
        verify(path)


def test_a_solver_that_fails_on_everything_is_stopped_and_can_be_mended(tmp_path):
    cure = tmp_path / "cure"
    problem = Hopeless(**SHAPE, cure=str(cure))
    with pytest.raises(DataError, match=r"not one of the first 32 samples of seed 4 .*sample 0: no pulse ever holds"):
        generated(problem, 1000, tmp_path / "many", batch=8)
    with pytest.raises(DataError, match="not one of the first 3 samples"):
        generated(problem, 3, tmp_path / "few")
    cure.touch()
    assert len(generated(problem, 3, tmp_path / "few")) == 3


def test_inputs_that_are_not_finite_are_a_defect_of_the_problem(tmp_path, monkeypatch):
    sample = Pulses.sample
    monkeypatch.setattr(
        Pulses, "sample", lambda *arguments: {n: v * math.nan if n == "u" else v for n, v in sample(*arguments).items()}
    )
    with pytest.raises(DataError, match=r"input.u of sample 0 of seed 4 is not finite"):
        generated(Pulses(), 3, tmp_path / "set")


def test_simulating_in_memory_leaves_them_out_too():
    with pytest.warns(SamplesLeftOut):
        data = simulate(fragile(), 6, seed=4)
    assert data.inputs(torch.arange(4))["place"][:, 1].tolist() == [0, 1, 3, 4]
    with pytest.raises(DataError, match="not one of 2 samples"):
        simulate(Hopeless(), 2, seed=0)


class Moody(Pulses):
    """Gives up on `torn`, one at a time, and answers NaN for `wild`."""

    torn: frozenset[int]
    wild: frozenset[int]

    def solve(self, inputs):
        numbers = inputs["place"][:, 1].int().tolist()
        if gone := [place for place, number in enumerate(numbers) if number in self.torn]:
            raise SolverError(gone[-1], f"pulse {numbers[gone[-1]]} has burst")
        values = super().solve(inputs)
        values[[place for place, number in enumerate(numbers) if number in self.wild]] = math.nan
        return values


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 8), st.frozensets(st.integers(0, 7)), st.frozensets(st.integers(0, 7)))
def test_an_attempt_solves_for_exactly_the_samples_that_can_be_solved_for(count, torn, wild):
    problem = Moody()
    object.__setattr__(problem, "torn", torn)
    object.__setattr__(problem, "wild", wild)
    inputs = problem.sample(count, seed=0)
    output, failures = problem.attempt(inputs)
    assert list(failures) == sorted((torn | wild) & set(range(count)))
    good = [i for i in range(count) if i not in failures]
    assert torch.equal(output[good], Pulses().solve(inputs)[good])
    assert bool(output[list(failures)].isnan().all())
    assert all(failures[i] == f"pulse {i} has burst" for i in torn & set(failures))
