"""Derivatives of observed values by the adjoint method."""

import numpy as np

from fredholm.solvers.diffusion_sensitivity import ObservedDiffusion
from fredholm.solvers.finite_volume_diffusion import FiniteVolumeDiffusion, Wall


def test_the_jacobian_is_that_of_differences() -> None:
    random = np.random.default_rng(0)
    walls = ((Wall(value=1.0), Wall(transfer=2.0)), (Wall(), Wall(transfer=0.0)))
    observed = ObservedDiffusion(
        FiniteVolumeDiffusion((1.0, 2.0), walls), random.random((4, 3)), random.random((5, 12))
    )
    a = 1 + random.random((4, 3))
    values, jacobian = observed.linearised(a)
    for cell in range(12):
        step = np.zeros(12)
        step[cell] = 1e-5
        up, down = (observed.linearised(a + sign * step.reshape(4, 3))[0] for sign in (1, -1))
        np.testing.assert_allclose(jacobian[:, cell], (up - down) / 2e-5, rtol=1e-5, atol=1e-8)
    assert values.shape == (5,)


def test_observed_values_are_those_of_the_solver() -> None:
    a, f = np.full((6, 6), 2.0), np.ones((6, 6))
    solver = FiniteVolumeDiffusion((1.0, 1.0))
    values, _ = ObservedDiffusion(solver, f, np.eye(36)).linearised(a)
    np.testing.assert_allclose(values, solver.solve(a[None], f[None]).ravel(), rtol=1e-10)
