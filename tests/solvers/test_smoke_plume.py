"""Smoke past obstacles: no divergence after projection, mirror symmetry, nothing in solids, residual is divergence."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import splu

from fredholm.errors import OperatorShapeError
from fredholm.solvers.box_poisson import BoxPoisson
from fredholm.solvers.flexible_directions import dcdm
from fredholm.solvers.incomplete_cholesky import IncompleteCholesky
from fredholm.solvers.smoke_plume import SmokePlume, divergence


def plume(n: int = 24) -> tuple[SmokePlume, BoxPoisson]:
    y, x = (np.mgrid[:n, :n] + 0.5) / n
    solid = (y - 0.55) ** 2 + (x - 0.5) ** 2 < 0.13**2
    return SmokePlume(solid, (abs(y - 0.15) < 0.06) & (abs(x - 0.5) < 0.1)), BoxPoisson(
        (n, n), solid=torch.from_numpy(solid)
    )


def direct(system: BoxPoisson) -> Callable[[np.ndarray], np.ndarray]:
    kept = system.fluid.numpy().ravel().nonzero()[0]
    factors = splu(system.matrix()[kept][:, kept].tocsc())

    def solve(b: np.ndarray) -> np.ndarray:
        pressure = np.zeros(b.size)
        pressure[kept] = factors.solve(b.ravel()[kept])
        return pressure.reshape(b.shape)

    return solve


def test_projection_leaves_no_divergence_and_no_flow_through_solids() -> None:
    smoke, system = plume()
    state, sides = smoke.run(20, direct(system))
    assert abs(divergence(state)).max() < 1e-13
    assert abs(sides[-1]).max() > 1e-2  # there was something to take away
    assert (state.across[:, :-1][smoke.solid] == 0).all()
    assert (state.upward[1:][smoke.solid] == 0).all()
    assert (state.density[smoke.solid] == 0).all()
    assert state.density.min() >= 0
    assert state.density.max() <= 1 + 1e-12


def test_a_plume_is_symmetric_and_rises() -> None:
    smoke, system = plume()
    state, _ = smoke.run(15, direct(system))
    np.testing.assert_allclose(state.density, state.density[:, ::-1], atol=1e-10)
    np.testing.assert_allclose(state.across, -state.across[:, ::-1], atol=1e-10)
    assert state.upward[6, 11] > 0.4


def test_the_residual_of_the_pressure_is_the_divergence_that_is_left() -> None:
    smoke, system = plume()
    factor, left = IncompleteCholesky(system.matrix()), []

    def solve(b: np.ndarray) -> np.ndarray:
        solution = dcdm(system, b, factor, rtol=1e-3)
        left.append(b - (system.matrix() @ solution.x.ravel()).reshape(b.shape))
        return solution.x

    state, _ = smoke.run(5, solve)
    np.testing.assert_allclose(-divergence(state), left[-1], atol=1e-12)


def test_masks_of_different_shapes_are_refused() -> None:
    with pytest.raises(OperatorShapeError, match="must be one box"):
        SmokePlume(np.zeros((4, 4), bool), np.zeros((4, 5), bool))
