"""The house stands as docs/architecture.md draws it: imports point one way, and systems tell the truth."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fredholm
from fredholm.studies import STUDIES
from fredholm.studies.systems import systems

SOURCE = Path(fredholm.__file__).parent
ORDER = [
    "errors",
    "fields",
    "solvers",
    "problems",
    "data",
    "kernels",
    "layers",
    "operators",
    "training",
    "evaluation",
    "inverse",
    "deploy",
    "testing",
    "scaffolds",
    "studies",
    "bench",
    "commands",
    "cli",
    "__main__",
]


def imported_packages(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("fredholm.")}


FILES = sorted(set(SOURCE.rglob("*.py")) - {SOURCE / "__init__.py"})  # the top level names everything, lazily


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_imports_point_one_way(file: Path) -> None:
    here = ORDER.index(file.relative_to(SOURCE).parts[0].removesuffix(".py"))
    below = {name for name in imported_packages(file) if ORDER.index(name) > here}
    assert not below, f"{file.relative_to(SOURCE)} imports from packages below it: {sorted(below)}"


def test_every_package_is_in_the_order() -> None:
    packages = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    assert packages <= set(ORDER)


def test_public_names_exist() -> None:
    for name in fredholm.__all__:
        assert getattr(fredholm, name) is not None
    with pytest.raises(AttributeError, match="it offers"):
        fredholm.fitt  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, fredholm, fredholm.cli; "
        "print([m for m in ('torch', 'zarr', 'xarray', 'onnx', 'fastapi', 'numba', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_systems_agree_with_the_studies_that_exist() -> None:
    assert [system.number for system in systems()] == list(range(1, 61))
    assert {system.study for system in systems() if system.study} == set(STUDIES)
    for system in systems():
        assert (system.study is None) == (system.state == "planned")
        assert system.study in (None, system.slug)


def test_no_source_file_outgrows_its_concept() -> None:
    long = {str(f.relative_to(SOURCE)): n for f in SOURCE.rglob("*.py") if (n := len(f.read_text().splitlines())) > 400}
    assert not long
