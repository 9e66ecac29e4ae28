"""Random fields have the covariance they state, and a sample does not depend on its neighbours."""

import math

import pytest
import torch

from fredholm.fields import Axis, Grid, NeumannGaussianField, PeriodicGaussianField, RBFGaussianField

CIRCLE = Grid(Axis("x", 0, 2.0, 16, periodic=True))
TORUS = Grid(Axis("x", 0, 1, 6, periodic=True), Axis("y", 0, 2, 8, periodic=True))
LINE = Grid(Axis("x", 0, 1, 17))
FIELDS = [
    PeriodicGaussianField(CIRCLE, exponent=1.5, inverse_length=3.0, scale=2.0),
    PeriodicGaussianField(TORUS, exponent=2.0, inverse_length=5.0),
    NeumannGaussianField(LINE, exponent=2.0, inverse_length=3.0, scale=9.0),
]


def generators(n: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(i) for i in range(n)]


@pytest.mark.parametrize("field", FIELDS)
def test_empirical_covariance_is_the_stated_one(field: PeriodicGaussianField) -> None:
    n = 20000
    values = field.sample(n, torch.Generator().manual_seed(0)).flatten(1)
    stated = field.covariance()
    assert (values.T @ values / n - stated).abs().max() < 6 * stated.max() / math.sqrt(n)


def test_periodic_covariance_is_the_fourier_series() -> None:
    field = FIELDS[0]
    x = CIRCLE.coordinates()[:, 0]
    exact = torch.zeros(16, 16, dtype=torch.float64)
    for order in range(9):
        k = math.pi * order  # 2 π order / 2
        modes = 1 if order in (0, 8) else 2  # the Nyquist mode is one cosine
        exact += modes * 4.0 * (k**2 + 9.0) ** -1.5 * torch.cos(k * (x[:, None] - x)) / 2
    torch.testing.assert_close(field.covariance(), exact, atol=1e-12, rtol=0)


def test_periodic_fields_are_homogeneous() -> None:
    covariance = FIELDS[1].covariance()
    torch.testing.assert_close(covariance.diagonal(), covariance.diagonal()[:1].expand(48), atol=1e-14, rtol=1e-10)


def test_kernel_fields() -> None:
    field, x = RBFGaussianField(0.3), torch.linspace(0, 1, 9)
    values = field.sample(20000, torch.Generator().manual_seed(0), x)
    assert (values.T @ values / 20000 - field.covariance(x)).abs().max() < 0.05
    assert field.covariance(x)[0, 3].item() == pytest.approx(math.exp(-(0.375**2) / (2 * 0.09)))


def test_a_sample_is_its_generator_s_alone() -> None:
    for field in FIELDS:
        assert torch.equal(field.sample_each(generators(5))[3], field.sample_each(generators(4)[3:])[0])
    kernel, x = RBFGaussianField(0.2), torch.linspace(0, 1, 50)
    assert torch.equal(kernel.sample_each(generators(5), x)[3], kernel.sample_each(generators(4)[3:], x)[0])


def test_one_noise_is_one_function_wherever_it_is_evaluated() -> None:
    kernel = RBFGaussianField(0.2)
    coarse, fine = (kernel.sample_each(generators(2), torch.linspace(0, 1, n)) for n in (11, 101))
    torch.testing.assert_close(coarse, fine[:, ::10], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PeriodicGaussianField(LINE, 2.0, 3.0), "axis 'x' is not periodic"),
        (lambda: NeumannGaussianField(CIRCLE, 2.0, 3.0), "axis 'x' is periodic"),
        (lambda: PeriodicGaussianField(TORUS, 1.0, 3.0), "infinite variance"),
        (lambda: RBFGaussianField(-1.0), "must be positive"),
    ],
)
def test_impossible_fields_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]
