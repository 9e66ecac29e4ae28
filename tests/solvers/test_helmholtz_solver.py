"""Waves of one frequency: order four against closed forms, against finite elements, resonance told."""

import math

import numpy as np
import pytest

from fredholm.errors import SolverError
from fredholm.solvers import HelmholtzSolver


def nodes(n: int) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.meshgrid(*2 * [np.linspace(0, 1, n)], indexing="ij"))  # type: ignore[return-value]


def test_fourth_order_for_waves_that_enter() -> None:
    """K constant: u = -cos ky / (k sin k), and any cos πx cos(l y) with k² = π² + l² where f = 0."""
    k = 12.0

    def error(n: int) -> float:
        _, y = nodes(n)
        u = HelmholtzSolver(1 / (n - 1)).solve(np.full((1, n, n), k), np.zeros((1, n, n)), np.array([2.0]))[0]
        return float(np.abs(u + 2 * np.cos(k * y) / (k * math.sin(k))).max())

    orders = [math.log2(error(n) / error(2 * n - 1)) for n in (17, 33)]
    assert orders[0] > 3.5
    assert orders[1] == pytest.approx(4, abs=0.15)


def test_fourth_order_in_a_medium_that_varies() -> None:
    """U = cos 2πx cos πy and k = 5 + cos πx cos 2πy, both without slope at the walls."""

    def error(n: int) -> float:
        x, y = nodes(n)
        u, k = np.cos(2 * math.pi * x) * np.cos(math.pi * y), 5 + np.cos(math.pi * x) * np.cos(2 * math.pi * y)
        source = (5 * math.pi**2 - k**2) * u
        return float(np.abs(HelmholtzSolver(1 / (n - 1)).solve(k[None], source[None], np.zeros(1))[0] - u).max())

    assert math.log2(error(17) / error(33)) == pytest.approx(4, abs=0.2)


def test_agrees_with_finite_elements() -> None:
    """Biquadratic elements of scikit-fem on the same points."""
    skfem = pytest.importorskip("skfem", reason="the cross-check is against scikit-fem")
    n = 65
    x, y = nodes(n)
    k = 9 + np.cos(math.pi * x) * np.cos(math.pi * y)
    mine = HelmholtzSolver(1 / (n - 1)).solve(k[None], np.zeros((1, n, n)), np.ones(1))[0]

    ticks = np.linspace(0, 1, (n + 1) // 2)
    mesh = skfem.MeshQuad.init_tensor(ticks, ticks)
    basis = skfem.Basis(mesh, skfem.ElementQuad2())
    top = skfem.FacetBasis(mesh, skfem.ElementQuad2(), facets=mesh.facets_satisfying(lambda p: np.isclose(p[1], 1)))

    @skfem.BilinearForm
    def waves(u, v, w):
        k = 9 + np.cos(np.pi * w.x[0]) * np.cos(np.pi * w.x[1])
        return u.grad[0] * v.grad[0] + u.grad[1] * v.grad[1] - k**2 * u * v

    theirs = skfem.solve(waves.assemble(basis), skfem.LinearForm(lambda v, w: v).assemble(top))
    at = tuple(np.rint(basis.doflocs * (n - 1)).astype(int))
    assert float(np.linalg.norm(mine[at] - theirs) / np.linalg.norm(theirs)) < 1e-3


def test_a_standing_wave_is_told() -> None:
    """The frequency of the constant is zero."""
    k = np.ones((2, 9, 9))
    k[1] = 0.0
    with pytest.raises(SolverError, match=r"sample 1 .*standing wave"):
        HelmholtzSolver(1 / 8).solve(k, np.ones((2, 9, 9)), np.zeros(2))


def test_impossible_spacings_are_refused() -> None:
    with pytest.raises(ValueError, match="must be positive and finite, got 0"):
        HelmholtzSolver(0.0)
