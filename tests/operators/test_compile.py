"""Every family compiles in one piece: no graph breaks, no control flow that depends on values."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from families import FAMILIES


@pytest.mark.slow
def test_every_family_compiles_in_one_piece() -> None:
    program = Path(__file__).with_name("compiled_families.py")
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    worst = json.loads(done.stdout)
    assert set(worst) == {name for name in FAMILIES if "dense" not in name}
    assert max(worst.values()) < 1e-5
