"""Diffusion in parts of boxes: transfer through walls, closed walls, curved parts; NumPy and torch alike."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.solvers import CLOSED, FiniteVolumeDiffusion, Wall


def centres(n: int) -> np.ndarray:
    return (np.arange(n) + 0.5) / n


def masks(seed: int, shape: tuple[int, ...] = (7, 6)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < 0.7


@pytest.mark.parametrize("transfer", [0.5, 20.0, math.inf])
def test_a_bar_between_two_transfers(transfer: float) -> None:
    """u'' = 0 with u = 1 at the left and -a u' = β (u - 3) at the right is a line, and lines are exact."""
    a, solver = 2.0, FiniteVolumeDiffusion((1.0,), ((Wall(value=1.0), Wall(transfer, value=3.0)),))
    u = solver.solve(np.full((1, 8), a), np.zeros((1, 8)))[0]
    slope = 2.0 if math.isinf(transfer) else 2 * transfer / (a + transfer)
    np.testing.assert_allclose(u, 1 + slope * centres(8), rtol=1e-12)


def test_second_order_with_transfer_and_source() -> None:
    """-u'' = π² cos πx, u' = 0 at 0 and u' = -β u at 1: u = cos πx + 1, whose value and slope at 1 vanish."""

    def error(n: int) -> float:
        solver = FiniteVolumeDiffusion((1.0,), ((CLOSED, Wall(3.0)),))
        x = centres(n)
        u = solver.solve(np.ones((1, n)), math.pi**2 * np.cos(math.pi * x)[None])[0]
        return float(np.abs(u - np.cos(math.pi * x) - 1).max())

    assert math.log2(error(16) / error(32)) == pytest.approx(2, abs=0.1)


def test_a_disk_held_at_zero() -> None:
    """-Δu = 1: u = (r² - ρ²) / 4; where the wall crosses cells the error falls with the spacing."""

    def error(n: int) -> float:
        x, y = np.meshgrid(centres(n) - 0.5, centres(n) - 0.5, indexing="ij")
        inside = np.hypot(x, y) < 0.4
        u = FiniteVolumeDiffusion((1.0, 1.0)).solve(np.ones((1, n, n)), np.ones((1, n, n)), inside[None])[0]
        assert (u[~inside] == 0).all()
        exact = (0.16 - x**2 - y**2) / 4
        return float(np.linalg.norm((u - exact)[inside]) / np.linalg.norm(exact[inside]))

    assert error(64) < 0.05
    assert error(128) < error(32) / 3


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000))
def test_what_is_produced_leaves_through_the_walls(seed: int) -> None:
    """Balance over all cells: Σ f = Σ of the flux through the outer walls, for any medium and any closed obstacle."""
    inside, a = masks(seed), np.random.default_rng(seed).uniform(1, 9, (7, 6))
    walls = ((Wall(value=0.5), CLOSED), (Wall(2.0, value=-1.0), CLOSED))
    solver, f = FiniteVolumeDiffusion((1.0, 2.0), walls, obstacle=CLOSED), inside.astype(float)
    reached = _connected_to_open_walls(inside)
    u = solver.solve(a[None], f[None], reached[None])[0]
    h = (1 / 7, 2 / 6)
    left = (u[0] - 0.5) * walls[0][0].conductance(a[0], h[0]) * reached[0]
    lower = (u[:, 0] + 1.0) * walls[1][0].conductance(a[:, 0], h[1]) * reached[:, 0]
    assert (left.sum() + lower.sum()) == pytest.approx(f[reached].sum(), abs=1e-9)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), obstacle=st.sampled_from([CLOSED, Wall(), Wall(2.0, value=1.5)]))
def test_one_matrix_as_arrays_as_tensors_and_sparse(seed: int, obstacle: Wall) -> None:
    rng = np.random.default_rng(seed)
    a, inside, u = rng.uniform(1, 9, (2, 5, 4, 3)), masks(seed, (2, 5, 4, 3)), rng.normal(size=(2, 5, 4, 3))
    solver = FiniteVolumeDiffusion((1.0, 2.0, 0.5), obstacle=obstacle)
    stencil = solver.stencil(a, inside)
    applied = stencil.apply(u)
    tensors = solver.stencil(torch.from_numpy(a), torch.from_numpy(inside)).apply(torch.from_numpy(u))
    np.testing.assert_allclose(tensors.numpy(), applied, rtol=1e-13, atol=1e-12)
    for i in range(2):
        matrix = solver.matrix(a[i], inside[i])
        assert abs(matrix - matrix.T).max() == 0
        assert (matrix[~inside[i].ravel()].count_nonzero()) == 0
        np.testing.assert_allclose(matrix @ u[i].ravel(), applied[i].ravel(), rtol=1e-12, atol=1e-11)


def test_the_residual_differentiates() -> None:
    a = torch.rand(4, 3, dtype=torch.float64, requires_grad=True)
    u = torch.rand(4, 3, dtype=torch.float64, requires_grad=True)
    solver = FiniteVolumeDiffusion((1.0, 1.0))
    assert torch.autograd.gradcheck(lambda a, u: solver.stencil(a + 1).apply(u), (a, u))


def test_impossible_walls_are_refused() -> None:
    with pytest.raises(ValueError, match=r"transfer -1\.0 must not be negative"):
        Wall(-1.0)
    with pytest.raises(ValueError, match="2 axes needs as many pairs of walls, got 1"):
        FiniteVolumeDiffusion((1.0, 1.0), ((CLOSED, CLOSED),))


def _connected_to_open_walls(inside: np.ndarray) -> np.ndarray:
    """Cells from which what is produced finds a way out, through x = 0 or y = 0."""
    reached = np.zeros_like(inside)
    reached[0], reached[:, 0] = inside[0], inside[:, 0]
    for _ in range(inside.size):
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        reached = grown & inside
    return reached
