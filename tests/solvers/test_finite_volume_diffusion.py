"""Diffusion by finite volumes: second order, symmetric, definite, positive; against series and finite elements."""

import math

import numpy as np
import pytest

from fredholm.solvers import FiniteVolumeDiffusion

SQUARE = FiniteVolumeDiffusion((1.0, 1.0))


def centres(n: int, length: float = 1.0) -> np.ndarray:
    return (np.arange(n) + 0.5) * length / n


def two_phases(n: int, seed: int = 0) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random((n, n)) > 0.5, 12.0, 3.0)


def solved(coefficient: np.ndarray) -> np.ndarray:
    return SQUARE.solve(coefficient[None], np.ones((1, *coefficient.shape)))[0]


def test_torsion_of_a_square_bar() -> None:
    """-Δu = 1: u(½, ½) by its Fourier series, 0.0736713; the grid's centres beside it converge with h²."""

    def exact(x: float) -> float:
        odd = np.arange(1, 60, 2)
        series = sum(
            math.sin(m * math.pi * x) * math.sin(n * math.pi * x) / (m * n * (m * m + n * n)) for m in odd for n in odd
        )
        return 16 / math.pi**4 * series

    assert exact(0.5) == pytest.approx(0.0736713, abs=2e-6)
    assert solved(np.ones((64, 64))).max() == pytest.approx(0.07366, abs=5e-6)
    errors = [abs(solved(np.ones((n, n)))[n // 2, n // 2] - exact((n // 2 + 0.5) / n)) for n in (8, 16, 32)]
    assert errors[0] / errors[1] > 3.7
    assert errors[1] / errors[2] > 3.7


def test_second_order_where_the_coefficient_is_smooth() -> None:
    """A = 1 + ½ sin 3x cos 2y and u = sin πx sin 2πy, on a box of unequal cells."""

    def error(n: int) -> float:
        x, y = np.meshgrid(centres(n), centres(2 * n), indexing="ij")
        a = 1 + 0.5 * np.sin(3 * x) * np.cos(2 * y)
        slope = 1.5 * np.cos(3 * x) * np.cos(2 * y), -np.sin(3 * x) * np.sin(2 * y)
        sx, cx = np.sin(math.pi * x), np.cos(math.pi * x)
        sy, cy = np.sin(2 * math.pi * y), np.cos(2 * math.pi * y)
        f = 5 * math.pi**2 * a * sx * sy - slope[0] * math.pi * cx * sy - slope[1] * 2 * math.pi * sx * cy
        return float(np.sqrt(np.mean((SQUARE.solve(a[None], f[None])[0] - sx * sy) ** 2)))

    assert math.log2(error(10) / error(20)) > 1.9
    assert math.log2(error(20) / error(40)) > 1.95


def test_second_order_across_a_jump() -> None:
    """Two layers on (0, 1): u = -x² / (2a) + c x / a + const., with u and a u' continuous at ½."""
    left, right = 12.0, 3.0
    c = (1 / (8 * left) + 3 / (8 * right)) / (1 / (2 * left) + 1 / (2 * right))

    def error(n: int) -> float:
        x = centres(n)
        a = np.where(x < 0.5, left, right)
        exact = np.where(x < 0.5, (c * x - x**2 / 2) / left, (c * (x - 1) - (x**2 - 1) / 2) / right)
        return float(np.abs(FiniteVolumeDiffusion((1.0,)).solve(a[None], np.ones((1, n)))[0] - exact).max())

    assert math.log2(error(8) / error(16)) == pytest.approx(2, abs=0.1)


def test_sines_are_the_eigenvectors_of_a_uniform_box() -> None:
    """λ = Σ (2 - 2 cos(π k h / L)) / h², with any number of axes."""
    cells, lengths, modes = (4, 5, 6), (1.0, 2.0, 0.5), (1, 2, 3)
    mode, eigenvalue = np.ones(()), 0.0
    for n, length, k in zip(cells, lengths, modes, strict=True):
        mode = mode[..., None] * np.sin(math.pi * k * centres(n, length) / length)
        eigenvalue += (2 - 2 * math.cos(math.pi * k / n)) / (length / n) ** 2
    applied = FiniteVolumeDiffusion(lengths).matrix(np.ones(cells)) @ mode.ravel()
    np.testing.assert_allclose(applied, eigenvalue * mode.ravel(), rtol=1e-12, atol=1e-10)


def test_the_matrix_is_symmetric_definite_and_of_positive_type() -> None:
    matrix = SQUARE.matrix(two_phases(8)).toarray()
    assert np.array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > 0
    assert (matrix - np.diag(matrix.diagonal())).max() == 0
    assert np.linalg.inv(matrix).min() > 0, "a discrete maximum principle: sources anywhere raise u everywhere"


def test_more_permeable_media_hold_less_pressure() -> None:
    a = two_phases(16)
    np.testing.assert_allclose(solved(4 * a), solved(a) / 4, rtol=1e-12)
    assert solved(np.maximum(a, 6.0)).sum() < solved(a).sum()


def test_converges_to_finite_elements() -> None:
    """Biquadratic elements on the same cells; at corners where four phases meet both are of low order."""
    skfem = pytest.importorskip("skfem", reason="the cross-check is against scikit-fem")
    medium = two_phases(8)

    @skfem.BilinearForm
    def stiffness(u, v, w):
        return w.a * (u.grad[0] * v.grad[0] + u.grad[1] * v.grad[1])

    @skfem.LinearForm
    def load(v, w):
        return v

    def difference(refinement: int) -> float:
        a = medium.repeat(refinement, 0).repeat(refinement, 1)
        ticks = np.linspace(0, 1, len(a) + 1)
        basis = skfem.Basis(skfem.MeshQuad.init_tensor(ticks, ticks), skfem.ElementQuad2())
        cell = tuple((basis.mesh.p[:, basis.mesh.t].mean(1) * len(a)).astype(int))
        per_cell = basis.with_element(skfem.ElementQuad0())
        matrix = stiffness.assemble(basis, a=per_cell.interpolate(a[cell]))
        solution = skfem.solve(*skfem.condense(matrix, load.assemble(basis), D=basis.get_dofs()))
        means = per_cell.project(basis.interpolate(solution))
        return float(np.linalg.norm(solved(a)[cell] - means) / np.linalg.norm(means))

    assert difference(8) < 0.01
    assert difference(8) < difference(4) / 1.7


@pytest.mark.parametrize(
    ("coefficient", "message"),
    [
        (np.zeros((1, 4, 4)), "must be positive and finite in every cell; the least value is 0.0"),
        (np.full((1, 4, 4), np.nan), "positive and finite"),
        (np.ones((1, 4)), "does not fill a box"),
    ],
)
def test_impossible_media_are_refused(coefficient: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SQUARE.solve(coefficient, np.ones_like(coefficient))
