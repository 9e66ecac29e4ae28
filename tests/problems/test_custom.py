"""Any solver becomes a problem: its samples are numbered, its failures named, its data generated like any other's."""

import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import beam_program
import numpy as np
import pytest
import torch
from own_solvers import LINE, ON_LINE, SIGNATURE, batched_deflection, brittle, deflection, draw

from fredholm.data import generate, open_dataset
from fredholm.errors import DataError, SamplesLeftOut, SignatureError, SolverError
from fredholm.fields import DomainType, Function, PointCloud, Quantity, Signature
from fredholm.problems import ExternalCommand, Problem

PROGRAM = [sys.executable, beam_program.__file__]


def beam(solver=deflection, sampler=draw, **changes) -> Problem:
    return Problem.from_solver(solver, sampler, SIGNATURE, **{"name": "beam", **changes})


def generated(problem, n, path, workers=1):
    return generate(problem, n, 0, path, workers=workers, dtype="float32", progress=False)


def test_the_solver_s_equation_is_met_by_what_is_generated(tmp_path):
    data = generated(beam(), 9, tmp_path / "set")
    every = torch.arange(9)
    inputs, u = data.inputs(every), data.outputs(every)[:, 0].double()
    spacing = LINE.axes[0].spacing
    left = -(u[:, 2:] - 2 * u[:, 1:-1] + u[:, :-2]) / spacing**2 * inputs["stiffness"].double()
    assert torch.allclose(left, inputs["load"][:, 0, 1:-1].double(), atol=2e-3)  # float32 over h²
    assert float(u[:, [0, -1]].abs().max()) == 0


def test_sample_i_depends_on_seed_and_i_alone():
    problem = beam()
    together = problem.sample(6, seed=3)
    for name, values in problem.sample(2, seed=3, first=4).items():
        assert torch.equal(values, together[name][4:])
    assert not torch.equal(problem.sample(6, seed=4)["load"], together["load"])


def test_a_batched_solver_gives_the_same(tmp_path):
    inputs = beam().sample(5, seed=0)
    assert torch.equal(beam(batched_deflection, batched=True).solve(inputs), beam().solve(inputs))


def test_workers_and_resuming_give_the_same_bytes(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    generated(beam(), 70, one)
    generated(beam(), 40, two, workers=2)
    generated(beam(), 70, two, workers=2)
    assert (one / "output" / "c.0.0.0").read_bytes() == (two / "output" / "c.0.0.0").read_bytes()
    assert open_dataset(one).fingerprint() == open_dataset(two).fingerprint()


def test_the_record_says_the_name_and_runs_nothing(tmp_path):
    generated(beam(parameters={"length": 1.0}), 3, tmp_path / "set")
    code = f"from fredholm.data import open_dataset; print(open_dataset({str(tmp_path / 'set')!r}).problem)"
    said = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=tmp_path)  # where no solver is found
    record = {"name": "beam", "parameters": {"solver": "deflection", "sampler": "draw", "length": 1.0}}
    assert said.strip() == str(record)
    with pytest.raises(DataError, match=r"parameter 'length' is 1.0, not 2.0"):
        generated(beam(parameters={"length": 2.0}), 3, tmp_path / "set")


@pytest.mark.parametrize("workers", [1, 2])
def test_failures_are_left_out_and_named(tmp_path, workers):
    problem = beam(brittle)
    stiffness = problem.sample(20, seed=0)["stiffness"][:, 0]
    good = (stiffness >= 1.2) & (stiffness <= 1.8)
    assert 5 < int(good.sum()) < 18
    with pytest.warns(SamplesLeftOut):
        data = generated(problem, 20, tmp_path / "set", workers=workers)
    assert torch.equal(data.inputs(torch.arange(len(data)))["stiffness"][:, 0], stiffness[good])
    assert set(data.failures.values()) == {"ZeroDivisionError: the material tore", "its solution is not finite"}
    torn = int((stiffness < 1.2).nonzero()[0, 0])
    with pytest.raises(SolverError, match=f"sample {torn} cannot be solved: ZeroDivisionError"):
        problem.solve(problem.sample(20, seed=0))


def test_a_defect_of_the_solver_is_not_taken_for_a_failed_sample(tmp_path):
    with pytest.raises(KeyError, match="lode") as caught:
        generated(beam(lambda inputs: inputs["lode"]), 3, tmp_path / "set")
    assert "solver of 'beam' for sample 0" in caught.value.__notes__[0]


@pytest.mark.parametrize("file", ["{output.npy}", "{output.npz}"])
def test_a_program_gives_what_the_function_gives(tmp_path, file):
    command = ExternalCommand([*PROGRAM, "{inputs.npz}", file], time_limit=60)
    problem = beam(command)
    with pytest.warns(SamplesLeftOut, match="the material tore"):
        data = generated(problem, 4, tmp_path / "set")
    expected = beam().solve(data.inputs(torch.arange(len(data))))
    assert torch.allclose(data.outputs(torch.arange(len(data))), expected, atol=1e-6)
    assert 0 < len(data.failures) < 4
    assert data.problem["parameters"]["solver"] == list(command.command)


