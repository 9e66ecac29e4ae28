"""Coordinates are scaled with the physics in mind, and lifted in the published order."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from fredholm.fields.grid import Axis, Grid
from fredholm.layers.architecture import build, describe
from fredholm.layers.coordinates import CoordinateScaling, FourierFeatures, PeriodicScaling

ROOM = Grid(Axis("x", 1.0, 5.0, 5), Axis("y", 0.5, 2.0, 4)) * Grid(Axis("t", 0.0, 0.02, 3))


def test_a_box_is_mapped_onto_the_cube() -> None:
    corners = CoordinateScaling.box(ROOM)(ROOM.bounds.float())
    torch.testing.assert_close(corners, torch.tensor([[-1.0] * 3, [1.0] * 3]))


@given(*[st.floats(0, 1) for _ in range(3)])
def test_waves_are_scaled_alike_in_all_directions(x: float, y: float, t: float) -> None:
    """x' = 2 (x - xmin) / L - 1 with xmin and L over all space coordinates, t' = c t / (2 L)."""
    scaled = CoordinateScaling.waves(ROOM, speed=343.0)(torch.tensor([[1 + 4 * x, 0.5 + 1.5 * y, 0.02 * t]]))
    expected = [2 * (0.5 + 4 * x) / 4.5 - 1, 2 * 1.5 * y / 4.5 - 1, 343 * 0.02 * t / 4.5 / 2]
    torch.testing.assert_close(scaled, torch.tensor([expected]), rtol=0, atol=1e-6)


def test_features_are_raw_then_cosines_then_sines() -> None:
    y, frequencies = torch.tensor([[0.3, -0.7]]), [2.0, 0.5]
    angles = [2 * math.pi * f * v for f in frequencies for v in (0.3, -0.7)]
    expected = [0.3, -0.7, *map(math.cos, angles), *map(math.sin, angles)]
    torch.testing.assert_close(FourierFeatures(frequencies)(y), torch.tensor([expected]))


def test_scaling_and_features_are_part_of_the_architecture() -> None:
    points = ROOM.coordinates().float()
    for layer in (CoordinateScaling.waves(ROOM, 343.0), FourierFeatures([1.0, 0.5])):
        assert torch.equal(build(describe(layer))(points), layer(points))


@given(st.floats(-3, 3), st.floats(0, 2), st.integers(-3, 3))
def test_periodic_axes_close_on_themselves(x: float, y: float, turns: int) -> None:
    scaling = PeriodicScaling.of(Grid(Axis("x", -1.0, 3.0, 4, periodic=True), Axis("y", 0.0, 2.0, 3)))
    here, there = torch.tensor([[x, y], [x + 4.0 * turns, y]], dtype=torch.float64)
    torch.testing.assert_close(scaling(here), scaling(there), rtol=0, atol=1e-12)
    angle = 2 * math.pi * (x + 1) / 4
    expected = torch.tensor([math.cos(angle), math.sin(angle), y - 1], dtype=torch.float64)
    torch.testing.assert_close(scaling(here), expected, rtol=0, atol=1e-12)


def test_without_periodic_axes_it_is_the_box() -> None:
    points = ROOM.coordinates().float()
    scaling = PeriodicScaling.of(ROOM)
    torch.testing.assert_close(scaling(points), CoordinateScaling.box(ROOM)(points))
    assert scaling.width == 3
    torch.testing.assert_close(build(describe(scaling))(points), scaling(points), rtol=0, atol=0)
