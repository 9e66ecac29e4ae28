"""The problem `darcy-shapes`: parts of the square by their areas, pressure in them alone, its equation, refusals."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import SignatureError
from fredholm.problems import Corner, DarcyShapes, Disk, SquarePlate, Triangle, problem_named
from fredholm.problems.plane_shapes import PlaneShape

SMALL = DarcyShapes(points=24)
AREAS: dict[PlaneShape, float] = {
    SquarePlate(0.8): 0.64,
    Disk(0.9): math.pi * 0.45**2,
    Triangle(0.9): math.sqrt(3) / 4 * 0.81,
    Corner(0.8): 0.48,
}


@pytest.mark.parametrize("shape", AREAS)
def test_shapes_have_their_areas(shape: PlaneShape) -> None:
    mask = DarcyShapes(points=100, shapes=(shape,)).sample(1, seed=0)["mask"]
    assert mask.mean().item() == pytest.approx(AREAS[shape], rel=0.02)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31), first=st.integers(0, 10**6))
def test_a_sample_is_its_own(seed: int, first: int) -> None:
    together = SMALL.sample(3, seed, first)
    for i in range(3):
        for name, values in SMALL.sample(1, seed, first + i).items():
            assert torch.equal(together[name][i : i + 1], values)


def test_pressure_is_positive_inside_and_zero_outside() -> None:
    inputs = SMALL.sample(12, seed=0)
    pressure, inside = SMALL.solve(inputs), inputs["mask"] == 1
    assert (pressure[inside] > 0).all()
    assert (pressure[~inside] == 0).all()
    assert len(SMALL.labels(12, seed=0)["shape"].unique()) == 3


def test_larger_parts_hold_more_pressure() -> None:
    """The maximum principle: a part of a part, with the same medium, has less pressure everywhere."""
    inputs = DarcyShapes(points=24, shapes=(SquarePlate(),)).sample(2, seed=0)
    less = DarcyShapes(points=24, shapes=(Corner(),)).sample(2, seed=0)
    assert torch.equal(inputs["log_permeability"], less["log_permeability"])
    assert (SMALL.solve(less) <= SMALL.solve(inputs)).all()


def test_the_solution_leaves_no_residual() -> None:
    inputs = SMALL.sample(6, seed=0)
    pressure = SMALL.solve(inputs)
    assert SMALL.residual(inputs, pressure).abs().max() < 1e-3, "pressures are rounded to float32"
    wrong = SMALL.residual(inputs, pressure + 0.5)
    assert (wrong[inputs["mask"] == 0] == 0.5).all()


def test_parameters_rebuild_the_problem() -> None:
    problem = DarcyShapes(points=24, shapes=(Corner(0.7), Disk()))
    assert problem_named("darcy-shapes", problem.parameters()) == problem


def test_what_is_wrong_is_named() -> None:
    inputs = SMALL.sample(2, seed=0)
    inputs["mask"] = inputs["mask"] / 2
    with pytest.raises(SignatureError, match=r"'mask' holds 0\.5; it must be 1 inside"):
        SMALL.solve(inputs)
    with pytest.raises(ValueError, match="holds the centre of none of 24 x 24 cells"):
        DarcyShapes(points=24, shapes=(Disk(0.01),))
    with pytest.raises(ValueError, match=r"size in \(0, 1\], got 1\.5"):
        Disk(1.5)
