"""The problem `darcy`: two phases of equal share, reproducible, equivariant; refusals that name what is wrong."""

import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.problems import Darcy, problem_named

SMALL = Darcy(points=16)


def test_both_phases_have_about_half_of_the_square() -> None:
    a = Darcy(points=32, contrast=(2.0, 1.0)).sample(40, seed=0)["coefficient"]
    assert set(a.unique().tolist()) == {1.0, 2.0}
    share = (a == 2.0).float().mean((1, 2, 3))
    assert share.mean().item() == pytest.approx(0.5, abs=0.03)
    assert share.min() > 0.3
    assert share.max() < 0.7


def test_larger_inverse_lengths_make_finer_phases() -> None:
    def interface(inverse_length: float) -> float:
        a = Darcy(points=32, inverse_length=inverse_length).sample(30, seed=0)["coefficient"]
        return float((a.diff(dim=-1) != 0).float().mean())

    assert interface(2.0) < interface(5.0) < interface(15.0)


def test_a_sample_is_its_own() -> None:
    together = SMALL.sample(5, seed=3)["coefficient"]
    assert torch.equal(together[2:4], SMALL.sample(2, seed=3, first=2)["coefficient"])
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


def test_parameters_rebuild_the_problem() -> None:
    problem = Darcy(points=8, contrast=(10.0, 5.0), inverse_length=3.0)
    assert problem_named("darcy", problem.parameters()) == problem


def test_what_is_wrong_is_named() -> None:
    a = SMALL.sample(2, seed=0)["coefficient"]
    a[1, 0, 3, 4] = -1.0
    with pytest.raises(SignatureError, match="'coefficient' of sample 1 reaches -1; it must be positive"):
        SMALL.solve({"coefficient": a})
    with pytest.raises(ValueError, match="both phases"):
        Darcy(contrast=(1.0, 0.0))
    with pytest.raises(ValueError, match=r"exponent 1\.0 over 1"):
        Darcy(exponent=1.0)
