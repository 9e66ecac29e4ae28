"""The problem `helmholtz`: speeds in their range, its equation, finer grids, refusals."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import SignatureError
from fredholm.problems import Helmholtz, problem_named

SMALL = Helmholtz(points=33, frequency=300.0)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31), first=st.integers(0, 10**6))
def test_speeds_lie_in_their_range_and_samples_are_their_own(seed: int, first: int) -> None:
    together = SMALL.sample(3, seed, first)["wave_speed"]
    assert together.min() >= 19
    assert together.max() <= 21
    for i in range(3):
        assert torch.equal(together[i : i + 1], SMALL.sample(1, seed, first + i)["wave_speed"])


def test_the_solution_leaves_no_residual() -> None:
    inputs = SMALL.sample(3, seed=0)
    u = SMALL.solve(inputs)
    scale = 300**2 / 20**2 * u.abs().max()
    assert SMALL.residual(inputs, u.double()).abs().max() < 1e-3 * scale, "fields are rounded to float32"
    assert SMALL.residual(inputs, u.double() + 0.1 * u.abs().max()).abs().max() > 0.05 * scale


def test_the_residual_of_waves_converges_with_the_fourth_power_of_the_spacing() -> None:
    """Constant c: u = cos πx cos ly with π² + l² = (ω / c)²."""

    def residual(n: int) -> float:
        problem = Helmholtz(points=n, frequency=100.0)
        x, y = problem.grid.coordinates().T.reshape(2, n, n)
        u = torch.cos(math.pi * x) * torch.cos(math.sqrt(25 - math.pi**2) * y)
        speed = torch.full((1, 1, n, n), 20.0, dtype=torch.float64)
        return float(problem.residual({"wave_speed": speed}, u[None, None]).abs().max())

    assert math.log2(residual(17) / residual(33)) == pytest.approx(4, abs=0.1)


def test_finer_grids_change_the_field_by_the_fourth_power() -> None:
    """The same medium, a plane wave's speed, on three grids."""

    def field(n: int) -> torch.Tensor:
        problem = Helmholtz(points=n, frequency=200.0)
        x, y = problem.grid.coordinates().T.reshape(2, n, n)
        speed = 20 + 0.5 * torch.cos(math.pi * x) * torch.cos(2 * math.pi * y)
        return problem.solve({"wave_speed": speed.float()[None, None]})[0, 0, :: (n - 1) // 16, :: (n - 1) // 16]

    coarse, middle, fine = field(17), field(33), field(65)
    assert float((coarse - fine).norm() / (middle - fine).norm()) > 12


def test_parameters_rebuild_the_problem() -> None:
    assert problem_named("helmholtz", SMALL.parameters()) == SMALL


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match=r"positive frequency up to 478, or more points"):
        Helmholtz(points=33)
    with pytest.raises(ValueError, match="positive frequency"):
        Helmholtz(frequency=-1.0)
    with pytest.raises(SignatureError, match="'wave_speed' of sample 0 reaches 0"):
        SMALL.solve({"wave_speed": torch.zeros(1, 1, 33, 33)})
