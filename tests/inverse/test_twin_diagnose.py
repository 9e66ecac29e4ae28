"""`fredholm twin diagnose`: from a log to what is worn; every fault of a log has its message."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from fredholm.cli import app
from fredholm.errors import DataError
from fredholm.inverse.identification import (
    BANDS,
    EngineRecord,
    EngineTwin,
    Estimate,
    HealthyBands,
    Shooting,
    Verdict,
    diagnose,
    monitor,
    read_log,
)
from fredholm.problems import DieselEngineRecords
from fredholm.problems.drive_commands import RandomRamps
from fredholm.solvers.diesel_engine import HEALTHY

HEADER = "time [s],speed [rpm],fuel [mg/cycle],EGR [%],VGT [%],p_im [kPa],p_em [bar],omega_t [rpm],W_egr [g/s],note"
Lines = list[str]


def _log(egr_area: float = HEALTHY[0], noise: float = 0.01, duration: float = 30.0) -> Lines:
    problem = DieselEngineRecords(duration=duration, egr_area=egr_area)
    record = EngineRecord.simulated(problem, problem.sample(1, seed=1), noise, seed=1)
    factors = torch.tensor([1e-3, 1e-5, 30 / torch.pi, 1e3], dtype=torch.float64)[:, None]
    times = 0.2 * torch.arange(record.commands.shape[1], dtype=torch.float64)[None]
    table = torch.cat([times, record.commands, record.measured * factors]).T
    return [HEADER, *(",".join(f"{value:.9g}" for value in row) + ",ok" for row in table.tolist())]


def _written(lines: Lines, folder: Path) -> Path:
    path = folder / "log.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_fouled_valve_is_found_and_nothing_else(tmp_path: Path) -> None:
    path = _written(_log(egr_area=0.7 * HEALTHY[0]), tmp_path)
    done = CliRunner().invoke(app, ["twin", "diagnose", str(path), "--json"])
    assert done.exit_code == 1, done.output
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["A_egrmax"]["verdict"] == "outside its healthy band"
    low, high = rows["A_egrmax"]["interval"]
    assert low < 0.7 * HEALTHY[0] < high
    assert rows["A_vgtmax"]["verdict"] == "healthy"
    assert rows["eta_sc"]["verdict"] == "healthy"


def test_a_healthy_engine_ends_with_zero(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["twin", "diagnose", str(_written(_log(), tmp_path))])
    assert done.exit_code == 0, done.output
    assert "A_egrmax" in done.stdout
    assert "outside" not in done.stdout


def test_units_are_converted(tmp_path: Path) -> None:
    problem = DieselEngineRecords(duration=30.0)
    record = EngineRecord.simulated(problem, problem.sample(1, seed=1), 0.01, seed=1)
    read = read_log(_written(_log(), tmp_path))
    torch.testing.assert_close(read.measured, record.measured, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(read.commands, record.commands, rtol=1e-7, atol=1e-7)
    assert read.spacing == 0.2
    noise = read.deviations / record.deviations
    assert bool(((noise > 0.5) & (noise < 2)).all())


def _without(name: str) -> Callable[[Lines], Lines]:
    place = HEADER.split(",").index(name)
    return lambda lines: [",".join(cell for k, cell in enumerate(line.split(",")) if k != place) for line in lines]


def _cell(line: int, place: int, text: str) -> Callable[[Lines], Lines]:
    def changed(lines: Lines) -> Lines:
        cells = lines[line - 1].split(",")
        cells[place] = text
        return [*lines[: line - 1], ",".join(cells), *lines[line:]]

    return changed


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (_without("p_em [bar]"), r"lacks a column: p_em \[Pa\]"),
        (lambda lines: [HEADER.replace("[kPa]", "[psi]"), *lines[1:]], r"'p_im \[psi\]' is in 'psi'.* Pa, kPa, bar"),
        (lambda lines: [HEADER.replace(" [kPa]", ""), *lines[1:]], "'p_im' is without a unit"),
        (lambda lines: [HEADER.replace("[kPa]", "[bar]"), *lines[1:]], r"'p_im \[bar\]': its median would be .* Pa"),
        (_cell(17, 6, "nan"), r"line 17, column 'p_em \[bar\]': 'nan' is no finite number"),
        (_cell(20, 2, ""), r"line 20, column 'fuel \[mg/cycle\]': '' is no finite number"),
        (lambda lines: lines[:40] + lines[43:], "line 41: 0.8 s after the row before it.*a gap"),
        (_cell(30, 3, "140"), "command 'EGR' is 140 % at 5.6 s, outside the actuator's range of 0 to 100"),
        (lambda lines: lines[:20], "3.6 s long, too short"),
        (lambda lines: lines[:1], "has no rows below its header"),
        (
            lambda lines: [lines[0], *(f"{0.203 * k},{line.split(',', 1)[1]}" for k, line in enumerate(lines[1:]))],
            "a row every 0.203 s: resample it",
        ),
    ],
    ids=["column", "unit", "no unit", "wrong unit", "nan", "empty", "gap", "range", "short", "no rows", "spacing"],
)
def test_a_fault_of_a_log_is_named(fault: Callable[[Lines], Lines], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_log(_written(fault(_log()), tmp_path))


def test_a_log_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read as a table"):
        read_log(tmp_path / "none.csv")


def test_what_a_record_does_not_determine_is_said_and_not_guessed() -> None:
    closed = RandomRamps(egr=(0.0, 0.0))  # through a closed valve nothing flows, however wide it could be
    problem = DieselEngineRecords(duration=20.0, commands=closed)
    record = EngineRecord.simulated(problem, problem.sample(1, seed=2), 0.01, seed=2)
    findings = {f.name: f for f in diagnose(EngineTwin(), record, Shooting(), HealthyBands(BANDS))}
    assert findings["A_egrmax"].verdict is Verdict.UNKNOWN
    assert findings["A_egrmax"].row(exact=True)["value"] is None
    assert findings["A_egrmax"].row(exact=False)["estimate"] == ""
    assert findings["A_vgtmax"].verdict is Verdict.HEALTHY


def test_a_record_that_tells_nothing_is_refused() -> None:
    closed = RandomRamps(egr=(0.0, 0.0))
    problem = DieselEngineRecords(duration=20.0, commands=closed)
    record = EngineRecord.simulated(problem, problem.sample(1, seed=2), 0.01, seed=2)
    with pytest.raises(DataError, match=r"nothing of A_egrmax can be identified from this record: .* too steady"):
        diagnose(EngineTwin(unknown=("A_egrmax",)), record, Shooting(), HealthyBands(BANDS))


def test_verdicts_follow_the_interval() -> None:
    one = torch.ones(1, dtype=torch.float64)

    def verdict(ratio: float, deviation: float) -> Verdict:
        estimate = Estimate(("A_egrmax",), ratio * HEALTHY[0] * one, deviation**2 * one[None], torch.zeros(5, 3), 1)
        return HealthyBands({"A_egrmax": 0.15}).findings(estimate)[0].verdict

    assert verdict(1.0, 0.02) is Verdict.HEALTHY
    assert verdict(0.7, 0.02) is Verdict.WORN
    assert verdict(1.4, 0.02) is Verdict.WORN
    assert verdict(0.84, 0.02) is Verdict.OPEN
    assert verdict(0.7, 0.3) is Verdict.UNKNOWN


def test_monitoring_follows_a_drift() -> None:
    problems = [DieselEngineRecords(duration=20.0, egr_area=share * HEALTHY[0]) for share in (1.0, 0.7)]
    records = [EngineRecord.simulated(p, p.sample(1, seed=i), 0.01, seed=i) for i, p in enumerate(problems)]
    found = [row[0].verdict for row in monitor(EngineTwin(), records, Shooting(), HealthyBands(BANDS))]
    assert found == [Verdict.HEALTHY, Verdict.WORN]
