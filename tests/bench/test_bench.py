"""Benchmarks judge by targets, name what is missing, and time what they are given."""

import json
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from fredholm.bench import BenchReport, Figure, PartResult, measure, parts_named
from fredholm.bench.side_by_side import cost_slope, peak_megabytes, seconds_in_turn
from fredholm.cli import app
from fredholm.errors import UnknownNameError


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_a_target_holds_exactly_where_the_value_is_on_its_good_side(value: float, bound: float) -> None:
    assert Figure("x", value, "", {}, "", at_least=bound).holds == (value / bound >= 1)
    assert Figure("x", value, "", {}, "", at_most=bound).holds == (bound / value >= 1)
    assert Figure("x", value, "", {}, "").holds


def test_actions_are_run_in_turn_and_their_medians_kept() -> None:
    order: list[str] = []

    def action(name: str, seconds: float) -> None:
        order.append(name)
        time.sleep(seconds)

    seconds = seconds_in_turn({"a": lambda: action("a", 0.0), "b": lambda: action("b", 0.02)}, rounds=3, warm=1)
    assert order == ["a", "b"] * 4
    assert seconds["b"] >= 0.02 > seconds["a"]


def test_the_slope_of_a_cost_is_the_power_of_the_points() -> None:
    figure = cost_slope("x", lambda n: time.sleep(1e-5 * n**2), (32, 64, 128), rounds=3, at_most=1.1)
    assert figure.value == pytest.approx(1.0, abs=0.3)


def test_peak_memory_is_that_of_the_code_alone() -> None:
    ballast = torch.ones(50_000_000)  # of this process, not of the one that is measured
    small, large = (peak_megabytes(f"values = bytearray({n})") for n in (1, 10**8))
    assert 95 < large - small < 120
    assert small < 100 < ballast.nbytes / 1e6


def test_parts_and_groups_are_named() -> None:
    assert list(parts_named(["machine"])) == ["limits", "import"]
    assert list(parts_named(["heat", "fno"])) == ["heat", "fno"]
    with pytest.raises(UnknownNameError, match="fno"):
        parts_named(["fnoo"])


def test_every_part_has_a_function_of_its_own() -> None:
    parts = parts_named()
    assert len(set(parts.values())) == len(parts) > 15


def test_a_missing_peer_is_told_with_what_brings_it() -> None:
    def part(rounds: int) -> list[Figure]:
        raise ModuleNotFoundError("No module named 'deepxde.nn'", name="deepxde.nn")

    result = measure("deeponet", part, 1)
    assert result.obstacle == "deepxde is not installed: pip install 'fredholm[peers]'"
    assert "not measured" in BenchReport((result,), 1, 1).markdown()


def test_a_missing_module_that_is_no_peer_is_an_error() -> None:
    def part(rounds: int) -> list[Figure]:
        raise ModuleNotFoundError("No module named 'fredhole'", name="fredhole")

    with pytest.raises(ModuleNotFoundError, match="fredhole"):
        measure("x", part, 1)


def test_a_report_is_written_with_its_verdict(tmp_path: Path) -> None:
    figures = (
        Figure("step", 1.5, "times as fast", {"fredholm": 2.0, "peer": 3.0}, "ms", at_least=2.0),
        Figure("memory", 0.5, "of the peer's", {}, "", at_most=1.0),
        Figure("rate", 7.0, "GB/s", {}, ""),
    )
    BenchReport((PartResult("fno", figures, 1.0),), threads=2, rounds=3).write(tmp_path)
    page = (tmp_path / "bench.html").read_text()
    assert "1 of 2 targets hold" in page
    stored = json.loads((tmp_path / "bench.json").read_text())
    assert [figure["holds"] for figure in stored["parts"]["fno"]["figures"]] == [False, True, True]
    assert stored["rounds"] == 3


def test_the_command_measures_a_part_and_writes_its_report(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["bench", "mg-tfno-memory", "--rounds", "1", "--markdown", "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "of the whole field's | at most 0.65 |" in done.output
    assert (tmp_path / "bench.html").exists()
