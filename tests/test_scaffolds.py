"""What `fredholm new` writes runs as it is: its tests pass, and its script trains, measures, saves and exports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fredholm.errors import ScaffoldError, UnknownNameError
from fredholm.scaffolds import KINDS, class_name, write_project
from test_cli import fredholm

SMALLER = {"SAMPLES, ITERATIONS = 400, ": "SAMPLES, ITERATIONS = 100, ", "n=50": "n=4", ", 500": ", 2", ", 1000": ", 2"}


@pytest.mark.parametrize(("kind", "name"), [("problem", "heat_pipe"), ("operator", "mean_field")])
def test_a_project_passes_its_tests_and_trains(kind: str, name: str, tmp_path: Path) -> None:
    assert f"cd {tmp_path}" in fredholm("new", kind, name, "--directory", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.py", f"test_{name}.py", "train.py", "README.md"}
    script = (tmp_path / "train.py").read_text(encoding="utf-8")
    for long, short in SMALLER.items():
        script = script.replace(long, short)
    (tmp_path / "train.py").write_text(script, encoding="utf-8")
    said = in_project(
        tmp_path,
        "-c",
        "import pytest, runpy; code = pytest.main(['-q', '-p', 'no:cacheprovider']); "
        "runpy.run_path('train.py', run_name='__main__'); raise SystemExit(code)",
    )
    assert "3 passed" in said
    assert "relative L2 error" in said
    assert (tmp_path / "runs/artifact/manifest.json").exists()
    assert class_name(name) in (tmp_path / f"{name}.py").read_text(encoding="utf-8")


def test_a_project_says_nothing_of_its_template(tmp_path: Path) -> None:
    for kind in KINDS:
        for path in write_project(kind, "own_thing", tmp_path / kind):
            text = path.name + path.read_text(encoding="utf-8")
            assert not [word for word in ("new_", "New", "new-") if word + kind in text.lower()]


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


def in_project(directory: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTEST_ADDOPTS": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
