"""The wave solver against closed forms: second order with rigid and with absorbing walls, in 1-D to 3-D."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from fredholm.solvers import WaveSolver

SPEED = 343.0
COURANT = 0.55  # well below the limit 1/√d, at which some modes would be free of dispersion and hide an error


def observed_order(error: Callable[[int], float], coarse: int, fine: int) -> float:
    """Slope of log error against log spacing."""
    return math.log(error(coarse) / error(fine)) / math.log(fine / coarse)


def march(
    initial: np.ndarray, spacing: float, duration: float, wall_impedance: float, inside: np.ndarray | None = None
) -> np.ndarray:
    """Pressure at `duration`, with a Courant number about COURANT."""
    inside = np.ones(initial.shape, bool) if inside is None else inside
    steps = math.ceil(SPEED * duration / spacing / COURANT)
    solver = WaveSolver(inside, spacing, SPEED, wall_impedance)
    return solver.solve(initial[None], duration, 2, steps=steps)[0, 1]


@pytest.mark.parametrize("modes", [(3,), (2, 1), (1, 3), (1, 2, 1)])
def test_cosine_modes_of_a_rigid_box(modes: tuple[int, ...]) -> None:
    lengths = (1.0, 1.5, 0.5)[: len(modes)]
    wavenumber = math.pi * math.hypot(*(m / length for m, length in zip(modes, lengths, strict=True)))
    duration = 1.3 / (SPEED * wavenumber)

    def error(cells: int) -> float:
        spacing = 0.5 / cells
        axes = [np.arange(round(length / spacing) + 1) * spacing for length in lengths]
        mode = np.ones(())
        for m, x, length in zip(modes, axes, lengths, strict=True):
            mode = mode[..., None] * np.cos(m * math.pi * x / length)
        exact = mode * math.cos(SPEED * wavenumber * duration)
        return float(np.abs(march(mode, spacing, duration, math.inf) - exact).max())

    assert observed_order(error, 8, 24) >= 1.9


def test_gaussian_pulse_in_free_field() -> None:
    """P = [(r - ct) exp(-(r - ct)²/s²) + (r + ct) exp(-(r + ct)²/s²)] / 2r, before the walls at 2 m reflect."""
    width, travelled = 0.5, 1.2

    def error(cells: int) -> float:
        x = np.linspace(-2.0, 2.0, cells + 1)
        r = np.sqrt(x[:, None, None] ** 2 + x[:, None] ** 2 + x**2)
        initial = np.exp(-((r / width) ** 2))
        field = march(initial, 4.0 / cells, travelled / SPEED, math.inf)
        near = (r > 0) & (r < 1.0)
        r, field = r[near], field[near]
        out, back = r - travelled, r + travelled
        exact = (out * np.exp(-((out / width) ** 2)) + back * np.exp(-((back / width) ** 2))) / (2 * r)
        return float(np.sqrt(np.mean((field - exact) ** 2)))

    assert error(64) < 2e-3
    assert observed_order(error, 32, 64) >= 1.9


@pytest.mark.parametrize("impedance", [0.3, 1.0, 3.0, 17.98, math.inf])
def test_a_wall_reflects_by_impedance(impedance: float) -> None:
    """d'Alembert: each half of the pulse comes back from its wall (ξ - 1)/(ξ + 1) times as large."""
    reflection = 1.0 if math.isinf(impedance) else (impedance - 1) / (impedance + 1)
    centre, width, travelled = 1.1, 0.15, 1.9

    def error(cells: int) -> float:
        x = np.linspace(0.0, 2.0, cells + 1)

        def pulse(at: np.ndarray) -> np.ndarray:
            return 0.5 * np.exp(-(((at - centre) / width) ** 2))

        leftward, rightward = pulse(x + travelled), pulse(x - travelled)
        # what arrives from the image of the pulse behind each wall, at x = 0 and x = 2
        from_left, from_right = pulse(travelled - x), pulse(4.0 - x - travelled)
        exact = leftward + rightward + reflection * (from_left + from_right)
        return float(np.abs(march(2 * pulse(x), 2.0 / cells, travelled / SPEED, impedance) - exact).max())

    assert error(640) < 2e-3
    assert observed_order(error, 160, 640) >= 1.9


def test_a_pulse_that_starts_at_an_absorbing_wall() -> None:
    """Even the first half step is second order at a wall: pressure at the wall is a (1 + R)/2 share, at once."""
    impedance, width = 2.0, 0.2
    share = 1 - 1 / (1 + impedance)  # (1 + R) / 2

    def error(cells: int) -> float:
        x = np.linspace(0.0, 2.0, cells + 1)
        initial = x**2 * np.exp(-((x / width) ** 2)) / width**2
        travelled = 0.25
        field = march(initial, 2.0 / cells, travelled / SPEED, impedance)
        at_wall = share * travelled**2 * math.exp(-((travelled / width) ** 2)) / width**2
        return abs(float(field[0]) - at_wall)

    assert observed_order(error, 160, 640) >= 1.9


@pytest.mark.parametrize("impedance", [1.0, 17.98])
def test_corners_of_absorbing_walls_keep_second_order(impedance: float) -> None:
    """Successive differences under halving fall fourfold, after the pulse has passed a corner."""

    def field(cells: int) -> np.ndarray:
        x = np.linspace(0.0, 1.0, cells + 1)
        initial = np.exp(-((x[:, None] - 0.4) ** 2 + (x - 0.45) ** 2) / 0.15**2)
        return march(initial, 1.0 / cells, 1.1 / SPEED, impedance)

    coarse, medium, fine = field(60), field(120)[::2, ::2], field(240)[::4, ::4]
    assert math.log2(np.abs(coarse - medium).max() / np.abs(medium - fine).max()) >= 1.9


def test_a_straight_duct_cut_from_a_larger_grid_is_that_duct() -> None:
    """Walls inside the grid are the same walls as at its edges."""
    x = np.arange(31) * 0.05
    initial = np.exp(-((x[:, None] - 0.7) ** 2 + (x[:13] - 0.3) ** 2) / 0.2**2)
    duct = march(initial, 0.05, 3e-3, 4.0)
    inside = np.zeros((40, 20), bool)
    inside[5:36, 3:16] = True
    embedded = np.zeros(inside.shape)
    embedded[5:36, 3:16] = initial
    np.testing.assert_allclose(march(embedded, 0.05, 3e-3, 4.0, inside)[5:36, 3:16], duct, atol=1e-13)
