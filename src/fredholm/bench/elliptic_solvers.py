"""Elliptic solvers beside PyAMG and SciPy, on the same equations and cells, to the same residual.

Poisson's equation in a box and around closed obstacles, in two and three dimensions; Darcy flow through two phases;
heat beside implicit steps; Helmholtz beside elimination in SciPy's default order. The error beside each time is the
relative difference from a direct solution of the same system, so that equal accuracy is seen and not presumed. A time
is one sample's; it includes what a solver sets up for a sample (a hierarchy of grids, factors) but not what all samples
share (a matrix without obstacles, the eigenvectors of a box).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fredholm.bench.side_by_side import Figure, seconds_in_turn
from fredholm.problems import Darcy, Helmholtz, PoissonObstacles
from fredholm.solvers import CLOSED, FiniteVolumeDiffusion, HeatSolver, HelmholtzSolver, PoissonSolver
from fredholm.solvers.sparse_direct import factorised

_TOLERANCE = 1e-8


def _poisson(points: int, dimension: int, obstacles: bool) -> Callable[[int], list[Figure]]:
    def measure(rounds: int) -> list[Figure]:
        import pyamg

        problem = PoissonObstacles(points, dimension)
        inputs = problem.sample(1, seed=0)
        source = inputs["source"][:, 0].double().numpy()
        inside = inputs["mask"][:, 0].numpy() == 1 if obstacles else np.ones(source.shape, bool)
        solver = PoissonSolver((1.0,) * dimension, obstacle=CLOSED, tolerance=_TOLERANCE)
        kept = inside[0].ravel().nonzero()[0]
        matrix = solver.diffusion.matrix(np.ones(source.shape[1:]), inside[0]).tocsr()[kept][:, kept]
        matrix = pyamg.util.utils.asfptype(matrix).tocsr()
        right = source[inside]
        ready = pyamg.ruge_stuben_solver(matrix)

        def theirs() -> np.ndarray:
            hierarchy = pyamg.ruge_stuben_solver(matrix) if obstacles else ready
            return np.asarray(hierarchy.solve(right, tol=_TOLERANCE, accel="cg"))

        def mine() -> np.ndarray:
            return solver.solve(source, inside if obstacles else None)[inside]

        exact = (
            factorised(matrix).solve(right)
            if dimension == 2
            else pyamg.ruge_stuben_solver(matrix).solve(right, tol=1e-13, accel="cg")
        )
        return _compared(mine, theirs, exact, "pyamg", rounds)

    return measure


def _darcy(points: int) -> Callable[[int], list[Figure]]:
    def measure(rounds: int) -> list[Figure]:
        import pyamg

        a = Darcy(points).sample(1, seed=0)["coefficient"][:, 0].double().numpy()
        solver, right = FiniteVolumeDiffusion((1.0, 1.0)), np.ones(a[0].size)
        matrix = solver.matrix(a[0]).tocsr()
        exact = factorised(matrix).solve(right)
        return _compared(
            lambda: solver.solve(a, np.ones_like(a)).ravel(),
            lambda: pyamg.ruge_stuben_solver(matrix).solve(right, tol=_TOLERANCE, accel="cg"),
            exact,
            "pyamg",
            rounds,
        )

    return measure


def _heat(rounds: int) -> list[Figure]:
    """25 times of 64 x 64 cells; SciPy takes implicit steps of second order, with the factors made before."""
    from scipy.sparse import eye_array

    points, times = 64, 25
    x = (np.arange(points) + 0.5) / points
    u = np.sin(np.pi * x)[:, None] * np.sin(2 * np.pi * x)
    solver = HeatSolver((1.0, 1.0), 0.1)
    matrix = FiniteVolumeDiffusion((1.0, 1.0)).matrix(np.full((points, points), 0.1))
    step = 1.0 / times
    factors = factorised(eye_array(u.size) + step / 2 * matrix)

    def steps() -> np.ndarray:
        states, now = [], u.ravel()
        for _ in range(times):
            now = factors.solve(now - step / 2 * (matrix @ now))
            states.append(now)
        return np.stack(states)

    def mine() -> np.ndarray:
        return solver.solve(u[None], np.zeros((1, points, points)), step * np.arange(1, times + 1))[0].reshape(
            times, -1
        )

    h = 1 / points
    rate = 0.1 * ((2 - 2 * np.cos(np.pi * h)) + (2 - 2 * np.cos(2 * np.pi * h))) / h**2
    exact = np.exp(-rate * step * np.arange(1, times + 1))[:, None] * u.ravel()
    return _compared(mine, steps, exact, "scipy", rounds)


def _helmholtz(rounds: int) -> list[Figure]:
    from scipy.sparse.linalg import spsolve

    k = 1000.0 / Helmholtz().sample(1, seed=0)["wave_speed"][:, 0].double().numpy()
    solver = HelmholtzSolver(1 / 100)

    def theirs() -> np.ndarray:
        return np.asarray(spsolve(*solver.system(k[0], 0 * k[0], 1.0)))

    return _compared(lambda: solver.solve(k, 0 * k, np.ones(1)).ravel(), theirs, theirs(), "scipy", rounds)


def _compared(
    mine: Callable[[], Any], theirs: Callable[[], Any], exact: np.ndarray, peer: str, rounds: int
) -> list[Figure]:
    errors = {
        name: float(np.linalg.norm(solve() - exact) / np.linalg.norm(exact))
        for name, solve in (("fredholm", mine), (peer, theirs))
    }
    seconds = seconds_in_turn({"fredholm": mine, peer: theirs}, rounds)
    milliseconds = {name: 1e3 * value for name, value in seconds.items()}
    return [
        Figure("error", errors["fredholm"], "relative to a direct solution", errors, "", at_most=1e-6),
        Figure("a sample", seconds["fredholm"] / seconds[peer], "of the peer's time", milliseconds, "ms", at_most=1.0),
    ]


PARTS = {
    "poisson-2d": _poisson(128, 2, obstacles=False),
    "poisson-3d": _poisson(32, 3, obstacles=False),
    "poisson-2d-obstacles": _poisson(128, 2, obstacles=True),
    "poisson-3d-obstacles": _poisson(32, 3, obstacles=True),
    "darcy": _darcy(64),
    "heat": _heat,
    "helmholtz": _helmholtz,
}
