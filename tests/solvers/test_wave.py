"""The wave solver against closed forms, conservation laws and itself."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fredholm.errors import CourantError, SignatureError
from fredholm.solvers import WaveSolver

C = 343.0


def box(*cells: int) -> np.ndarray:
    return np.ones([n + 1 for n in cells], bool)


def l_shape(cells: int) -> np.ndarray:
    inside = box(cells, cells)
    inside[cells // 2 + 1 :, cells // 2 + 1 :] = False
    return inside


def orders(errors: list[float]) -> list[float]:
    return [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]


@pytest.mark.parametrize(("modes", "cells"), [((3,), 16), ((2, 1), 16), ((1, 2, 1), 8)])
def test_second_order_towards_the_standing_waves_of_a_rigid_box(modes: tuple[int, ...], cells: int) -> None:
    errors = []
    for n in (cells, 2 * cells, 4 * cells):
        axes = np.meshgrid(*(np.linspace(0, 1, n + 1) for _ in modes), indexing="ij")
        shape = np.prod([np.cos(k * np.pi * x) for k, x in zip(modes, axes, strict=True)], axis=0)
        solver = WaveSolver(box(*[n] * len(modes)), spacing=1 / n)
        interval = 1 / C / 2
        steps = math.ceil(2 * n * 0.5 * math.sqrt(len(modes)))
        pressure = solver.solve(shape[None], interval, 4, steps=steps)[0]
        frequency = C * np.pi * math.hypot(*modes)
        exact = [shape * math.cos(frequency * k * interval) for k in range(4)]
        errors.append(np.abs(pressure - np.stack(exact)).max())
    assert min(orders(errors)) > 1.9


def test_free_field_in_three_dimensions() -> None:
    width, cells, spacing = 0.4, 60, 0.05
    solver = WaveSolver(box(cells, cells, cells), spacing)
    axis = (np.arange(cells + 1) - cells / 2) * spacing
    r = np.sqrt(sum(x**2 for x in np.meshgrid(axis, axis, axis, indexing="ij")))
    pressure = solver.solve(np.exp(-((r / width) ** 2))[None], 1e-3, 4)[0]
    near = (r > 0.2) & (r < 1.0)
    for k in range(1, 4):
        ct = C * 1e-3 * k
        out, back = r[near] - ct, r[near] + ct
        waves = out * np.exp(-((out / width) ** 2)) + back * np.exp(-((back / width) ** 2))
        assert np.abs(pressure[k][near] - waves / (2 * r[near])).max() < 0.01


@pytest.mark.parametrize("impedance", [0.2, 1.0, 3.0, 17.98, math.inf])
def test_a_wall_reflects_as_much_as_its_impedance_says(impedance: float) -> None:
    cells, spacing = 800, 0.01
    x = np.arange(cells + 1) * spacing
    pulse = np.exp(-(((x - 2.0) / 0.3) ** 2))
    solver = WaveSolver(box(cells), spacing, C, impedance)
    after = solver.solve(pulse[None], 4.0 / C, 2)[0, 1]  # the half that ran left met the wall and came back to x = 2
    reflection = 1.0 if math.isinf(impedance) else (impedance - 1) / (impedance + 1)
    assert after[200] == pytest.approx(reflection / 2, abs=2e-3)


def test_second_order_at_absorbing_walls() -> None:
    def half(s: np.ndarray) -> np.ndarray:
        return 0.5 * np.exp(-(((s - 0.5) / 0.1) ** 2))

    def exact(x: np.ndarray, t: float, reflection: float) -> np.ndarray:
        return half(x + C * t) + half(x - C * t) + reflection * half(C * t - x)  # the right wall is not met yet

    errors = []
    for n in (100, 200, 400):
        x = np.linspace(0, 2, 2 * n + 1)
        solver = WaveSolver(box(2 * n), 1 / n, C, 3.0)
        time = 0.9 / C
        steps = math.ceil(0.9 * n / 0.7)
        pressure = solver.solve(exact(x, 0.0, 0.0)[None], time, 2, steps=steps)[0, 1]
        errors.append(np.abs(pressure - exact(x, time, 0.5)).max())
    assert min(orders(errors)) > 1.8


masks = st.builds(
    lambda blocks: np.kron(np.pad(blocks, 1, constant_values=False), np.ones((4, 4), bool)),
    arrays(bool, (3, 3)).filter(lambda blocks: blocks.any()),
)


@given(mask=masks, seed=st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_energy_is_conserved_by_rigid_walls_and_falls_at_absorbing_ones(mask: np.ndarray, seed: int) -> None:
    start = np.random.default_rng(seed).standard_normal((1, *mask.shape)) * mask
    interval = 0.7 / C * 0.1
    rigid, soft = WaveSolver(mask, 0.1), WaveSolver(mask, 0.1, C, 2.0)

    def energies(solver: WaveSolver) -> np.ndarray:
        p = solver.solve(start, interval, 30, steps=1)[0]
        courant = solver.courant(interval, 1)
        return np.array([solver.energy(a, b, courant) for a, b in pairwise(p)])

    conserved, falling = energies(rigid), energies(soft)
    assert np.ptp(conserved) < 1e-11 * conserved[0]
    assert (np.diff(falling) <= 1e-13 * falling[0]).all()
    assert falling[-1] < 0.9 * falling[0]


def test_reciprocity() -> None:
    inside = l_shape(20)
    solver = WaveSolver(inside, 0.1, C, 5.0)
    points = [(3, 4), (17, 6)]
    volume = solver.geometry.volume
    impulses = np.zeros((2, *inside.shape))
    for impulse, point in zip(impulses, points, strict=True):
        impulse[point] = 1 / volume[point]
    pressure = solver.solve(impulses, 5e-4, 40)
    np.testing.assert_allclose(pressure[0][:, *points[1]], pressure[1][:, *points[0]], atol=1e-13)


def test_l_shape_is_symmetric_under_exchange_of_its_axes_and_sound_bends_into_the_shadow() -> None:
    inside = l_shape(40)
    start = np.zeros((1, 41, 41))
    start[0, 5:9, 33:37] = 1.0
    solver = WaveSolver(inside, 0.05, C, 10.0)
    pressure = solver.solve(start, 5e-4, 25)[0]
    swapped = solver.solve(start.swapaxes(1, 2), 5e-4, 25)[0]
    np.testing.assert_allclose(pressure.swapaxes(1, 2), swapped, atol=1e-14)
    assert np.abs(pressure[:, 35, 8]).max() > 1e-3
    assert not pressure[:, ~inside].any()


@given(seed=st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_a_batch_is_its_samples_bit_for_bit(seed: int) -> None:
    solver = WaveSolver(box(11, 9), 0.1, C, 4.0)
    start = np.random.default_rng(seed).standard_normal((3, 12, 10)).astype(np.float32)
    together = solver.solve(start, 1e-3, 5)
    for i in range(3):
        assert np.array_equal(together[i], solver.solve(start[i : i + 1], 1e-3, 5)[0])


def test_large_and_small_rooms_take_the_same_steps() -> None:
    rng = np.random.default_rng(0)
    start = rng.standard_normal((1, 260, 260)).astype(np.float32)
    solver = WaveSolver(box(259, 259), 0.1, C, 4.0)
    np.testing.assert_array_equal(
        solver.solve(start, 1e-3, 3)[0], solver.solve(np.concatenate([start, start]), 1e-3, 3)[1]
    )


def test_courant_number_over_the_limit_is_refused_with_the_largest_step() -> None:
    solver = WaveSolver(box(10, 10), 0.1)
    with pytest.raises(CourantError, match=r"Courant number 3.43 is over the limit of 0.7071 in 2-D.*5 steps"):
        solver.solve(np.zeros((1, 11, 11)), 1e-3, 2, steps=1)


@pytest.mark.parametrize(
    ("pressure", "message"),
    [
        (np.zeros((1, 10, 11)), r"expected \(sources, 11, 11\)"),
        (np.full((1, 11, 11), np.nan), "NaN or infinite"),
    ],
)
def test_bad_initial_pressure_is_refused(pressure: np.ndarray, message: str) -> None:
    with pytest.raises(SignatureError, match=message):
        WaveSolver(box(10, 10), 0.1).solve(pressure, 1e-3, 2)


def test_per_node_impedance_acts_where_it_is() -> None:
    impedance = np.full((801,), np.inf)
    impedance[0] = 1.0  # the left end absorbs, the right end reflects
    x = np.arange(801) * 0.01
    solver = WaveSolver(box(800), 0.01, C, impedance)
    pulse = np.exp(-(((x - 4.0) / 0.3) ** 2))
    after = solver.solve(pulse[None], 8.0 / C, 2)[0, 1]
    assert after[400] == pytest.approx(0.5, abs=5e-3)
