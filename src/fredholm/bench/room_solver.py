"""How near the wave solver comes to the machine's memory bandwidth, in 2-D and 3-D.

An update of a node must read p, read p⁻ and write p⁺ in its place: 12 bytes in float32. It is measured against two
ceilings: copying, counted as STREAM does at 8 bytes a value (a processor may read the target first, unasked and
uncounted, so a solver that works in place can exceed 100 %), and y = 2x - y in place, which moves the very 12 bytes.
All run in turn, in one process, on arrays that no cache holds; medians are compared.
"""

from collections.abc import Callable

import numpy as np

from fredholm.bench.memory_kernels import copy, update_in_place
from fredholm.bench.side_by_side import Figure, seconds_in_turn
from fredholm.solvers import WaveSolver
from fredholm.solvers.wave_kernels import step_shared

ROOMS = {"2d": (4096, 4096), "3d": (256, 256, 256)}
BYTES_AN_UPDATE = 12
STEPS = 4


def bandwidth(shape: tuple[int, ...]) -> Callable[[int], list[Figure]]:
    """Bytes a second of the solver, over those of its two ceilings."""

    def measure(rounds: int) -> list[Figure]:
        solver = WaveSolver(np.ones(shape, bool), spacing=0.04, wall_impedance=17.98)
        p = np.random.default_rng(0).standard_normal(int(np.prod(shape)), dtype=np.float32)
        q = p.copy()
        square = np.float32(0.9 * solver.courant_limit**2)
        arrays = solver.tables(np.float32, float(np.sqrt(square)))
        old = np.empty(len(arrays[1][0]), np.float32)

        def steps() -> None:
            for _ in range(STEPS // 2):
                step_shared(p, q, *arrays, square, old)  # type: ignore[call-arg]  # numba counts no starred arguments
                step_shared(q, p, *arrays, square, old)  # type: ignore[call-arg]

        source, target = np.ones((1024, p.size // 1024), np.float32), np.ones((1024, p.size // 1024), np.float32)
        seconds = seconds_in_turn(
            {
                "solver": steps,
                "threads": lambda: copy(source, target),
                "numpy": lambda: np.copyto(target, source),
                "in place": lambda: update_in_place(source, target),
            },
            rounds,
            warm=1,
        )
        rates = {
            "solver": STEPS * BYTES_AN_UPDATE * p.size / seconds["solver"] / 1e9,
            "copy": 2 * p.nbytes / min(seconds["threads"], seconds["numpy"]) / 1e9,
            "update in place": BYTES_AN_UPDATE * p.size / seconds["in place"] / 1e9,
        }
        return [
            Figure("bandwidth", rates["solver"] / rates["copy"], "of the rate of copying", rates, "GB/s"),
            Figure("bandwidth", rates["solver"] / rates["update in place"], "of updating in place", rates, "GB/s"),
        ]

    return measure


PARTS = {f"room-{name}": bandwidth(shape) for name, shape in ROOMS.items()}
