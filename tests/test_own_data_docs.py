"""The examples of the pages about your own solver and your own files run as they stand."""

import re
import sys
from pathlib import Path
from textwrap import indent

import pytest

from test_readme import examples, run

sys.path.append(str(Path(__file__).parent / "data"))

ARRAYS = "import numpy as np\nloads, deflections = np.random.rand(2, 10, 1, 128)\nstiffnesses = np.random.rand(10, 1)\n"


@pytest.mark.slow
def test_a_numpy_solver_becomes_a_trained_operator(tmp_path: Path) -> None:
    code, look, ask, command = examples("docs/your-own-solver.md")
    assert len([line for line in code.splitlines() if line.strip()]) <= 32
    assert "iterations=2000" in code
    assert "fno/small" in code
    shorter = code.replace("iterations=2000", "iterations=5").replace("n=1000", "n=40").replace("n=50", "n=8")
    shorter = shorter.replace("fno/small", "fno/tiny")
    served = "\nfrom fredholm.deploy.service import running_service\n"
    served += "with running_service('runs/spring/artifact', port=8934):\n" + indent(ask.replace("8000", "8934"), "    ")
    said = run(shorter + look + served, tmp_path)
    assert "relative L2 error" in said
    assert "graphs equal" in said
    assert re.search(r"^\[\[\[-?\d\S*, -?\d\S*\]\]\] \['m'\]$", said, re.M), said
    assert (tmp_path / "runs/spring/bump.png").read_bytes().startswith(b"\x89PNG")
    beginning = code[: code.index("spring = ")]
    (tmp_path / "spring.py").write_text(
        "import sys\n" + beginning + "\nnp.save(sys.argv[2], solve(np.load(sys.argv[1])))", encoding="utf-8"
    )
    asked = beginning + command + "\ninputs = spring.sample(1, 0)\nprint(abs(spring.solve(inputs)).max() > 0)"
    assert run(asked, tmp_path).strip() == "tensor(True)"


@pytest.mark.slow
def test_files_arrays_and_labelled_arrays_become_data_sets(tmp_path: Path) -> None:
    import file_layouts

    files, arrays, labelled, learn = examples("docs/your-own-files.md")
    (name,) = set(re.findall(r'open_file\("(.*?)"', files))
    file_layouts.pdebench_flow(tmp_path / name)
    assert "name='density'" in run(files, tmp_path)
    few = learn.replace("iterations=2000", "iterations=2").replace("fno/small", "fno/tiny")
    run(ARRAYS + arrays + "\nassert (len(train), len(test)) == (8, 2)\n" + few, tmp_path)
    assert (tmp_path / "runs/mine/artifact/manifest.json").exists()
    same = "\nother = Dataset.from_arrays(signature, line, {'load': loads, 'stiffness': stiffnesses}, deflections)"
    same += "\nimport torch; every = torch.arange(10); assert torch.equal(data.outputs(every), other.outputs(every))"
    same += "\nassert data.signature == signature"
    run(ARRAYS + arrays + labelled + same, tmp_path)
