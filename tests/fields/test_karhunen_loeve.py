"""The expansion gives back the covariance; its functions solve the integral equation; their signs are told."""

import numpy as np
import pytest
import torch

from fredholm.fields.karhunen_loeve import karhunen_loeve


def covariance(x: torch.Tensor, length: float) -> torch.Tensor:
    return torch.exp(-((x[:, None] - x) ** 2) / (2 * length**2))


@pytest.mark.parametrize("length", [0.05, 0.3, 2.0])
def test_all_terms_together_have_the_covariance(length: float) -> None:
    x = torch.linspace(0, 1, 17, dtype=torch.float64)
    modes = karhunen_loeve(torch.tensor([length]), x, terms=50)[0]
    torch.testing.assert_close(modes.T @ modes, covariance(x, length), atol=1e-6, rtol=0)


def test_functions_solve_the_integral_equation() -> None:
    """∫ k φᵢ = λᵢ φᵢ and ∫ φᵢ φⱼ = δᵢⱼ, by a quadrature that is not the method's own."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    x, w = torch.from_numpy((nodes + 1) / 2), torch.from_numpy(weights / 2)
    modes = karhunen_loeve(torch.tensor([0.4], dtype=torch.float64), x, terms=6)[0]
    gram = (modes * w) @ modes.T
    eigenvalues = gram.diagonal()
    torch.testing.assert_close(gram, torch.diag(eigenvalues), atol=1e-12, rtol=0)
    assert (eigenvalues.diff() < 0).all()
    applied = (modes * w) @ covariance(x, 0.4)
    torch.testing.assert_close(applied, eigenvalues[:, None] * modes, atol=1e-12, rtol=0)


def test_each_length_has_its_own_functions_positive_at_zero() -> None:
    x = torch.linspace(0, 1, 5, dtype=torch.float64)
    both = karhunen_loeve(torch.tensor([0.5, 1.5]), x, terms=4)
    assert torch.equal(both[1:], karhunen_loeve(torch.tensor([1.5]), x, terms=4))
    assert (both[:, :, 0] > 0).all()


def test_terms_below_rounding_are_zero() -> None:
    modes = karhunen_loeve(torch.tensor([2.0]), torch.linspace(0, 1, 5, dtype=torch.float64), terms=20)
    assert torch.equal(modes[0, -1], torch.zeros(5, dtype=torch.float64))


def test_what_the_quadrature_does_not_resolve_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be at least 0\.05, got 0\.01"):
        karhunen_loeve(torch.tensor([0.01]), torch.linspace(0, 1, 5), terms=2)
    with pytest.raises(ValueError, match=r"terms must lie in 1, \.\.\., 64, got 65"):
        karhunen_loeve(torch.tensor([0.1]), torch.linspace(0, 1, 5), terms=65)
