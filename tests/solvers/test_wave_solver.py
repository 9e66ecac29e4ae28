"""The wave solver as a map: linear, reciprocal, symmetric, causal, and the same bits however it is run."""

import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import CourantError, FredholmError, SignatureError
from fredholm.solvers import WaveSolver

SPEED, SPACING = 343.0, 0.05


def l_shape(nodes: int = 41) -> np.ndarray:
    inside = np.ones((nodes, nodes), bool)
    inside[nodes // 2 + 1 :, nodes // 2 + 1 :] = False
    return inside


def noise(*shape: int, seed: int = 0, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def pulse(inside: np.ndarray, centre: tuple[float, ...], width: float = 0.2) -> np.ndarray:
    squared = sum(
        ((np.arange(n) * SPACING - x).reshape([-1 if k == axis else 1 for k in range(inside.ndim)]) ** 2)
        for axis, (n, x) in enumerate(zip(inside.shape, centre, strict=True))
    )
    return np.exp(-squared / width**2) * inside


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("inside", [np.ones(20, bool), l_shape(), np.ones((7, 9, 8), bool)], ids=["1-D", "2-D", "3-D"])
def test_first_recording_is_the_start_in_its_precision(inside: np.ndarray, dtype: type) -> None:
    initial = noise(2, *inside.shape, dtype=dtype)
    pressure = WaveSolver(inside, SPACING, SPEED, 17.98).solve(initial, 5e-4, 4)
    assert pressure.shape == (2, 4, *inside.shape)
    assert pressure.dtype == dtype
    np.testing.assert_array_equal(pressure[:, 0], initial * inside)
    assert not pressure[:, :, ~inside].any()  # exact zeros outside the room, whatever was given there


@given(a=st.floats(-3, 3), b=st.floats(-3, 3), seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_linear(a: float, b: float, seed: int) -> None:
    solver = WaveSolver(l_shape(), SPACING, SPEED, 3.0)
    u = noise(2, 41, 41, seed=seed, dtype=np.float64)
    apart = solver.solve(u, 1e-3, 4)
    together = solver.solve((a * u[0] + b * u[1])[None], 1e-3, 4)
    np.testing.assert_allclose(together[0], a * apart[0] + b * apart[1], atol=1e-11)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_source_and_receiver_may_change_places(seed: int) -> None:
    """What B hears from A, A hears from B, for points with a node between them and every wall."""
    inside = l_shape()
    random = np.random.default_rng(seed)
    impedances = 10 ** random.uniform(-1, 2, inside.shape)
    around = [inside[2 + i : 39 + i, 2 + j : 39 + j] for i in range(-2, 3) for j in range(-2, 3)]
    interior = np.argwhere(np.logical_and.reduce(around)) + 2
    a, b = (tuple(node) for node in interior[random.choice(len(interior), 2, replace=False)])
    points = np.zeros((2, *inside.shape))
    points[0][a] = points[1][b] = 1.0
    heard = WaveSolver(inside, SPACING, SPEED, impedances).solve(points, 1e-3, 12)
    np.testing.assert_allclose(heard[0][(slice(None), *b)], heard[1][(slice(None), *a)], atol=1e-13)


def test_mirrored_and_turned_starts_give_mirrored_and_turned_fields() -> None:
    solver = WaveSolver(np.ones((16, 16, 16), bool), SPACING, SPEED, 5.0)
    u = noise(1, 16, 16, 16, dtype=np.float64)
    field = solver.solve(u, 1e-3, 3)
    for axis in (1, 2, 3):
        np.testing.assert_allclose(solver.solve(np.flip(u, axis).copy(), 1e-3, 3), np.flip(field, axis + 1), atol=1e-13)
    turned = solver.solve(np.swapaxes(u, 1, 3).copy(), 1e-3, 3)
    np.testing.assert_allclose(turned, np.swapaxes(field, 2, 4), atol=1e-13)


def test_a_constant_stays_in_a_rigid_room() -> None:
    inside = l_shape()
    field = WaveSolver(inside, SPACING, SPEED).solve(np.ones((1, 41, 41)), 1e-3, 5)
    np.testing.assert_allclose(field[0][:, inside], 1.0, rtol=1e-13)


def test_sound_bends_round_the_corner_but_never_through_it() -> None:
    """From one arm of an L into the other, by the way round the corner and no sooner."""
    inside = l_shape(81)  # 4 m x 4 m, corner at (2, 2)
    source, receiver, width = (3.5, 1.2), (1.2, 3.5), 0.2
    around = math.dist(source, (2.0, 2.0)) + math.dist((2.0, 2.0), receiver)
    straight = math.dist(source, receiver)
    interval = 2.5e-4
    start = np.stack([pulse(inside, source, width), pulse(np.ones_like(inside), source, width)])
    bent = WaveSolver(inside, SPACING, SPEED, 17.98).solve(start[:1], interval, 60)
    through = WaveSolver(np.ones_like(inside), SPACING, SPEED, 17.98).solve(start[1:], interval, 60)
    node = tuple(round(x / SPACING) for x in receiver)
    shadowed, lit = bent[(0, slice(None), *node)], through[(0, slice(None), *node)]
    times = np.arange(60) * interval
    before = times * SPEED < around - 3 * width
    direct = (times * SPEED > straight - width) & (times * SPEED < straight + width)
    assert np.abs(shadowed[before]).max() < 1e-3 * np.abs(start).max()
    assert np.abs(shadowed[times * SPEED < around + 3 * width]).max() > 1e-2
    assert np.abs(shadowed[direct]).max() < 0.75 * np.abs(lit[direct]).max()


@pytest.mark.parametrize("inside", [np.ones(50, bool), l_shape(), l_shape(301), np.ones((12, 41, 150), bool)])
def test_a_batch_is_its_singles_to_the_last_bit(inside: np.ndarray) -> None:
    solver = WaveSolver(inside, SPACING, SPEED, 17.98)
    initial = noise(5, *inside.shape)
    batch = solver.solve(initial, 5e-4, 3)
    for sample, field in zip(initial, batch, strict=True):
        np.testing.assert_array_equal(solver.solve(sample[None], 5e-4, 3)[0], field)


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    code = (
        "import hashlib, numpy as np; from fredholm.solvers import WaveSolver;"
        "inside = np.ones((301, 290), bool); inside[150:, 170:] = False;"
        "u = np.random.default_rng(0).standard_normal((3, 301, 290)).astype(np.float32);"
        "s = WaveSolver(inside, 0.05, 343.0, 17.98);"
        "print(hashlib.sha256(s.solve(u, 5e-4, 4).tobytes() + s.solve(u[:1], 5e-4, 4).tobytes()).hexdigest())"
    )
    hashes = set()
    for threads in ("1", "3"):
        environment = {**os.environ, "NUMBA_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        hashes.add(done.stdout.strip())
    assert len(hashes) == 1


def test_concurrent_calls_give_what_each_gives_alone() -> None:
    small, large = WaveSolver(l_shape(), SPACING, SPEED, 3.0), WaveSolver(l_shape(301), SPACING, SPEED, 3.0)
    jobs = [(solver, noise(1 + i % 3, *solver.inside.shape, seed=i)) for i in range(12) for solver in (small, large)]
    alone = [solver.solve(u, 5e-4, 4) for solver, u in jobs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: job[0].solve(job[1], 5e-4, 4), jobs))
    for first, second in zip(alone, together, strict=True):
        np.testing.assert_array_equal(first, second)


def test_one_impedance_is_that_impedance_at_every_node() -> None:
    inside, initial = l_shape(), noise(1, 41, 41)
    everywhere = WaveSolver(inside, SPACING, SPEED, np.full(inside.shape, 4.0)).solve(initial, 5e-4, 6)
    np.testing.assert_array_equal(WaveSolver(inside, SPACING, SPEED, 4.0).solve(initial, 5e-4, 6), everywhere)


@pytest.mark.parametrize("shape", [(30,), (12, 14), (7, 8, 9)])
def test_courant_limit_is_sharp(shape: tuple[int, ...]) -> None:
    """The chequerboard, the stiffest mode, stays bounded at the limit; the next larger step is refused by name."""
    solver = WaveSolver(np.ones(shape, bool), SPACING, SPEED)
    longest = solver.courant_limit * SPACING / SPEED
    chequered = (-1.0) ** np.indices(shape).sum(0)
    assert np.abs(solver.solve(chequered[None], 0.999 * longest, 500, steps=1)).max() < 1.001
    with pytest.raises(CourantError) as refusal:
        solver.solve(chequered[None], 1.05 * longest, 2, steps=1)
    for number in (1.05 * solver.courant_limit, solver.courant_limit, longest):
        assert f"{number:.4g}" in str(refusal.value)


@given(st.floats(1e-6, 0.1), st.floats(0.005, 0.5), st.integers(1, 3))
def test_chosen_steps_are_stable_and_as_few_as_may_be(interval: float, spacing: float, dimension: int) -> None:
    solver = WaveSolver(np.ones((3,) * dimension, bool), spacing, SPEED)
    steps = solver.steps_for(interval)
    assert solver.courant(interval, steps) <= solver.courant_limit
    assert steps == 1 or SPEED * interval / spacing / (steps - 1) > 0.99 * solver.courant_limit


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        (np.zeros((1, 41, 40)), "expected"),
        (np.zeros((41, 41)), "expected"),
        (np.full((1, 41, 41), np.nan), "NaN"),
        (np.full((1, 41, 41), np.inf), "infinite"),
    ],
)
def test_starts_that_do_not_fit_are_refused(initial: np.ndarray, message: str) -> None:
    with pytest.raises(SignatureError, match=message):
        WaveSolver(l_shape(), SPACING).solve(initial, 5e-4, 2)


def test_rooms_that_cannot_be_are_refused() -> None:
    whisker = np.zeros((8, 8), bool)
    whisker[:4, :4] = True
    whisker[5, 5] = True
    with pytest.raises(FredholmError, match="cell"):
        WaveSolver(whisker, SPACING)
    for impedance in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="impedance"):
            WaveSolver(l_shape(), SPACING, SPEED, impedance)
    with pytest.raises(ValueError, match="spacing"):
        WaveSolver(l_shape(), 0.0)


@pytest.mark.parametrize(("recordings", "interval"), [(1, 5e-4), (0, 5e-4), (3, 0.0), (3, -1e-3), (3, math.nan)])
def test_recordings(recordings: int, interval: float) -> None:
    solver = WaveSolver(l_shape(), SPACING)
    start = noise(1, 41, 41)
    if recordings == 1:
        np.testing.assert_array_equal(solver.solve(start, interval, 1)[:, 0], start * solver.inside)
    else:
        with pytest.raises(ValueError, match="recording"):
            solver.solve(start, interval, recordings)
