"""The Python examples of the README and of the first steps run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(code: str, directory: Path) -> str:
    script = directory / "example.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=directory, capture_output=True, text=True, check=False, timeout=250
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def examples(file: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / file).read_text(encoding="utf-8"), re.S)


def test_the_readme_s_example_of_the_catalogue_runs(tmp_path: Path) -> None:
    catalogue = examples("README.md")[1]
    assert "iterations=200" in catalogue
    run(catalogue.replace("iterations=200", "iterations=3").replace("darcy, 100", "darcy, 20"), tmp_path)


@pytest.mark.slow
def test_the_readme_s_example_of_a_room_runs(tmp_path: Path) -> None:
    said = run(examples("README.md")[0], tmp_path)
    assert "relative L2 error 0." in said
    assert "tensor([[[" in said


@pytest.mark.slow
def test_a_network_of_one_s_own_is_trained_and_exported(tmp_path: Path) -> None:
    code = examples("docs/first-steps.md")[0]
    assert "iterations=5000" in code
    run(code.replace("iterations=5000", "iterations=20").replace("every=1000", "every=10"), tmp_path)
    assert (tmp_path / "runs/mine/report/report.html").exists()
    assert (tmp_path / "runs/mine/artifact/trunk.onnx").exists()


def test_data_of_one_s_own_become_a_data_set(tmp_path: Path) -> None:
    code = examples("docs/first-steps.md")[1]
    run("import torch\nloads, deflections = torch.rand(2, 4, 1, 128)\n" + code + "\nassert len(data) == 4", tmp_path)
