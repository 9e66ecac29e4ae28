"""CFDBench's folders, read as the published files are written and written as they are read."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from fredholm.cli import app
from fredholm.data import cfdbench as writing
from fredholm.data.cfdbench import flow_named, write_cases
from fredholm.data.readers.cfdbench import FlowCases, is_cfdbench, problems_in
from fredholm.errors import DataError, SolverError, UnknownNameError
from fredholm.problems.cavity_flow import CavityFlow

CAVITY = {"vel_top": 10.0, "density": 1.0, "viscosity": 1e-5, "height": 0.01, "width": 0.01}
DAM = {"velocity": 1.0, "density": 100.0, "viscosity": 0.1, "barrier_height": 0.1, "barrier_width": 0.3, "height": 0.4}
DAM |= {"width": 1.5, "dx": 0.1, "dy": 0.1}
CYLINDER = {"vel_in": 1.0, "density": 10.0, "viscosity": 1e-3, "x_min": -0.06, "x_max": 0.16, "y_min": -0.04}
CYLINDER |= {"y_max": 0.08, "radius": 0.01}


def published(root: Path, problem: str, subset: str, number: int, case: dict[str, float], u: np.ndarray) -> Path:
    """A case as the published archives hold it."""
    folder = root / problem / subset / f"case{number:04d}"
    folder.mkdir(parents=True)
    (folder / "case.json").write_text(json.dumps(case))
    np.save(folder / "u.npy", u)
    np.save(folder / "v.npy", -2 * u)
    return folder


def ramp(frames: int, rows: int = 6, columns: int = 8) -> np.ndarray:
    """u = t + 10 y + 100 x at whole numbers."""
    t, y, x = np.meshgrid(np.arange(frames), np.arange(rows), np.arange(columns), indexing="ij")
    return (t + 10 * y + 100 * x).astype(np.float32)


def test_pairs_frames_and_roll_outs_are_of_the_right_frames(tmp_path: Path) -> None:
    for number, frames in enumerate((5, 9, 4)):
        published(tmp_path, "cavity", "bc", number, CAVITY | {"vel_top": 1.0 + number}, ramp(frames))
    cases = FlowCases.read(tmp_path, "cavity", ("bc",))
    data = cases.steps(steady=0)
    assert len(data) == 4 + 8 + 3
    everything = torch.arange(len(data))
    inputs, outputs = data.inputs(everything), data.outputs(everything)
    assert torch.equal(outputs[:, 0], inputs["flow"][:, 0] + 1)  # the next frame of the same case
    assert torch.equal(outputs[:, 1], -2 * outputs[:, 0])
    assert inputs["flow"][0, 0, 2, 3] == 320  # rows are y, columns x
    assert torch.equal(inputs["case"][:, 0], 1.0 + data.labels["number"])
    points = torch.tensor([0, 9, 47])
    assert torch.equal(data.outputs_at(everything[3:5], points), outputs[3:5].flatten(2)[:, :, points])
    frames = cases.frames(first=1)
    assert len(frames) == 4 + 8 + 3
    torch.testing.assert_close(frames.inputs(everything)["case"][:, -1], data.labels["time"] + 0.1)
    assert torch.equal(frames.outputs(everything), outputs)
    trajectories = cases.trajectories(steps=6, first=1)
    assert trajectories.truth[:, :, 0, 0, 0].tolist() == [[2, 3, 4, 4, 4, 4], [2, 3, 4, 5, 6, 7], [2, 3, 3, 3, 3, 3]]
    assert trajectories.state[:, 0, 0, 0].tolist() == [1, 1, 1]
    assert set(trajectories.forcings) == {"mask", "case"}


def test_a_step_is_the_nearest_number_of_frames(tmp_path: Path) -> None:
    published(tmp_path, "cavity", "bc", 0, CAVITY, ramp(9))
    data = FlowCases.read(tmp_path, "cavity", ("bc",)).steps(step=0.3, steady=0)  # 0.3 / 0.1 is below 3
    assert float((data.outputs(torch.tensor([0])) - data.inputs(torch.tensor([0]))["flow"])[0, 0, 0, 0]) == 3


def test_the_time_between_frames_is_read(tmp_path: Path) -> None:
    published(tmp_path, "tube", "bc", 0, {"vel_in": 1.0, **{k: CAVITY[k] for k in list(CAVITY)[1:]}}, ramp(3))
    assert FlowCases.read(tmp_path, "tube", ("bc",)).cases[0].step == 0.01  # as published
    file = tmp_path / "tube/bc/case0000/case.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"dt": 0.05}))
    assert FlowCases.read(tmp_path, "tube", ("bc",)).cases[0].step == 0.05


def test_a_steady_flow_yields_no_more_pairs_however_slow_it_is(tmp_path: Path) -> None:
    decay = (1 - 0.5 ** np.arange(30))[:, None, None] * np.ones((30, 4, 4))
    for number, speed in enumerate((1.0, 1e-4)):
        published(tmp_path, "cavity", "bc", number, CAVITY, (speed * decay).astype(np.float32))
    data = FlowCases.read(tmp_path, "cavity", ("bc",)).steps()
    numbers = data.labels["number"]
    assert int((numbers == 0).sum()) == int((numbers == 1).sum()) == 9  # 0.5¹⁰ < 1e-3 < 0.5⁹


def test_obstacles_are_where_they_are(tmp_path: Path) -> None:
    """Barrier from x = 0.5 m, on the floor; cylinder around the origin of its coordinates."""
    published(tmp_path, "dam", "geo", 0, DAM, np.zeros((2, 4, 15), np.float32))
    dam = FlowCases.read(tmp_path, "dam", ("geo",)).cases[0]
    solid = (~dam.mask()).nonzero().tolist()
    assert solid == [[0, 5], [0, 6], [0, 7]]
    assert list(dam.numbers)[-2:] == ["barrier_height", "barrier_width"]
    published(tmp_path, "cylinder", "geo", 0, CYLINDER, np.zeros((2, 60, 110), np.float32))
    cylinder = FlowCases.read(tmp_path, "cylinder", ("geo",)).cases[0]
    rows, columns = (~cylinder.mask()).nonzero().double().mean(0).tolist()
    assert ((rows + 0.5) * 0.002, (columns + 0.5) * 0.002) == pytest.approx((0.04, 0.06), abs=1e-3)
    assert int((~cylinder.mask()).sum()) == pytest.approx(np.pi * 25, rel=0.1)
    assert dict(cylinder.numbers) == pytest.approx(
        {"vel_in": 1, "density": 10, "viscosity": 1e-3, "height": 0.12, "width": 0.22}
        | {"center_x": 0.06, "center_y": 0.04, "radius": 0.01}
    )


def test_cases_are_split_whole_and_as_published(tmp_path: Path) -> None:
    for subset, count in (("bc", 12), ("geo", 3), ("prop", 5)):
        for number in reversed(range(count)):
            published(tmp_path, "cavity", subset, number, CAVITY, ramp(2))
    cases = FlowCases.read(tmp_path, "cavity")
    names = [str(case.directory.relative_to(tmp_path / "cavity")) for case in cases.cases]
    assert names[:6] == [*(f"prop/case{i:04d}" for i in range(5)), "bc/case0000"]  # numbers count, not letters
    random.seed(0)
    random.shuffle(names)
    split = [[str(case.directory.relative_to(tmp_path / "cavity")) for case in part.cases] for part in cases.split()]
    assert split == [names[:16], names[16:18], names[18:]]
    with pytest.raises(DataError, match="a part has no case"):
        FlowCases(cases.cases[:2]).split()


def test_what_is_broken_is_named(tmp_path: Path) -> None:
    folder = published(tmp_path, "cavity", "bc", 0, CAVITY, ramp(3))
    with pytest.raises(UnknownNameError, match="did you mean 'cavity'"):
        FlowCases.read(tmp_path, "cavty")
    with pytest.raises(DataError, match="prop has no folders case0000"):
        FlowCases.read(tmp_path, "cavity")
    np.save(folder / "v.npy", ramp(2))
    with pytest.raises(DataError, match=r"u.npy has shape \(3, 6, 8\), v.npy \(2, 6, 8\)"):
        FlowCases.read(tmp_path, "cavity", ("bc",)).steps()
    (folder / "v.npy").write_bytes((folder / "u.npy").read_bytes()[:200])
    with pytest.raises(DataError, match=r"v\.npy cannot be read"):
        FlowCases.read(tmp_path, "cavity", ("bc",)).steps()
    (folder / "case.json").write_text('{"vel_top": 1}')
    with pytest.raises(DataError, match="does not give 'density'"):
        FlowCases.read(tmp_path, "cavity", ("bc",))


def small(monkeypatch: pytest.MonkeyPatch) -> CavityFlow:
    few = [CavityFlow().cases("bc")[i] for i in range(3)]
    monkeypatch.setattr(CavityFlow, "cases", lambda self, subset: few)
    return CavityFlow(points=16, frames=3)


def test_what_is_written_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = small(monkeypatch)
    written = write_cases(problem, tmp_path, ("bc",), workers=1, progress=False)
    assert (written.cases, written.solved, dict(written.failures)) == (3, 3, {})
    assert is_cfdbench(tmp_path)
    assert problems_in(tmp_path) == {"cavity": ["bc"]}
    cases = FlowCases.read(tmp_path, "cavity", ("bc",))
    for case, expected in zip(cases.cases, problem.cases("bc"), strict=True):
        assert (dict(case.numbers), case.step) == (expected, problem.step)
        np.testing.assert_allclose(case.values(slice(None)), problem.trajectory(expected), atol=1e-6)


def test_a_run_goes_on_where_it_stopped_and_guards_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = small(monkeypatch)
    write_cases(problem, tmp_path, ("bc",), workers=1, progress=False)
    kept = tmp_path / "cavity/bc/case0000/u.npy"
    before = kept.stat().st_mtime_ns
    for file in (tmp_path / "cavity/bc/case0001").iterdir():
        file.unlink()
    (tmp_path / "cavity/bc/case0001").rmdir()
    assert write_cases(problem, tmp_path, ("bc",), workers=1, progress=False).solved == 1
    assert kept.stat().st_mtime_ns == before
    assert not list(tmp_path.rglob(".case*"))
    with pytest.raises(DataError, match="holds another case"):
        write_cases(CavityFlow(points=16, frames=4), tmp_path, ("bc",), workers=1, progress=False)


def test_a_case_that_diverges_is_left_out_and_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = small(monkeypatch)
    solve = CavityFlow.trajectory

    def diverging(self: CavityFlow, case: dict[str, float]) -> np.ndarray:
        if case["vel_top"] == 2.0:
            raise SolverError(0, "its flow is not finite")
        return solve(self, case)

    monkeypatch.setattr(CavityFlow, "trajectory", diverging)
    written = write_cases(problem, tmp_path, ("bc",), workers=1, progress=False)
    assert dict(written.failures) == {"cavity/bc/case0001": "its flow is not finite"}
    assert (written.cases, written.solved) == (2, 2)


def test_a_case_that_is_not_resolved_is_refused_before_anything_is_solved_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"of cavity is refused: 16 cells do not resolve"):
        write_cases(flow_named("cavity", 16, 3), tmp_path, progress=False)
    assert not list(tmp_path.iterdir())
    with pytest.raises(UnknownNameError, match="did you mean 'cavity'"):
        writing.flow_named("cavty", 16, 3)


def test_the_command_writes_what_inspect_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    run = CliRunner()
    arguments = [
        "data",
        "cfdbench",
        str(tmp_path),
        "--subset",
        "bc",
        "--points",
        "16",
        "--frames",
        "3",
        "--workers",
        "1",
    ]
    assert "3 cases of cavity" in run.invoke(app, arguments).output
    assert "0 of them new" in run.invoke(app, arguments).output
    told = run.invoke(app, ["data", "inspect", str(tmp_path), "--json"]).output
    assert "CFDBench folder" in told
