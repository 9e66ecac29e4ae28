"""The problem `poisson-obstacles`: fluid that reaches the walls, pressure in it, its equation, in 2-D and 3-D."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import SignatureError, SolverError
from fredholm.problems import Balls, Boxes, PoissonObstacles, Stars, problem_named
from fredholm.problems.obstacles import Obstacle

FLAT, SOLID = PoissonObstacles(points=20), PoissonObstacles(points=13, dimension=3, correlation_length=0.2)
KINDS: list[Obstacle] = [Balls(), Boxes(), Stars()]


@settings(deadline=None, max_examples=15)
@given(problem=st.sampled_from([FLAT, SOLID]), seed=st.integers(0, 2**31), first=st.integers(0, 10**6))
def test_every_sample_can_be_solved_and_is_its_own(problem: PoissonObstacles, seed: int, first: int) -> None:
    together = problem.sample(2, seed, first)
    mask = together["mask"]
    assert ((mask == 0) | (mask == 1)).all()
    assert mask.mean() > 0.3
    assert (together["source"][mask == 0] == 0).all()
    assert torch.isfinite(problem.solve(together)).all()
    for name, values in problem.sample(1, seed, first + 1).items():
        assert torch.equal(together[name][1:], values)


@settings(deadline=None, max_examples=15)
@given(kind=st.sampled_from(KINDS), dimension=st.sampled_from([2, 3]), seed=st.integers(0, 2**31))
def test_obstacles_keep_away_from_the_walls(kind: Obstacle, dimension: int, seed: int) -> None:
    """By the margin, less what stars reach beyond their radius."""
    axis = torch.linspace(0, 1, 15, dtype=torch.float64)
    points = torch.cartesian_prod(*[axis] * dimension)
    covered = points[kind.covers(points, torch.Generator().manual_seed(seed))]
    reach = 0.05 if isinstance(kind, Stars) else -0.05
    assert (covered >= -reach).all()
    assert (covered <= 1 + reach).all()


@pytest.mark.parametrize("problem", [FLAT, SOLID])
def test_the_solution_leaves_no_residual(problem: PoissonObstacles) -> None:
    inputs = problem.sample(6, seed=0)
    pressure = problem.solve(inputs)
    assert problem.residual(inputs, pressure).abs().max() < 1e-3
    assert (pressure[inputs["mask"] == 0] == 0).all()


def test_obstacles_turn_with_the_pressure() -> None:
    inputs = FLAT.sample(2, seed=1)
    turned = {name: values.rot90(1, (2, 3)) for name, values in inputs.items()}
    torch.testing.assert_close(FLAT.solve(turned), FLAT.solve(inputs).rot90(1, (2, 3)), rtol=1e-4, atol=1e-6)


def test_parameters_rebuild_the_problem() -> None:
    problem = PoissonObstacles(points=20, obstacles=(Stars(radius=(0.1, 0.2)), Balls((2, 3))))
    assert problem_named("poisson-obstacles", problem.parameters()) == problem


def test_what_is_wrong_is_named() -> None:
    inputs = FLAT.sample(2, seed=0)
    inputs["mask"] = torch.ones_like(inputs["mask"])
    inputs["mask"][1, 0, 5:12, 5:12] = 0
    inputs["mask"][1, 0, 8, 8] = 1
    inputs["source"] = torch.ones_like(inputs["source"])
    with pytest.raises(SolverError, match="sample 1 "):
        FLAT.solve(inputs)
    with pytest.raises(SignatureError, match=r"'mask' holds 0\.5"):
        FLAT.solve({**inputs, "mask": 0.5 * torch.ones_like(inputs["mask"])})
    with pytest.raises(ValueError, match="2 or 3 dimensions"):
        PoissonObstacles(dimension=4)
    with pytest.raises(ValueError, match="narrower than two of 8 cells"):
        PoissonObstacles(points=8, obstacles=(Balls(radius=(0.05, 0.1)),))
