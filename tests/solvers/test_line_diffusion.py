"""Steady diffusion along a line: closed forms, fourth order, linearity in the load, finite volumes."""

import math

import numpy as np

from fredholm.solvers import FiniteVolumeDiffusion, line_diffusion


def test_exponential_coefficient() -> None:
    """a = exp x, f = 1: u = ∫ (c - y) exp(-y) dy."""
    x = np.linspace(0, 1, 21)
    c = (1 - 2 / math.e) / (1 - 1 / math.e)
    exact = c * (1 - np.exp(-x)) - (1 - (1 + x) * np.exp(-x))
    np.testing.assert_allclose(line_diffusion(x[None], 1.0)[0], exact, atol=1e-12)


def test_fourth_order() -> None:
    def values(m: int) -> np.ndarray:
        return line_diffusion(np.sin(6 * np.linspace(0, 1, m))[None], 10.0)[0]

    reference = values(641)
    errors = [np.abs(values(m) - reference[:: 640 // (m - 1)]).max() for m in (21, 41, 81)]
    assert math.log2(errors[0] / errors[1]) > 3.7
    assert math.log2(errors[1] / errors[2]) > 3.7


def test_agrees_with_finite_volumes() -> None:
    cells = (np.arange(4096) + 0.5) / 4096
    u = FiniteVolumeDiffusion((1.0,)).solve(np.exp(np.sin(6 * cells))[None], np.full((1, 4096), 10.0))[0]
    faces = (u[:-1] + u[1:]) / 2
    mine = line_diffusion(np.sin(6 * np.linspace(0, 1, 65))[None], 10.0)[0]
    np.testing.assert_allclose(mine[1:-1], faces[63::64], atol=1e-5)


def test_linear_in_the_load_and_zero_at_the_ends() -> None:
    b = np.random.default_rng(0).normal(size=(3, 12))
    u = line_diffusion(b, 2.0)
    np.testing.assert_allclose(u, 2 * line_diffusion(b, 1.0), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(u[:, [0, -1]], 0, atol=1e-14)
    assert (u[:, 1:-1] > 0).all()
