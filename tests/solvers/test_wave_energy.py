"""Conservation in rooms of any shape: energy and mean pressure with rigid walls, the exact loss at absorbing ones."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.solvers import WaveSolver

SPEED, SPACING = 343.0, 0.05


def room_of_cells(cells: np.ndarray) -> np.ndarray:
    """Nodes of a union of grid cells."""
    nodes = np.zeros([n + 1 for n in cells.shape], bool)
    for corner in np.ndindex(*(2,) * cells.ndim):
        nodes[tuple(slice(c, c + n) for c, n in zip(corner, cells.shape, strict=True))] |= cells
    return nodes


@st.composite
def rooms(draw: st.DrawFn) -> np.ndarray:
    shape = draw(st.sampled_from([(9,), (6, 7), (2, 9), (3, 4, 3)]))
    seed, filled = draw(st.integers(0, 2**32 - 1)), draw(st.floats(0.3, 1.0))
    cells = np.random.default_rng(seed).random(shape) < filled
    cells.flat[0] = True
    return room_of_cells(cells)


def l_shape() -> np.ndarray:
    inside = np.ones((31, 41), bool)
    inside[16:, 21:] = False
    return inside


def every_step(solver: WaveSolver, seed: int, count: int) -> tuple[np.ndarray, float]:
    """All time steps of a random start at nearly the stability limit, in double precision, and the Courant number."""
    initial = np.random.default_rng(seed).standard_normal(solver.inside.shape) * solver.inside
    interval = 0.999 * solver.courant_limit * solver.spacing / solver.sound_speed
    return solver.solve(initial[None], interval, count, steps=1)[0], solver.courant(interval, 1)


def energies(solver: WaveSolver, fields: np.ndarray, courant: float) -> np.ndarray:
    return np.array([solver.energy(p, q, courant) for p, q in pairwise(fields)])


@given(rooms(), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_rigid_rooms_of_any_shape_conserve_energy(inside: np.ndarray, seed: int) -> None:
    solver = WaveSolver(inside, SPACING, SPEED)
    energy = energies(solver, *every_step(solver, seed, 120))
    np.testing.assert_allclose(energy, energy[0], rtol=1e-10)
    assert energy[0] > 0


@given(rooms(), st.integers(0, 1000), st.floats(0.05, 50.0))
@settings(max_examples=40, deadline=None)
def test_absorbing_rooms_of_any_shape_only_lose_energy(inside: np.ndarray, seed: int, impedance: float) -> None:
    random = np.random.default_rng(seed)
    impedances = impedance * 10 ** random.uniform(-1, 1, inside.shape)
    solver = WaveSolver(inside, SPACING, SPEED, impedances)
    energy = energies(solver, *every_step(solver, seed, 120))
    assert (np.diff(energy) <= 1e-12 * energy[0]).all()
    assert (energy >= 0).all()
    assert energy[-1] < energy[0]


@given(rooms(), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_rigid_rooms_of_any_shape_conserve_mean_pressure(inside: np.ndarray, seed: int) -> None:
    """∫ p dx is constant for a start from rest, with each node weighted by the cells that meet in it."""
    solver = WaveSolver(inside, SPACING, SPEED)
    fields, _ = every_step(solver, seed, 60)
    cells = np.ones([n - 1 for n in inside.shape], bool)
    corners = list(np.ndindex(*(2,) * inside.ndim))
    at = [tuple(slice(c, c + n) for c, n in zip(corner, cells.shape, strict=True)) for corner in corners]
    for where in at:
        cells &= inside[where]
    weights = np.zeros(inside.shape)
    for where in at:
        weights[where] += cells / 2**inside.ndim
    total = (fields * weights).reshape(len(fields), -1).sum(1)
    np.testing.assert_allclose(total, total[0], atol=1e-10 * np.abs(fields[0]).sum())


@pytest.mark.parametrize("impedance", [0.5, 1.0, 17.98])
def test_walls_take_exactly_the_work_done_on_them(impedance: float) -> None:
    """E⁺ - E⁻ = -Σ_walls (w / 4ξλ) (p⁺ - p⁻)², with unit wall per boundary node of a rectangle, corners included."""
    inside = np.ones((14, 17), bool)
    solver = WaveSolver(inside, SPACING, SPEED, impedance)
    fields, courant = every_step(solver, 3, 80)
    wall = np.pad(np.zeros((12, 15)), 1, constant_values=1.0)
    loss = (wall * (fields[2:] - fields[:-2]) ** 2).sum((1, 2)) / (4 * impedance * courant)
    np.testing.assert_allclose(np.diff(energies(solver, fields, courant)), -loss, rtol=1e-9, atol=1e-12)


def test_energy_in_a_smooth_mode_is_the_integral_it_approximates() -> None:
    """cos(πx/L) on a rectangle at rest holds ½ ∫ |∇p|² dx, as the grid is refined."""
    cells, length = 200, 1.0
    solver = WaveSolver(np.ones((cells + 1, 51), bool), length / cells, SPEED)
    mode = np.broadcast_to(np.cos(math.pi * np.linspace(0, 1, cells + 1))[:, None], (cells + 1, 51)).copy()
    interval = 0.5 * solver.spacing / SPEED
    fields = solver.solve(mode[None], interval, 2, steps=1)[0]
    integral = math.pi**2 / 4 * 50 / cells  # ½ ∫₀¹ π² sin²(πx) dx times the width
    assert solver.energy(fields[0], fields[1], 0.5) == pytest.approx(integral, rel=1e-3)


def test_an_absorbing_l_shape_falls_silent() -> None:
    solver = WaveSolver(l_shape(), SPACING, SPEED, 1.5)
    fields, courant = every_step(solver, 0, 1500)
    energy = energies(solver, fields, courant)
    # only what a rigid room would keep for ever could stay
    assert energy[-1] < 0.01 * energy[0]
