"""Forward operators have true adjoints; noise has the moments that it says."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import InverseProblemError, OperatorShapeError
from fredholm.inverse import (
    CircularConvolution,
    Composition,
    Flattened,
    GaussianBlur,
    GaussianNoise,
    Gradient,
    IdentityOperator,
    Mask,
    MotionBlur,
    PoissonNoise,
    Subsampling,
    random_measurements,
)
from fredholm.solvers.linear_operator import LinearOperator, MatrixOperator

SHAPE = (10, 9)
OPERATORS: list[LinearOperator] = [
    GaussianBlur(SHAPE, 1.3, 5),
    MotionBlur(SHAPE, 5, 30),
    Gradient(SHAPE),
    Gradient((4, 3, 5)),
    Mask.random(SHAPE, 0.4, 0),
    Subsampling.random(SHAPE, 0.4, 0),
    random_measurements(SHAPE, 7, 0),
    Flattened(MatrixOperator(torch.arange(12.0).reshape(2, 6)), (2, 3)),
    IdentityOperator(SHAPE),
    Composition(Subsampling.random(SHAPE, 0.5, 1), MotionBlur(SHAPE, 3, 80), GaussianBlur(SHAPE, 1.0, 3)),
]


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: type(operator).__name__)
def test_adjoints_are_true(operator: LinearOperator) -> None:
    assert operator.adjoint_defect() < 1e-13


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**16))
def test_any_kernel_has_a_true_adjoint_and_is_a_sum(rows: int, columns: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    kernel = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    operator = CircularConvolution(kernel, (7, 6))
    assert operator.adjoint_defect(seed) < 1e-12
    x = torch.randn(7, 6, generator=generator, dtype=torch.float64)
    direct = sum(
        kernel[i, j] * x.roll((i - rows // 2, j - columns // 2), (0, 1)) for i in range(rows) for j in range(columns)
    )
    torch.testing.assert_close(operator(x), direct)


def test_the_adjoint_of_motion_is_motion_backwards() -> None:
    there, back = MotionBlur((12, 12), 5, 30), MotionBlur((12, 12), 5, 210)
    x = torch.rand(12, 12, dtype=torch.float64)
    torch.testing.assert_close(there.adjoint(x), back(x))  # a segment is symmetric about its middle
    assert float((there(x) - MotionBlur((12, 12), 5, 120)(x)).abs().max()) > 1e-2
    assert float(there(torch.ones(12, 12)).sub(1).abs().max()) < 1e-6


def test_a_wide_gaussian_filters_by_its_transform() -> None:
    n, sigma = 64, 3.0
    wave = torch.cos(2 * math.pi * 4 * torch.arange(n, dtype=torch.float64) / n)
    damped = GaussianBlur((n,), sigma)(wave)
    torch.testing.assert_close(damped, wave * math.exp(-((2 * math.pi * 4 / n * sigma) ** 2) / 2), atol=1e-4, rtol=0)


def test_tikhonov_solves_its_normal_equations() -> None:
    blur, y = MotionBlur(SHAPE, 5, 30), torch.rand(2, *SHAPE, dtype=torch.float64)
    x = blur.tikhonov(y, 0.2)
    torch.testing.assert_close(blur.adjoint(blur(x)) + 0.04 * x, blur.adjoint(y))
    with pytest.raises(OperatorShapeError, match="data of a blur"):
        blur.tikhonov(y[..., :4], 0.2)
    with pytest.raises(ValueError, match="take a positive one"):
        CircularConvolution(torch.tensor([0.5, 0.0, 0.5]), (4,)).tikhonov(torch.ones(4), 0.0)


def test_noise_has_its_moments() -> None:
    generator, clean = torch.Generator().manual_seed(0), torch.full((200_000,), 0.5, dtype=torch.float64)
    gaussian, counts = GaussianNoise(0.2)(clean, generator), PoissonNoise(50.0)(clean, generator)
    assert float(gaussian.std()) == pytest.approx(0.2, rel=0.02)
    assert float(counts.mean()) == pytest.approx(0.5, rel=0.005)
    assert float(counts.var()) == pytest.approx(0.5 / 50, rel=0.02)
    with pytest.raises(InverseProblemError, match="not negative, got -1"):
        GaussianNoise(-1.0)
    with pytest.raises(InverseProblemError, match="peak of Poisson noise"):
        PoissonNoise(0.0)


def test_what_does_not_fit_together_is_named() -> None:
    with pytest.raises(OperatorShapeError, match=r"Mask takes \(3,\), and GaussianBlur before it gives \(5,\)"):
        Composition(Mask(torch.ones(3, dtype=torch.bool)), GaussianBlur((5,), 1.0, 3))
    with pytest.raises(OperatorShapeError, match="4 columns"):
        Flattened(MatrixOperator(torch.ones(1, 4)), (3, 3))
    with pytest.raises(OperatorShapeError, match="does not fit"):
        CircularConvolution(torch.ones(5), (4,))
    with pytest.raises(OperatorShapeError, match="input of a linear operator"):
        GaussianBlur(SHAPE, 1.0, 3)(torch.zeros(9, 10))
