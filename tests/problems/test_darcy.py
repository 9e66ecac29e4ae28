"""The problem `darcy`: its media and their statistics, reproducible, equivariant; its equation; refusals."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import DataError, SignatureError
from fredholm.problems import Darcy, LogNormal, Multiscale, TwoPhase, problem_named
from fredholm.problems.media import Medium

MEDIA: list[Medium] = [TwoPhase(), LogNormal(), Multiscale(levels=2)]
SMALL = Darcy(points=16)


def test_both_phases_have_about_half_of_the_square() -> None:
    a = Darcy(points=32, medium=TwoPhase((2.0, 1.0))).sample(40, seed=0)["coefficient"]
    assert set(a.unique().tolist()) == {1.0, 2.0}
    share = (a == 2.0).float().mean((1, 2, 3))
    assert share.mean().item() == pytest.approx(0.5, abs=0.03)
    assert share.min() > 0.3
    assert share.max() < 0.7


def test_larger_inverse_lengths_make_finer_phases() -> None:
    def interface(inverse_length: float) -> float:
        a = Darcy(points=32, medium=TwoPhase(inverse_length=inverse_length)).sample(30, seed=0)["coefficient"]
        return float((a.diff(dim=-1) != 0).float().mean())

    assert interface(2.0) < interface(5.0) < interface(15.0)


def test_log_normal_media_have_the_median_deviation_and_correlation_asked_for() -> None:
    """Matern with nu = 1/2 is exp(-r / l), away from the walls."""
    medium = LogNormal(median=2.0, deviation=0.7, correlation_length=0.1, smoothness=0.5)
    g = (Darcy(points=32, medium=medium).sample(300, seed=0)["coefficient"][:, 0] / 2).log()
    assert g.mean().item() == pytest.approx(0, abs=0.03)
    assert g.square().mean().sqrt().item() == pytest.approx(0.7, abs=0.02)
    centre = g[:, 10:22, 10:22]
    correlation = (centre[:, 3:] * centre[:, :-3]).mean() / centre.square().mean()
    assert correlation.item() == pytest.approx(math.exp(-3 / 32 / 0.1), abs=0.06)


@settings(deadline=None, max_examples=15)
@given(medium=st.sampled_from(MEDIA), seed=st.integers(0, 2**31), first=st.integers(0, 10**6))
def test_any_medium_of_any_sample_is_positive_and_its_own(medium: Medium, seed: int, first: int) -> None:
    problem = Darcy(points=16, medium=medium)
    together = problem.sample(3, seed, first)["coefficient"]
    assert together.min() > 0
    for i in range(3):
        assert torch.equal(together[i : i + 1], problem.sample(1, seed, first + i)["coefficient"])


def test_a_medium_of_one_scale_lies_between_the_products_of_its_waves() -> None:
    a = Darcy(points=32, medium=Multiscale(levels=1)).sample(20, seed=0)["coefficient"]
    assert a.min() >= 0.25
    assert a.max() <= 2.25
    assert a.max() > 1.8


def test_a_sample_is_its_own() -> None:
    together = SMALL.sample(5, seed=3)["coefficient"]
    assert not torch.equal(together, SMALL.sample(5, seed=4)["coefficient"])
    pressure = SMALL.solve({"coefficient": together})
    assert torch.equal(pressure[2:3], SMALL.solve({"coefficient": together[2:3]}))


def test_a_turned_medium_has_the_turned_pressure() -> None:
    a = SMALL.sample(2, seed=0)["coefficient"]
    turned = SMALL.solve({"coefficient": a.rot90(1, (2, 3))})
    torch.testing.assert_close(turned, SMALL.solve({"coefficient": a}).rot90(1, (2, 3)))


def test_pressure_is_positive_and_bounded_by_that_of_uniform_media() -> None:
    pressure = SMALL.solve(SMALL.sample(4, seed=1))
    alone = [SMALL.solve({"coefficient": torch.full((1, 1, 16, 16), value)}).mean() for value in (12.0, 3.0)]
    mean = pressure.mean((1, 2, 3))
    assert pressure.min() > 0
    assert (alone[0] < mean).all(), "∫ p is the compliance, which falls as a rises"
    assert (mean < alone[1]).all()


def test_the_solution_leaves_no_residual_and_any_error_does() -> None:
    inputs = Darcy(points=16, medium=LogNormal()).sample(2, seed=0)
    pressure = SMALL.solve(inputs)
    assert SMALL.residual(inputs, pressure).abs().max() < 1e-3, "pressures are rounded to float32"
    assert SMALL.residual(inputs, 1.01 * pressure).mean().item() == pytest.approx(0.01, rel=0.01)


def test_the_residual_of_a_smooth_field_converges_with_the_square_of_the_spacing() -> None:
    """A = 1 + x / 2 and p = sin πx sin πy: -div(a grad p) = 2 π² a p - π/2 cos πx sin πy; away from walls."""

    def error(n: int) -> float:
        problem = Darcy(points=n)
        x, y = problem.grid.coordinates().T.reshape(2, n, n)
        a, p = 1 + x / 2, torch.sin(math.pi * x) * torch.sin(math.pi * y)
        exact = 2 * math.pi**2 * a * p - math.pi / 2 * torch.cos(math.pi * x) * torch.sin(math.pi * y) - 1
        found = problem.residual({"coefficient": a[None, None]}, p[None, None])[0, 0]
        return float((found - exact)[1:-1, 1:-1].abs().max())

    assert math.log2(error(16) / error(32)) == pytest.approx(2, abs=0.15)


def test_the_residual_differentiates_to_coefficient_and_pressure() -> None:
    a = torch.rand(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    p = torch.rand(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, p: Darcy(points=4).residual({"coefficient": a + 1}, p), (a, p))


@pytest.mark.parametrize("medium", [TwoPhase((10.0, 5.0), inverse_length=3.0), LogNormal(2.0), Multiscale(1)])
def test_parameters_rebuild_the_problem(medium: Medium) -> None:
    problem = Darcy(points=16, medium=medium)
    assert problem_named("darcy", problem.parameters()) == problem


def test_what_is_wrong_is_named() -> None:
    a = SMALL.sample(2, seed=0)["coefficient"]
    a[1, 0, 3, 4] = -1.0
    with pytest.raises(SignatureError, match="'coefficient' of sample 1 reaches -1; it must be positive"):
        SMALL.solve({"coefficient": a})
    with pytest.raises(ValueError, match="both phases"):
        TwoPhase(contrast=(1.0, 0.0))
    with pytest.raises(ValueError, match=r"exponent 1\.0 over 1"):
        TwoPhase(exponent=1.0)
    with pytest.raises(ValueError, match=r"less than two of the grid's spacings, 0\.25"):
        Darcy(points=4, medium=LogNormal())
    with pytest.raises(ValueError, match=r"6 levels have waves of 0\.01389.*take at least 216 points, or fewer levels"):
        Darcy(points=64, medium=Multiscale(levels=6))
    with pytest.raises(DataError, match="medium"):
        problem_named("darcy", {"medium": {"kind": "three_phase"}})
