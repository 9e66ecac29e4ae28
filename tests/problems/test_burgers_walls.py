"""Burgers' equation between walls, against its exact solution by the Cole-Hopf transform."""

import math

import pytest
import torch

from fredholm.problems.burgers_walls import BurgersWalls
from fredholm.problems.media import PlaneWaves


def test_it_is_the_exact_solution() -> None:
    """u = -2ν φₓ / φ with φ = 1 + c cos(πx) exp(-ν π² t) vanishes at x = ±1."""
    problem = BurgersWalls(points=129, times=6, viscosity=0.1)
    x, t = problem.output_domain.coordinates().T
    decay = 0.8 * torch.exp(-0.1 * math.pi**2 * t)
    exact = 0.2 * math.pi * decay * torch.sin(math.pi * x) / (1 + decay * torch.cos(math.pi * x))
    exact = exact.reshape(1, 1, 129, 6)
    found = problem.solve({"initial": exact[..., 0].float()})
    torch.testing.assert_close(found.double(), exact, atol=2e-6, rtol=0)


def test_walls_stand_and_energy_falls() -> None:
    problem = BurgersWalls(points=129, times=11)
    u = problem.solve(problem.sample(5, seed=0))[:, 0]
    assert float(u[:, [0, -1]].abs().max()) < 1e-6
    energy = u.square().sum(1)
    assert bool((energy.diff(dim=1) < 0).all())


def test_a_sample_has_its_deviation_and_does_not_depend_on_others() -> None:
    problem = BurgersWalls(times=2)
    many = problem.sample(400, seed=0)["initial"]
    assert float(many.square().mean().sqrt()) == pytest.approx(0.5, rel=0.1)
    assert torch.equal(many[7:9], problem.sample(2, seed=0, first=7)["initial"])


def test_coarse_grids_are_refused() -> None:
    with pytest.raises(ValueError, match=r"take at least \d+ points"):
        BurgersWalls(points=33)
    with pytest.raises(ValueError, match="an offset over 2"):
        PlaneWaves(offset=1.0)
