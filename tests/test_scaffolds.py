"""What `fredholm new` writes runs as it is: its tests pass, and its script trains, measures, saves and exports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import fredholm
from fredholm.errors import ScaffoldError, UnknownNameError
from fredholm.scaffolds import KINDS, class_name, write_project

SMALLER = {
    "SAMPLES, ITERATIONS = 400, ": "SAMPLES, ITERATIONS = 100, ",
    "n=50": "workers=0, n=4",
    "n=SAMPLES": "workers=0, n=SAMPLES",
    ", 500": ", 2",
    ", 1000": ", 2",
}
TRAIN = "import runpy; runpy.run_path('train.py', run_name='__main__')"


@pytest.mark.slow
def test_a_problem_passes_its_tests_and_is_learned(tmp_path: Path) -> None:
    assert f"cd {tmp_path}" in fredholm("new", "problem", "heat_pipe", "--directory", tmp_path)
    require_files(tmp_path, "heat_pipe")
    shorten(tmp_path / "train.py")
    said = in_project(tmp_path, f"import pytest; code = pytest.main(['-q']); {TRAIN}; raise SystemExit(code)")
    assert "3 passed" in said
    assert "relative L2 error" in said
    assert (tmp_path / "runs/artifact/manifest.json").exists()


@pytest.mark.slow
def test_an_operator_passes_its_tests(tmp_path: Path) -> None:
    write_project("operator", "mean_field", tmp_path)
    require_files(tmp_path, "mean_field")
    assert "3 passed" in in_project(tmp_path, "import pytest; raise SystemExit(pytest.main(['-q']))")


@pytest.mark.slow
def test_an_operator_is_trained_and_exported(tmp_path: Path) -> None:
    write_project("operator", "mean_field", tmp_path)
    shorten(tmp_path / "train.py")
    said = in_project(tmp_path, TRAIN)
    assert said.count("relative L2 error") == 2
    assert "graphs equal" in said


def test_a_project_says_nothing_of_its_template(tmp_path: Path) -> None:
    for kind in KINDS:
        for path in write_project(kind, "own_thing", tmp_path / kind):
            text = path.name + path.read_text(encoding="utf-8")
            assert not [between for between in ("", "_", "-") if f"new{between}{kind}" in text.lower()]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("mine", encoding="utf-8")
    with pytest.raises(ScaffoldError, match=r"train\.py exists already"):
        write_project("problem", "pipe", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("problem", "2d", "no name for a module"),
        ("problem", "class", "no name for a module"),
        ("problem", "../up", "no name for a module"),
        ("problem", "HeatPipe", "such as heat_pipe"),
        ("problem", "numbers", "another module"),
        ("problem", "darcy", "the toolkit has a problem named"),
        ("operator", "identity", "the toolkit has an operator named"),
        ("operator", "grid_operator", "'GridOperator'"),
    ],
)
def test_names_that_would_not_do_are_refused(kind: str, name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError, match=message):
        write_project(kind, name, tmp_path / "own")
    assert not (tmp_path / "own").exists()


def test_kinds_are_told() -> None:
    with pytest.raises(UnknownNameError, match="known: operator, problem"):
        write_project("solver", "own", "own")


def require_files(directory: Path, name: str) -> None:
    assert {path.name for path in directory.iterdir()} == {f"{name}.py", f"test_{name}.py", "train.py", "README.md"}
    assert class_name(name) in (directory / f"{name}.py").read_text(encoding="utf-8")


def shorten(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    for full, few in SMALLER.items():
        text = text.replace(full, few)
    script.write_text(text, encoding="utf-8")


def in_project(directory: Path, code: str) -> str:
    environment = {**os.environ, "PYTEST_ADDOPTS": "-p no:cacheprovider", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
