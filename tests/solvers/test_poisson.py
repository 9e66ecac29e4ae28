"""Poisson's equation with obstacles: against direct and multigrid solvers; orders; iterations on finer grids."""

import math

import numpy as np
import pytest

from fredholm.errors import SolverError
from fredholm.solvers import CLOSED, HELD, FiniteVolumeDiffusion, PoissonSolver, Wall
from fredholm.solvers.box_modes import BoxModes
from fredholm.solvers.conjugate_gradients import conjugate_gradients

MIXED = ((HELD, Wall(3.0, value=1.0)), (CLOSED, CLOSED))


def disk(n: int, radius: float = 0.2) -> np.ndarray:
    x, y = np.meshgrid(*2 * [(np.arange(n) + 0.5) / n - 0.5], indexing="ij")
    return np.hypot(x, y) >= radius


@pytest.mark.parametrize("obstacle", [CLOSED, HELD, Wall(2.0, value=1.0)])
@pytest.mark.parametrize("walls", [None, MIXED])
def test_agrees_with_elimination(obstacle: Wall, walls: tuple[tuple[Wall, Wall], ...] | None) -> None:
    rng = np.random.default_rng(0)
    source, inside = rng.normal(size=(2, 24, 20)), np.stack([disk(24)[:, :20], disk(24, 0.35)[:, 4:]])
    mine = PoissonSolver((1.0, 0.8), walls, obstacle, 2.0).solve(source, inside)
    direct = FiniteVolumeDiffusion((1.0, 0.8), walls, obstacle).solve(np.full_like(source, 2.0), source, inside)
    np.testing.assert_allclose(mine, direct, atol=1e-9 * np.abs(direct).max())
    assert (mine[~inside] == 0).all()


@pytest.mark.parametrize("walls", [None, MIXED])
def test_a_box_is_solved_exactly(walls: tuple[tuple[Wall, Wall], ...] | None) -> None:
    source = np.random.default_rng(0).normal(size=(3, 9, 12))
    solver = PoissonSolver((1.0, 2.0), walls)
    stencil = solver.diffusion.stencil(np.ones_like(source))
    np.testing.assert_allclose(stencil.apply(solver.solve(source)), source + stencil.beyond, rtol=1e-9, atol=1e-9)


def test_second_order_in_three_dimensions() -> None:
    def error(n: int) -> float:
        x, y, z = np.meshgrid(*3 * [(np.arange(n) + 0.5) / n], indexing="ij")
        u = np.sin(math.pi * x) * np.cos(math.pi * y) * np.sin(2 * math.pi * z)
        solver = PoissonSolver((1.0, 1.0, 1.0), ((HELD, HELD), (CLOSED, CLOSED), (HELD, HELD)))
        return float(np.abs(solver.solve(6 * math.pi**2 * u[None])[0] - u).max())

    assert math.log2(error(8) / error(16)) == pytest.approx(2, abs=0.15)


def test_flow_around_a_closed_cylinder() -> None:
    """u = x (1 + R² / r²) has no flux through r = R; its error is first order at a stepped cylinder."""

    def error(n: int) -> float:
        centres = 4 * ((np.arange(n) + 0.5) / n) - 2
        x, y = np.meshgrid(centres, centres, indexing="ij")
        inside = np.hypot(x, y) >= 0.5
        exact = x * (1 + 0.25 / np.maximum(x**2 + y**2, 0.2))
        solver = PoissonSolver((4.0, 4.0), obstacle=CLOSED)
        stencil = solver.diffusion.stencil(np.ones((1, n, n)), inside[None])
        source = np.zeros((1, n, n))
        for axis in (0, 1):  # the values at the walls, into the cells beside them
            for end, at in ((0, -2.0), (-1, 2.0)):
                edge = (0, end, slice(None)) if axis == 0 else (0, slice(None), end)
                wall_x, wall_y = (np.full(n, at), centres) if axis == 0 else (centres, np.full(n, at))
                source[edge] += 2 * (n / 4) ** 2 * wall_x * (1 + 0.25 / (wall_x**2 + wall_y**2))
        assert stencil.diagonal.shape == source.shape
        u = solver.solve(source, inside[None])[0]
        return float(np.linalg.norm((u - exact)[inside]) / np.linalg.norm(exact[inside]))

    assert error(128) < 0.02
    assert error(128) < error(32) / 3


@pytest.mark.parametrize(("obstacle", "most"), [(CLOSED, 1.15), (HELD, 2.0)])
def test_iterations_hardly_grow_on_finer_grids(obstacle: Wall, most: float) -> None:
    def iterations(n: int) -> int:
        diffusion, inside = FiniteVolumeDiffusion((1.0, 1.0), obstacle=obstacle), disk(n)[None]
        modes, stencil = BoxModes.of(diffusion, (n, n)), diffusion.stencil(np.ones((1, n, n)), inside)
        right = np.random.default_rng(0).normal(size=(1, n, n)) * inside
        return conjugate_gradients(stencil.apply, right, lambda r: inside * modes.solve(r)).iterations

    counts = [iterations(n) for n in (32, 64, 128)]
    assert counts[-1] < 60
    assert counts[-1] <= most * counts[0] + 1


def test_agrees_with_algebraic_multigrid() -> None:
    pyamg = pytest.importorskip("pyamg", reason="the cross-check is against PyAMG")
    n, solver = 48, PoissonSolver((1.0, 1.0), MIXED, CLOSED)
    inside, source = disk(n)[None], np.random.default_rng(0).normal(size=(1, n, n))
    matrix = solver.diffusion.matrix(np.ones((n, n)), inside[0]).tocsr()
    kept = inside.ravel().nonzero()[0]
    right = (source + solver.diffusion.stencil(np.ones((1, n, n)), inside).beyond)[inside]
    theirs = pyamg.ruge_stuben_solver(matrix[kept][:, kept].tocsr()).solve(right, tol=1e-11, accel="cg")
    np.testing.assert_allclose(solver.solve(source, inside)[inside], theirs, atol=1e-8 * np.abs(theirs).max())


def test_what_cannot_be_solved_is_told() -> None:
    cut_off = np.ones((2, 12, 12), bool)
    cut_off[1, 3:8, 3:8] = False
    cut_off[1, 4:7, 4:7] = True  # a pocket in a closed obstacle
    with pytest.raises(SolverError, match=r"sample 1 .*singular"):
        PoissonSolver((1.0, 1.0), obstacle=CLOSED).solve(np.ones((2, 12, 12)), cut_off)
    many = np.ones((500, 12, 12), bool)  # more than are solved together
    many[490] = cut_off[1]
    with pytest.raises(SolverError, match="sample 490 "):
        PoissonSolver((1.0, 1.0), obstacle=CLOSED).solve(np.ones(many.shape), many)
    with pytest.raises(ValueError, match="nothing passes any wall"):
        PoissonSolver((1.0,), ((CLOSED, CLOSED),))
    with pytest.raises(ValueError, match="tolerance is a fraction"):
        PoissonSolver((1.0,), tolerance=0.0)
