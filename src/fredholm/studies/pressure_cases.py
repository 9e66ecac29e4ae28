"""Pressure systems that a study solves: open boxes with disks in them, plumes and white noise, and classical solvers.

Smoke rises from a source at the bottom of the box; -∇·v* of some of its steps are right-hand sides as simulations make
them. Conjugate gradients are SciPy's, on the rows of fluid cells alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from fredholm.solvers.box_poisson import BoxPoisson
from fredholm.solvers.incomplete_cholesky import IncompleteCholesky
from fredholm.solvers.smoke_plume import SmokePlume
from fredholm.solvers.sparse_direct import factorised

MOST = 2000  # iterations of any solver
_DRAWS = 3  # right-hand sides of a kind and a geometry
_PLUME_STEPS = (0.25, 0.45, 0.65)  # of the smoke, in sides of the box
_GEOMETRIES: dict[str, tuple[tuple[float, float, float], ...]] = {  # disks: row, column, radius, in sides of the box
    "box": (),
    "disk": ((0.5, 0.45, 0.12),),
    "two disks": ((0.35, 0.3, 0.1), (0.6, 0.7, 0.14)),
}


@dataclass(frozen=True)
class PressureCase:
    """Right-hand sides of one kind in one geometry, zero in solid cells."""

    side: int
    geometry: str
    kind: str
    system: BoxPoisson
    right: list[Float[ndarray, "side side"]]

    @property
    def name(self) -> str:
        """Side, geometry and kind."""
        return f"n = {self.side}, {self.geometry}, {self.kind}"

    @property
    def empty_name(self) -> str:
        """Of the case without obstacles."""
        return f"n = {self.side}, box, {self.kind}"

    @cached_property
    def fluid(self) -> ndarray:
        """Indices of the fluid cells."""
        cells: ndarray = self.system.fluid.numpy().ravel().nonzero()[0]
        return cells

    @cached_property
    def matrix(self) -> Any:
        """Rows and columns of the fluid cells alone."""
        return self.system.matrix()[self.fluid][:, self.fluid]

    def relative_residual(self, b: ndarray, x: ndarray) -> float:
        """‖b - A x‖ / ‖b‖ by the sparse matrix, in float64, apart from any solver."""
        right = b.ravel()[self.fluid]
        return float(np.linalg.norm(right - self.matrix @ x.ravel()[self.fluid]) / np.linalg.norm(right))

    def cg_residuals(self, b: ndarray, preconditioner: Any, rtol: float) -> list[float]:
        """True relative residuals before the first and after every iteration of SciPy's conjugate gradients."""
        from scipy.sparse.linalg import cg

        right, left = b.ravel()[self.fluid], [1.0]
        norm = np.linalg.norm(right)

        def watch(x: ndarray) -> None:
            left.append(float(np.linalg.norm(right - self.matrix @ x) / norm))

        # half of it, since SciPy judges by the residual of the recursion
        cg(self.matrix, right, rtol=rtol / 2, maxiter=MOST, M=preconditioner, callback=watch)
        return left


def pressure_cases(n: int, seed: int) -> Iterator[PressureCase]:
    """All geometries with both kinds of right-hand sides on n × n cells; seeds differ in noise and buoyancy.

    >>> [case.name for case in pressure_cases(16, seed=0)][:2]
    ['n = 16, box, plume', 'n = 16, box, white noise']
    """
    y, x = (np.mgrid[:n, :n] + 0.5) / n
    source = (abs(y - 0.12) < 0.05) & (abs(x - 0.5) < 0.08)
    rng = np.random.default_rng([seed, n])
    steps = [round(share * n) for share in _PLUME_STEPS]
    for geometry, disks in _GEOMETRIES.items():
        solid = np.zeros((n, n), dtype=bool)
        for row, column, radius in disks:
            solid |= (y - row) ** 2 + (x - column) ** 2 < radius**2
        system = BoxPoisson((n, n), solid=torch.from_numpy(solid))
        plume = SmokePlume(solid, source, buoyancy=0.1 * rng.uniform(0.8, 1.2))
        _, sides = plume.run(max(steps), _direct(system))
        noise = [rng.normal(size=(n, n)) * ~solid for _ in range(_DRAWS)]
        yield PressureCase(n, geometry, "plume", system, [sides[step - 1] for step in steps])
        yield PressureCase(n, geometry, "white noise", system, noise)


def _direct(system: BoxPoisson) -> Callable[[ndarray], ndarray]:
    kept = system.fluid.numpy().ravel().nonzero()[0]
    factors = factorised(system.matrix()[kept][:, kept])

    def solve(b: ndarray) -> ndarray:
        pressure = np.zeros(b.size)
        pressure[kept] = factors.solve(b.ravel()[kept])
        return pressure.reshape(b.shape)

    return solve


def _incomplete(matrix: Any) -> Any:
    from scipy.sparse.linalg import LinearOperator

    return LinearOperator(matrix.shape, matvec=IncompleteCholesky(matrix), dtype=np.dtype(np.float64))


def _multigrid(matrix: Any) -> Any:
    from scipy.sparse import csr_matrix

    return import_module("pyamg").smoothed_aggregation_solver(csr_matrix(matrix)).aspreconditioner()


# from a matrix to what SciPy's `cg` takes as M; without pyamg, no multigrid
PRECONDITIONERS: dict[str, Callable[[Any], Any]] = {
    "CG": lambda matrix: None,
    "IC(0)": _incomplete,
    **({"AMG": _multigrid} if find_spec("pyamg") else {}),
}
