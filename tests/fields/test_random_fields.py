"""Random fields have the covariance they state, and a sample does not depend on its neighbours."""

import math

import pytest
import torch

from fredholm.fields import Axis, Grid, NeumannGaussianField, PeriodicGaussianField, RBFGaussianField

CIRCLE = Grid(Axis("x", 0, 2.0, 16, periodic=True))
TORUS = Grid(Axis("x", 0, 1, 6, periodic=True), Axis("y", 0, 2, 8, periodic=True))
LINE = Grid(Axis("x", 0, 1, 17))
MASKED = Grid(Axis("x", 0, 1, 3), mask=torch.tensor([True, True, False]))
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


def test_neumann_covariance_is_the_cosine_series() -> None:
    length, n = 1.5, 12
    grid = Grid(Axis("x", 0, length, n + 1))
    x = grid.coordinates()[:, 0]
    exact = torch.zeros(n + 1, n + 1, dtype=torch.float64)
    for order in range(n + 1):
        k = math.pi * order / length
        square = 1 / length if order in (0, n) else 2 / length  # the last mode alternates: its square is 1 at points
        exact += square * 4.0 * (k**2 + 9.0) ** -1.5 * torch.outer(torch.cos(k * x), torch.cos(k * x))
    field = NeumannGaussianField(grid, exponent=1.5, inverse_length=3.0, scale=2.0)
    torch.testing.assert_close(field.covariance(), exact, atol=1e-12, rtol=0)


def test_variance_does_not_depend_on_the_resolution() -> None:
    def middle(size: int) -> float:
        field = NeumannGaussianField(Grid(Axis("x", 0, 1, size)), exponent=3.0, inverse_length=2.0)
        return float(field.covariance()[size // 2, size // 2])

    assert middle(17) == pytest.approx(middle(65), rel=1e-5)


@pytest.mark.parametrize("length", [0.1, 0.3, 2.0])
def test_kernel_fields(length: float) -> None:
    n, x = 20000, torch.linspace(0, 1, 9)
    field = RBFGaussianField(length, resolution=60)
    values, stated = field.sample(n, torch.Generator().manual_seed(0), x), field.covariance(x)
    assert (values.T @ values / n - stated).abs().max() < 6 / math.sqrt(n)
    assert stated[0, 3].item() == pytest.approx(math.exp(-(0.375**2) / (2 * length**2)))


def test_a_sample_is_its_generator_s_alone() -> None:
    for field in FIELDS:
        assert torch.equal(field.sample_each(generators(5))[3], field.sample_each(generators(4)[3:])[0])
        assert torch.equal(field.sample_each(generators(5))[:3], field.sample_each(generators(3)))
        seeded = [field.sample(4, torch.Generator().manual_seed(7)) for _ in range(2)]
        assert torch.equal(*seeded)
    kernel, x = RBFGaussianField(0.2), torch.linspace(0, 1, 50)
    assert torch.equal(kernel.sample_each(generators(5), x)[:3], kernel.sample_each(generators(3), x))
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
        (lambda: PeriodicGaussianField(CIRCLE, 2.0, 0.0), "inverse length 0.0 and scale 1.0 must be positive"),
        (lambda: NeumannGaussianField(MASKED, 2.0, 3.0), "without its mask"),
        (lambda: RBFGaussianField(-1.0), "must be positive"),
        (lambda: RBFGaussianField(math.nan), "must be positive"),
        (lambda: RBFGaussianField(0.01, 50), "take a resolution of at least 201"),
        (
            lambda: RBFGaussianField(0.2).sample(1, torch.Generator(), torch.tensor([0.5, 1.5])),
            r"point 1 \(x = 1.5\) lies outside",
        ),
    ],
)
def test_impossible_fields_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]