def program(code: str, *words: str, **options) -> ExternalCommand:
    return ExternalCommand([sys.executable, "-c", code, *words, "{output.npy}"], **options)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit('diverged at t = 3')", r"exited with status 1: diverged at t = 3"),
        ("import os; os.kill(os.getpid(), 9)", r"ended by signal 9, and wrote nothing"),
        ("pass", r"wrote no output.npy"),
        ("import sys; open(sys.argv[1], 'w').write('1 2 3')", r"cannot be read"),
        ("import sys, numpy; numpy.save(sys.argv[1], numpy.array([print]))", r"cannot be read: .*allow_pickle"),
    ],
)
def test_how_a_program_fails_is_told(code, said):
    with pytest.raises(SolverError, match=said):
        program(code)({"load": np.zeros(3)})


def test_a_program_that_takes_too_long_is_ended_with_what_it_started(tmp_path):
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'])\n"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid)); time.sleep(100)"
    )
    with pytest.raises(SolverError, match=r"took over 2 s"):
        program(code, time_limit=2.0)({})
    child = Path("/proc", (tmp_path / "child").read_text(), "stat")
    for _ in range(500):
        if not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.01)
    pytest.fail("the program's child lives on")


def test_one_input_may_have_a_file_of_its_own_and_no_shell_reads_the_words(tmp_path):
    code = "import sys, numpy; assert sys.argv[1] == '$HOME; *'; numpy.save(sys.argv[3], 2 * numpy.load(sys.argv[2]))"
    command = program(code, "$HOME; *", "{load.npy}")
    assert command({"load": np.arange(3.0), "other": np.zeros(1)}).tolist() == [0, 2, 4]


def test_commands_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match="list of words"):
        ExternalCommand("solve {inputs.npz} {output.npy}")
    with pytest.raises(ValueError, match="must name its output once"):
        ExternalCommand(["solve", "{inputs.npz}"])
    with pytest.raises(ValueError, match="time limit must be positive"):
        ExternalCommand(["solve", "{output.npy}"], time_limit=0)
    with pytest.raises(DataError, match="'no-such-solver' is not found"):
        ExternalCommand(["no-such-solver", "{output.npy}"])({})


def test_what_does_not_fit_is_named():
    with pytest.raises(SignatureError, match=r"sampler of 'beam' drew \['load'\]; expected .*\['load', 'stiffness'\]"):
        beam(sampler=lambda random: {"load": np.zeros(33)}).sample(1, 0)
    with pytest.raises(SignatureError, match=r"input 'load' has shape \(32,\); expected \(1, 33\) or \(33,\)"):
        beam(sampler=lambda random: {"load": np.zeros(32), "stiffness": 1.0}).sample(1, 0)
    problem = beam(lambda inputs: inputs["load"][1:])
    with pytest.raises(SignatureError, match=r"answer of the solver of 'beam' has shape \(32,\); expected"):
        problem.solve(problem.sample(1, 0))
    with pytest.raises(ValueError, match="cannot be named 'darcy'"):
        beam(name="darcy")
    with pytest.raises(ValueError, match="one sample at a time"):
        beam(ExternalCommand(["solve", "{output.npy}"]), batched=True)


def test_functions_of_the_script_are_solved_for_here_and_not_sent(tmp_path, monkeypatch):
    monkeypatch.setattr(deflection, "__module__", "__main__")
    with pytest.raises(DataError, match="cannot import deflection, which the running script defines"):
        generated(beam(), 3, tmp_path / "set", workers=2)
    with pytest.raises(DataError, match="cannot be sent to worker processes"):
        generated(beam(lambda inputs: inputs["load"]), 3, tmp_path / "other", workers=2)
    assert len(generated(beam(), 3, tmp_path / "set", workers=None)) == 3


def test_a_bound_argument_is_part_of_the_record():
    one, two = (beam(partial(deflection, factor=factor)).parameters()["solver"] for factor in (1, 2))
    assert one == ["deflection", {"factor": "1"}] != two


def test_channels_have_an_axis_where_there_are_several_and_domains_may_be_given():
    cloud = PointCloud(torch.rand(7, 2, dtype=torch.float64), ("x", "y"))
    type_ = DomainType.of(cloud)
    two = Function((Quantity("a"), Quantity("b")), type_)
    signature = Signature({"pair": two}, Function((Quantity("sum"),), type_))
    problem = Problem.from_solver(
        lambda inputs: inputs["pair"].sum(0),
        lambda random: {"pair": random.random((2, 7))},
        signature,
        name="sum",
        output_domain=cloud,
        input_domains={"pair": cloud},
    )
    inputs = problem.sample(3, seed=0)
    assert torch.allclose(problem.solve(inputs), inputs["pair"].sum(1, keepdim=True))
    other = Signature({"pair": two}, Function((Quantity("sum"),), ON_LINE))
    with pytest.raises(ValueError, match="but the signature says"):
        Problem.from_solver(lambda x: x, draw, other, name="x", output_domain=cloud, input_domains={"pair": cloud})
    varying = Function((Quantity("a"),), DomainType.of(cloud, varies=True))
    with pytest.raises(ValueError, match="domain of each sample's own"):
        Problem.from_solver(lambda x: x, draw, Signature({"a": varying}, two), name="x", output_domain=cloud)
