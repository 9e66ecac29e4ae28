"""How near the wave solver comes to the machine's memory bandwidth, in 2-D and 3-D.

An update of a node must read p, read p⁻ and write p⁺ in its place: 12 bytes in float32. It is measured against two
ceilings: copying, counted as STREAM does at 8 bytes a value (a processor may read the target first, unasked and
uncounted, so a solver that works in place can exceed 100 %), and y = 2x - y in place, which moves the very 12 bytes.
All run in turn, in one process, on arrays that no cache holds; medians are compared.

    python benchmarks/room_solver.py [--json]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from numba import get_num_threads, njit, prange

from fredholm.solvers import WaveSolver
from fredholm.solvers.wave_kernels import step_shared

ROOMS = {"2-D": (4096, 4096), "3-D": (256, 256, 256)}
BYTES_AN_UPDATE = 12
ROUNDS, STEPS = 15, 4


@njit(parallel=True)
def copy(source, target):
    for i in prange(source.shape[0]):
        target[i] = source[i]


@njit(parallel=True)
def update_in_place(source, target):
    for row in prange(source.shape[0]):
        x, y = source[row], target[row]
        for j in range(x.shape[0]):
            y[j] = np.float32(2) * x[j] - y[j]


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(shape: tuple[int, ...]) -> dict[str, float]:
    """Updates and bytes a second of the solver, and bytes a second of its two ceilings."""
    solver = WaveSolver(np.ones(shape, bool), spacing=0.04, wall_impedance=17.98)
    p = np.random.default_rng(0).standard_normal(int(np.prod(shape)), dtype=np.float32)
    q = p.copy()
    square = np.float32(0.9 * solver.courant_limit**2)
    arrays = solver.tables(np.float32, float(np.sqrt(square)))
    old = np.empty(len(arrays[1][0]), np.float32)

    def steps() -> None:
        for _ in range(STEPS // 2):
            step_shared(p, q, *arrays, square, old)
            step_shared(q, p, *arrays, square, old)

    source, target = np.ones((1024, p.size // 1024), np.float32), np.ones((1024, p.size // 1024), np.float32)
    actions = {
        "solve": steps,
        "threads": lambda: copy(source, target),
        "numpy": lambda: np.copyto(target, source),
        "in place": lambda: update_in_place(source, target),
    }
    for action in actions.values():
        action()
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(ROUNDS):
        for name, action in actions.items():
            times[name].append(seconds(action))
    median = {name: statistics.median(values) for name, values in times.items()}
    updates = p.size * STEPS / median["solve"]
    moved = updates * BYTES_AN_UPDATE
    copied = 2 * p.nbytes / min(median["threads"], median["numpy"])
    updated = BYTES_AN_UPDATE * p.size / median["in place"]
    return {
        "updates_per_second": updates,
        "solver_bytes_per_second": moved,
        "copy_bytes_per_second": copied,
        "share_of_copy_bandwidth": moved / copied,
        "in_place_bytes_per_second": updated,
        "share_of_in_place_bandwidth": moved / updated,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    as_json = parser.parse_args().json
    results = {name: measure(shape) for name, shape in ROOMS.items()}
    if as_json:
        print(json.dumps({"threads": get_num_threads(), **results}, indent=2))
        return
    print(f"{get_num_threads()} threads, float32, walls with impedance; medians of {ROUNDS} rounds in turn")
    for name, result in results.items():
        solver, copied = result["solver_bytes_per_second"] / 1e9, result["copy_bytes_per_second"] / 1e9
        updated = result["in_place_bytes_per_second"] / 1e9
        print(
            f"{name} {'x'.join(map(str, ROOMS[name]))}: {result['updates_per_second'] / 1e9:.2f} G updates/s, "
            f"{solver:.1f} GB/s = {result['share_of_copy_bandwidth']:.0%} of copying at {copied:.1f} GB/s, "
            f"{result['share_of_in_place_bandwidth']:.0%} of updating in place at {updated:.1f} GB/s"
        )


if __name__ == "__main__":
    main()
