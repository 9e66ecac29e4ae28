"""The parts of the benchmarks: which there are, and running them.

A part is a function from the number of rounds to figures. Its file defines

    PARTS: dict[str, Callable[[int], list[Figure]]]

and imports peers inside its functions, so that one part needs no other's.
"""

import time
from collections.abc import Callable, Sequence
from importlib import import_module

from fredholm.bench.result import PartResult
from fredholm.bench.side_by_side import Figure
from fredholm.errors import UnknownNameError

Part = Callable[[int], list[Figure]]

GROUPS = {  # group: modules with its parts, in the order in which they are run
    "machine": ("machine_limits", "importing"),
    "operators": ("fourier", "deeponet", "pi_deeponet", "patches", "multigrid", "latent_spectral"),
    "answers": ("answers",),
    "solvers": ("spectral_solvers", "elliptic_solvers", "room_solver"),
    "data": ("data_access",),
}
_PEERS = {"deepxde", "exponax", "jax", "neuralop", "pyamg"}  # what the extra `peers` installs


def parts_named(names: Sequence[str] = ()) -> dict[str, Part]:
    """Parts by the names of parts and groups, all if none is named; raises UnknownNameError for a name of neither.

    >>> list(parts_named(["limits"]))
    ['limits']
    """
    groups = {group: _parts(modules) for group, modules in GROUPS.items()}
    known = {name: part for parts in groups.values() for name, part in parts.items()}
    chosen: dict[str, Part] = {}
    for name in names or known:
        if name in groups:
            chosen |= groups[name]
        elif name in known:
            chosen[name] = known[name]
        else:
            raise UnknownNameError("benchmark", name, [*groups, *known])
    return chosen


def measure(name: str, part: Part, rounds: int) -> PartResult:
    """Run a part; one whose peer is not installed says so, and which command brings it."""
    start = time.perf_counter()
    try:
        figures = tuple(part(rounds))
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in _PEERS:
            raise
        return PartResult(name, (), 0.0, f"{module} is not installed: pip install 'fredholm[peers]'")
    return PartResult(name, figures, time.perf_counter() - start)


def _parts(modules: Sequence[str]) -> dict[str, Part]:
    found: dict[str, Part] = {}
    for module in modules:
        found |= import_module(f"fredholm.bench.{module}").PARTS
    return found
