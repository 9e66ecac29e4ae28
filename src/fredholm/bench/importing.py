"""How long a program waits before its first line: importing the toolkit, its operators, and its peers.

Each import is a fresh interpreter; what an interpreter that imports torch alone takes is taken off the comparison with
peers that all need it.
"""

import subprocess
import sys
from collections.abc import Callable

from fredholm.bench.side_by_side import Figure, seconds_in_turn

_STATEMENTS = {
    "fredholm": "import fredholm",
    "fredholm's FNO": "import fredholm; fredholm.operators.FNO",
    "torch": "import torch",
    "neuraloperator": "from neuralop.models import FNO",
    "deepxde": "import os; os.environ['DDE_BACKEND'] = 'pytorch'; import deepxde",
}


def importing(rounds: int) -> list[Figure]:
    import deepxde  # noqa: F401  missing peers are told before anything is timed
    import neuralop  # noqa: F401

    seconds = seconds_in_turn({name: _run(code) for name, code in _STATEMENTS.items()}, rounds, warm=1)
    readings = {name: 1e3 * value for name, value in seconds.items()}
    own, peer = seconds["fredholm's FNO"], seconds["neuraloperator"]
    return [
        Figure("the package", seconds["fredholm"], "s", readings, "ms", at_most=2.0),
        Figure("an FNO ready to be built", own / peer, "of neuraloperator's time", readings, "ms", at_most=1.0),
    ]


def _run(code: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


PARTS = {"import": importing}
