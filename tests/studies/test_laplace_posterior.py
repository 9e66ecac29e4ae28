"""The closed forms against which proximal networks are held, by quadrature of the posterior."""

import torch

from fredholm.studies.learned_proximal_networks import _posterior_mean, _posterior_median


def test_mean_and_median_of_a_laplace_value_under_noise() -> None:
    y = torch.linspace(-4, 4, 33, dtype=torch.float64)
    x = torch.linspace(-14, 14, 56_001, dtype=torch.float64)
    density = torch.exp(-x.abs() - (x - y[:, None]).square() / 2)
    total = density.sum(1)
    torch.testing.assert_close(_posterior_mean(y), (density @ x) / total, atol=1e-6, rtol=0)
    half = x[(density.cumsum(1) < total[:, None] / 2).sum(1)]
    torch.testing.assert_close(_posterior_median(y), half, atol=1e-3, rtol=0)
