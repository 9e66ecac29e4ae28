"""Ritz pairs: against dense eigenvalues, `eigsh` and the analytic ones; no ghosts, no null vectors."""

import math

import numpy as np
import torch
from scipy.sparse.linalg import eigsh

from fredholm.solvers.box_poisson import BoxPoisson
from fredholm.solvers.finite_volume_diffusion import CLOSED
from fredholm.solvers.lanczos import ritz_pairs


def test_extreme_ritz_values_are_eigenvalues() -> None:
    n = 32
    system = BoxPoisson((n, n))
    ritz = ritz_pairs(system, 220, seed=1)
    assert abs(float(ritz.values[0]) / (8 * math.sin(math.pi / (2 * (n + 1))) ** 2) - 1) < 1e-6
    largest = eigsh(system.matrix(), k=1, return_eigenvectors=False)[0]
    assert abs(float(ritz.values[-1]) / largest - 1) < 1e-6


def test_vectors_are_orthonormal_and_no_value_comes_twice() -> None:
    """More steps than unknowns have distinct eigenvalues: without re-orthogonalisation ghosts would appear."""
    solid = torch.zeros(12, 15, dtype=torch.bool)
    solid[3:5, 4:8] = True
    system = BoxPoisson((12, 15), solid=solid)
    ritz = ritz_pairs(system, 180)
    flat = ritz.vectors.flatten(1)
    torch.testing.assert_close(flat @ flat.t(), torch.eye(len(flat), dtype=torch.float64), atol=1e-12, rtol=0)
    # the space is exhausted: Ritz values are eigenvalues, each once, and the residuals vanish
    dense = np.linalg.eigvalsh(system.matrix().toarray())
    distinct = np.unique(dense[dense > 1e-8].round(7))
    np.testing.assert_allclose(ritz.values.numpy(), distinct, atol=1e-6)
    left = system(ritz.vectors) - ritz.values[:, None, None] * ritz.vectors
    assert float(left.abs().max()) < 1e-7
    assert float(ritz.vectors[:, solid].abs().max()) < 1e-12


def test_the_constant_of_a_closed_box_is_left_out() -> None:
    ritz = ritz_pairs(BoxPoisson((6, 7), [(CLOSED, CLOSED)] * 2), 60)
    assert float(ritz.values[0]) > 1e-3
    assert float(ritz.vectors.flatten(1).sum(1).abs().max()) < 1e-9
