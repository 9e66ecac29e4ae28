"""Drive cycles: speed and torque of the table are those of the engine, and its records are physical."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fredholm.errors import DataError
from fredholm.problems import DieselEngineRecords, DriveCycle, problem_named
from fredholm.solvers.diesel_engine import flows

CYCLE = DriveCycle(
    speed=tuple(30 + 25 * np.sin(np.arange(120) / 9)), torque=tuple(45 + 50 * np.sin(np.arange(120) / 5 + 1))
)


def test_the_steady_engine_gives_the_torque_of_the_table() -> None:
    """But for the pumping work that the inversion leaves out: within 5 % of full load."""
    problem = DieselEngineRecords(commands=CYCLE)
    speed, torque = np.array([25.0, 40.0, 40.0, 55.0]), np.array([40.0, 30.0, 90.0, 60.0])
    commands = CYCLE.commands(speed, torque)
    full = CYCLE.commands(speed, np.full(4, 100.0))
    given = {}
    for name, asked in (("table", commands), ("full", full)):
        states = torch.from_numpy(problem.solver.steady_state(asked.T))
        given[name] = flows(states, torch.from_numpy(asked.T))["M_e"].numpy()
    np.testing.assert_allclose(100 * given["table"] / given["full"], torque, atol=5)


def test_idle_and_full_load_are_the_ends_of_the_schedules() -> None:
    idle, full = CYCLE.commands(np.array([0.0, 100.0]), np.array([-100.0, 100.0])).T
    assert idle[0] == 550.0
    assert idle[2:].tolist() == [CYCLE.egr[0], CYCLE.vgt[0]]
    assert full[1:3].tolist() == [CYCLE.full_load, CYCLE.egr[1]]


def test_stretches_are_parts_of_the_cycle_and_go_on_from_its_start() -> None:
    times = torch.arange(0.0, 130.0, 1.0)
    whole = CYCLE.commands(np.array(CYCLE.speed), np.array(CYCLE.torque))
    for seed in range(4):
        drawn = CYCLE.draw(torch.Generator().manual_seed(seed), times).numpy()
        (start,) = np.flatnonzero(np.abs(whole - drawn[:, :1]).max(0) < 1e-9)
        np.testing.assert_allclose(drawn, np.take(whole, range(start, start + 130), 1, mode="wrap"), rtol=1e-12)


def test_an_engine_runs_through_the_cycle() -> None:
    problem = DieselEngineRecords(duration=30.0, commands=CYCLE)
    inputs = problem.sample(3, seed=0)
    states = problem.solve(inputs)
    assert torch.isfinite(states).all()
    assert states[:, 0].min() > 0.95e5
    assert torch.equal(problem.sample(1, seed=0, first=2)["commands"][0], inputs["commands"][2])
    assert problem_named(problem.name, problem.parameters()) == problem


def test_tables_are_read_and_their_faults_named(tmp_path: Path) -> None:
    path = tmp_path / "cycle.csv"
    path.write_text("speed,torque\n0,0\n40,80\n")
    assert DriveCycle.read(path) == DriveCycle((0.0, 40.0), (0.0, 80.0))
    path.write_text("speed,torque\n0,0\n40,m\n")
    with pytest.raises(DataError, match="line 3: torque is 'm', no number"):
        DriveCycle.read(path)
    path.write_text("speed,load\n0,0\n")
    with pytest.raises(DataError, match="has no column 'torque'"):
        DriveCycle.read(path)
    with pytest.raises(ValueError, match="as many speeds as torques, two or more; got 2 and 1"):
        DriveCycle((0.0, 1.0), (0.0,))
    with pytest.raises(ValueError, match=r"VGT of \(10\.0, 80\.0\) is not within 20 to 100 %"):
        DriveCycle((0.0, 1.0), (0.0, 1.0), vgt=(10.0, 80.0))
