"""Conjugate gradients: finite termination, samples apart, scale does not matter, refusal of what is singular."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import SolverError
from fredholm.solvers.conjugate_gradients import conjugate_gradients


def matrices(seed: int, eigenvalues: list[float], n: int = 12) -> np.ndarray:
    """Two symmetric matrices of these eigenvalues, repeated."""
    rng = np.random.default_rng(seed)
    diagonal = np.resize(eigenvalues, n)
    bases = [np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2)]
    return np.stack([(q * diagonal) @ q.T for q in bases])


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), distinct=st.integers(1, 5))
def test_as_many_iterations_as_distinct_eigenvalues(seed: int, distinct: int) -> None:
    a = matrices(seed, [1.0 + 3 * k for k in range(distinct)])
    b = np.random.default_rng(seed).normal(size=(2, 12))
    solved = conjugate_gradients(lambda x: np.einsum("nij,nj->ni", a, x), b, tolerance=1e-9)
    assert solved.iterations <= distinct
    np.testing.assert_allclose(np.einsum("nij,nj->ni", a, solved.values), b, atol=1e-8)


def test_the_inverse_as_preconditioner_takes_one_iteration() -> None:
    a = matrices(0, [1.0, 10.0, 100.0])
    b = np.random.default_rng(0).normal(size=(2, 12))
    inverse = np.linalg.inv(a)
    solved = conjugate_gradients(
        lambda x: np.einsum("nij,nj->ni", a, x), b, lambda r: np.einsum("nij,nj->ni", inverse, r), tolerance=1e-9
    )
    assert solved.iterations == 1


def test_samples_do_not_touch_each_other() -> None:
    """One that is solved at once, being zero, beside one that is not; and the same one ten orders smaller."""
    a = matrices(1, [1.0, 2.0, 5.0])
    b = np.random.default_rng(1).normal(size=(2, 12))

    def values(right: np.ndarray) -> np.ndarray:
        return conjugate_gradients(lambda x: np.einsum("nij,nj->ni", a, x), right).values

    both = values(b)
    b[0] = 0
    assert (values(b)[0] == 0).all()
    np.testing.assert_allclose(values(b)[1], both[1], rtol=1e-9)
    np.testing.assert_allclose(values(1e-10 * b)[1], 1e-10 * both[1], rtol=1e-9)


def test_a_singular_system_is_told() -> None:
    a = matrices(2, [0.0, 1.0])
    with pytest.raises(SolverError, match=r"sample 0 .* is it singular\?"):
        conjugate_gradients(lambda x: np.einsum("nij,nj->ni", a, x), np.ones((2, 12)), limit=50)
