"""What generating holds in memory is bounded, however many samples there are and however many workers."""

from pathlib import Path

import pytest
from pulses import Counted

from fredholm.data import generate

MEBIBYTE = 1024**2


def solved_at_once(tmp_path: Path, samples: int, workers: int, **shape: int) -> list[int]:
    """Float32 bytes of inputs and outputs in each call of the solver, as the problem counts them."""
    problem = Counted(log=str(tmp_path / f"log {samples} {workers}"), **shape)
    generate(problem, samples, 0, tmp_path / f"set {samples} {workers}", workers=workers, progress=False)
    calls = [int(count) for count in Path(problem.log).read_text().split()]
    assert sum(calls) == samples
    return [4 * count * (problem.size * problem.times + problem.size // 2 + 2) for count in calls]


@pytest.mark.parametrize(("workers", "most"), [(1, 64), (16, 16)])  # 16 workers have a sixteenth of 256 MiB each
def test_samples_solved_at_once_are_bounded_by_their_bytes(tmp_path, workers, most):
    held = solved_at_once(tmp_path, 20 if workers == 1 else 5, workers, size=1024, times=1024)  # 4 MiB each
    assert most / 2 * MEBIBYTE < max(held) <= most * MEBIBYTE


def test_inputs_count_as_outputs_do(tmp_path):
    held = solved_at_once(tmp_path, 40, 1, size=2**19, times=2)  # 4 MiB out, 1 MiB in
    assert 32 * MEBIBYTE < max(held) <= 64 * MEBIBYTE


def test_more_samples_hold_no_more(tmp_path):
    few, many = (solved_at_once(tmp_path, samples, 1, size=64, times=32) for samples in (100, 1000))
    assert max(few) == max(many)
    assert len(many) >= 16  # calls, of 64 samples at most


def test_a_sample_beyond_all_bounds_is_solved_for_alone(tmp_path):
    assert len(solved_at_once(tmp_path, 2, 1, size=2**13, times=2**11 + 1)) == 2  # 64 MiB and a little more
