"""Bases are orthonormal on every grid, and their transforms are those of the textbooks."""

import numpy as np
import pytest
import scipy.fft
import torch

from fredholm.errors import SignatureError
from fredholm.fields import Axis
from fredholm.layers.transform_bases import (
    Cosine,
    NodalCosine,
    NodalSine,
    RealFourier,
    Sine,
    TransformBasis,
    analysed,
    basis_for,
    mean_square,
    synthesised,
)

LIKE = torch.zeros(1, dtype=torch.float64)
BASES = [RealFourier(), Cosine(), Sine(), NodalCosine(), NodalSine()]
EVERY = pytest.mark.parametrize("basis", BASES, ids=lambda basis: type(basis).__name__)
EXACT = {"rtol": 0, "atol": 1e-12}


@EVERY
@pytest.mark.parametrize("points", [7, 8, 33])
def test_functions_are_orthonormal_up_to_the_last(basis: TransformBasis, points: int) -> None:
    modes = basis.capacity(points)
    functions, analysis = basis.functions(points, modes, like=LIKE), basis.analysis(points, modes, like=LIKE)
    torch.testing.assert_close(analysis @ functions, torch.eye(modes, dtype=torch.float64), **EXACT)
    assert float(basis.weights(points, like=LIKE).sum()) == pytest.approx(1)


@EVERY
def test_parseval(basis: TransformBasis) -> None:
    u = torch.randn(3, 2, 9, 12, dtype=torch.float64)
    if isinstance(basis, NodalSine):
        u[..., [0, -1], :] = 0
        u[..., [0, -1]] = 0
    modes = [basis.capacity(points) for points in (9, 12)]
    coefficients = analysed(u, [basis, basis], modes)
    torch.testing.assert_close(coefficients.square().sum((-2, -1)), mean_square(u, [basis, basis]), **EXACT)
    torch.testing.assert_close(synthesised(coefficients, [basis, basis], (9, 12)), u, **EXACT)


@pytest.mark.parametrize("points", [8, 9])
def test_matrices_are_the_orthonormal_transforms_of_scipy(points: int) -> None:
    """Coefficients of functions times the root of the number of points are those of vectors."""
    u = torch.randn(points, dtype=torch.float64)
    root = points**0.5
    cosine = root * Cosine().analysis(points, points, like=LIKE) @ u
    torch.testing.assert_close(cosine, torch.from_numpy(scipy.fft.dct(u.numpy(), type=2, norm="ortho")), **EXACT)
    sine = root * Sine().analysis(points, points, like=LIKE) @ u
    torch.testing.assert_close(sine, torch.from_numpy(scipy.fft.dst(u.numpy(), type=2, norm="ortho")), **EXACT)
    inner = u[1:-1]
    nodal = NodalSine().analysis(points, points - 2, like=LIKE)[:, 1:-1] @ inner
    expected = torch.from_numpy(scipy.fft.dst(inner.numpy(), type=1, norm="ortho"))
    torch.testing.assert_close((points - 1) ** 0.5 * nodal, expected, **EXACT)
    first = NodalCosine().analysis(points, points, like=LIKE) @ u
    factor = np.full(points, 2**0.5 / 2 / (points - 1))
    factor[[0, -1]] /= 2**0.5
    torch.testing.assert_close(first, torch.from_numpy(factor * scipy.fft.dct(u.numpy(), type=1)), **EXACT)


def test_real_fourier_coefficients_are_parts_of_the_complex_ones() -> None:
    u = torch.randn(12, dtype=torch.float64)
    complex_ones = torch.fft.rfft(u, norm="forward")
    ours = RealFourier().analysis(12, 12, like=LIKE) @ u
    torch.testing.assert_close(ours[1:11:2], 2**0.5 * complex_ones[1:6].real, **EXACT)
    torch.testing.assert_close(ours[2:11:2], -(2**0.5) * complex_ones[1:6].imag, **EXACT)
    torch.testing.assert_close(ours[[0, 11]], complex_ones[[0, 6]].real, **EXACT)


def test_several_axes_are_transformed_each_by_its_own_basis() -> None:
    u = torch.randn(2, 6, 10, 8, dtype=torch.float64)
    bases = [RealFourier(), Cosine(), Sine()]
    coefficients = analysed(u, bases, [5, 4, 3])
    matrices = [b.analysis(n, m, like=LIKE) for b, n, m in zip(bases, (6, 10, 8), (5, 4, 3), strict=True)]
    torch.testing.assert_close(coefficients, torch.einsum("bxyz,ix,jy,kz->bijk", u, *matrices), **EXACT)


@pytest.mark.parametrize(
    ("basis", "function", "rate"),
    [
        (RealFourier(), lambda x: torch.exp(torch.sin(2 * torch.pi * x)), 8.0),
        (NodalCosine(), lambda x: torch.exp(torch.cos(torch.pi * x)), 8.0),
        (NodalSine(), lambda x: torch.sin(torch.pi * x) * torch.exp(torch.cos(torch.pi * x)), 8.0),
        (Cosine(), torch.exp, 2.0),
        (NodalCosine(), torch.exp, 2.0),
    ],
    ids=["fourier", "nodal cosine", "nodal sine", "cosine of a slope", "nodal cosine of a slope"],
)
def test_coefficients_on_finer_grids_converge(basis: TransformBasis, function, rate: float) -> None:
    """Spectrally where the ends suit, else at the order of the quadrature."""

    def coefficients(points: int) -> torch.Tensor:
        i = torch.arange(points, dtype=torch.float64)
        x = i / points if isinstance(basis, RealFourier) else i / (points - 1)
        x = (i + 0.5) / points if isinstance(basis, Cosine) else x
        return basis.analysis(points, 5, like=LIKE) @ function(x)

    exact = coefficients(2049)
    coarse, fine = (float((coefficients(points) - exact).abs().max()) for points in (16, 32))
    assert coarse / max(fine, 1e-15) >= 2**rate * 0.8 or fine < 1e-14


@EVERY
def test_the_constant_has_the_coefficients_it_has_in_the_limit(basis: TransformBasis) -> None:
    coefficients = basis.analysis(4097, 9, like=LIKE) @ torch.ones(4097, dtype=torch.float64)
    torch.testing.assert_close(basis.one(9, like=LIKE), coefficients, rtol=0, atol=1e-5)


@EVERY
def test_waves_count_half_the_changes_of_sign(basis: TransformBasis) -> None:
    functions = basis.functions(513, 8, like=LIKE)
    signs = torch.sign(functions[1:-1] + 1e-9)
    changes = (signs[1:] != signs[:-1]).sum(0).double()
    # a sine has lost one at the ends, where it vanishes
    assert float((basis.waves(8, like=LIKE) - changes / 2).abs().max()) <= 0.5


def test_axes_that_do_not_suit_are_named() -> None:
    wall, ring = Axis("y", 0.0, 1.0, 8), Axis("x", 0.0, 1.0, 8, periodic=True)
    with pytest.raises(SignatureError, match="axis 'y' is not periodic, which RealFourier does not suit: take Nodal"):
        RealFourier().require(wall, 4)
    with pytest.raises(SignatureError, match="axis 'x' is periodic, which NodalSine does not suit: take RealFourier"):
        NodalSine().require(ring, 4)
    with pytest.raises(SignatureError, match="'y' has 8 points, which tell 6 functions of NodalSine apart"):
        NodalSine().require(wall, 7)
    basis_for(wall).require(wall, 8)
    basis_for(ring).require(ring, 8)
