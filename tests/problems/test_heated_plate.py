"""The problem `heated-plate`: holes where they should be, maximum principle, symmetry, balance of heat, refusals."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import SignatureError
from fredholm.problems import HeatedPlate, problem_named

SMALL = HeatedPlate(points=12)


def plate(number: int, distance: float, problem: HeatedPlate = SMALL) -> torch.Tensor:
    return problem.solve(problem.plates(torch.tensor([number]), torch.tensor([distance])))[0, 0]


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31), first=st.integers(0, 10**6))
def test_samples_are_plates_in_the_family_and_their_own(seed: int, first: int) -> None:
    together = SMALL.sample(3, seed, first)
    number, distance = together["holes"].T
    assert ((number >= 2) & (number <= 9) & (number == number.round())).all()
    assert ((distance >= 0.09) & (distance <= 0.16)).all()
    for i in range(3):
        for name, values in SMALL.sample(1, seed, first + i).items():
            assert torch.equal(together[name][i : i + 1], values)


def test_holes_take_their_volume() -> None:
    mask = HeatedPlate(points=48).plates(torch.tensor([5]), torch.tensor([0.12]))["mask"]
    assert 1 - mask.mean().item() == pytest.approx(5 * math.pi * 0.025**2 / 0.42**2, rel=0.1)


def test_temperature_lies_between_air_and_heater() -> None:
    inputs = SMALL.sample(4, seed=0)
    temperature, inside = SMALL.solve(inputs), inputs["mask"] == 1
    assert (temperature[inside] > 0).all()
    assert (temperature[inside] < 80).all()
    assert (temperature[~inside] == 0).all()


def test_four_holes_turn_into_themselves_and_it_is_colder_above() -> None:
    temperature = plate(4, 0.12)
    torch.testing.assert_close(temperature, temperature.rot90(1, (0, 1)), rtol=1e-5, atol=1e-4)
    assert (temperature.diff(dim=2) <= 0).all()


def test_far_from_edges_and_holes_it_is_a_wall_between_heater_and_air() -> None:
    """T = Tₕ (1 - z / (d + κ / β)) through a wall of thickness d."""
    problem = HeatedPlate(points=12, conductivity=1.0)  # heat goes less far along the plate
    z = problem.grid.axes[2].points()
    torch.testing.assert_close(
        plate(2, 0.16, problem)[6, 6].double(), 80 * (1 - z / (0.1 + 1 / 200)), rtol=0.02, atol=0.5
    )


def test_temperature_scales_with_that_of_the_heater() -> None:
    torch.testing.assert_close(plate(3, 0.1, HeatedPlate(12, heater=40.0)), plate(3, 0.1) / 2)


def test_plates_that_conduct_better_are_warmer() -> None:
    assert (plate(3, 0.1, HeatedPlate(12, conductivity=30.0)) >= plate(3, 0.1)).all()


def test_finer_grids_change_little() -> None:
    """Cells of the coarse grid are centred on cells of one three times as fine."""
    coarse, fine = plate(4, 0.12, HeatedPlate(points=12)), plate(4, 0.12, HeatedPlate(points=36))[1::3, 1::3, 1::3]
    both = (coarse > 0) & (fine > 0)
    assert float((coarse - fine)[both].norm() / fine[both].norm()) < 0.04


def test_parameters_rebuild_the_problem() -> None:
    problem = HeatedPlate(points=16, transfer=50.0)
    assert problem_named("heated-plate", problem.parameters()) == problem


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(SignatureError, match=r"9 holes of 0\.025 m radius overlap at 0\.06 m"):
        plate(9, 0.06)
    with pytest.raises(SignatureError, match=r"holes at 0\.2 m leave the plate"):
        plate(2, 0.2)
    inputs = SMALL.sample(1, seed=0)
    with pytest.raises(SignatureError, match="make both with `plates`"):
        SMALL.solve({**inputs, "mask": 1 - inputs["mask"]})
    with pytest.raises(ValueError, match="take at least 12 points"):
        HeatedPlate(points=8)
    with pytest.raises(ValueError, match="must be positive and finite"):
        HeatedPlate(transfer=0.0)
