import math

import numpy as np
import pytest
import torch
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields import Axis, Grid, SphereGrid
from fredholm.layers.latitudes import (
    EquiangularLatitudes,
    GaussLatitudes,
    GivenLatitudes,
    Latitudes,
    latitudes_of,
    legendre,
)
from fredholm.layers.spherical_harmonics import SphericalHarmonics

KINDS = pytest.mark.parametrize("latitudes", [EquiangularLatitudes(), GaussLatitudes()], ids=lambda k: type(k).__name__)


def random_coefficients(degrees: int, seed: int = 0) -> Tensor:
    """One function with all coefficients below a degree, (orders, degrees, 1)."""
    values = torch.randn(
        2 * degrees - 1, degrees, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    order = torch.cat([torch.arange(degrees), torch.arange(1, degrees)])
    return values * (torch.arange(degrees) >= order[:, None])[..., None]


def test_legendre_functions_are_those_of_scipy() -> None:
    from scipy.special import sph_harm_y

    sines = np.linspace(-0.999, 0.999, 7)
    table = legendre(sines, 40)
    for degree, order in [(0, 0), (1, 0), (1, 1), (7, 3), (39, 0), (39, 20), (39, 39)]:
        expected = (-1) ** order * sph_harm_y(degree, order, np.arccos(sines), 0.0).real  # without Condon and Shortley
        np.testing.assert_allclose(table[order, degree], expected, atol=1e-12)
    assert np.abs(legendre(sines, 600)).max() < 20  # the recurrence does not run away


@KINDS
@pytest.mark.parametrize("count", [8, 9])
def test_analysis_inverts_synthesis_up_to_the_number_of_latitudes(latitudes: Latitudes, count: int) -> None:
    transform, coefficients = SphericalHarmonics(count, latitudes), random_coefficients(count)
    values = transform.synthesis(coefficients, count, 2 * count - 1)
    torch.testing.assert_close(transform.analysis(values), coefficients, rtol=1e-10, atol=1e-10)


@KINDS
def test_the_norm_of_a_function_is_that_of_its_coefficients(latitudes: Latitudes) -> None:
    coefficients = random_coefficients(6)
    values = SphericalHarmonics(6, latitudes).synthesis(coefficients, 12, 16)
    weights = latitudes.grid(12, 16).weights().reshape(12, 16)
    integral = (values[..., 0].T.square() * weights).sum()
    torch.testing.assert_close(integral, coefficients.square().sum())


@KINDS
def test_coefficients_are_integrals_where_the_quadrature_is_exact(latitudes: Latitudes) -> None:
    """Against any function, also one of infinitely many degrees: there A is Σ w Y u, and not just an inverse."""
    grid = latitudes.grid(16, 20)
    u = torch.randn(20, 16, 1, dtype=torch.float64)
    transform = SphericalHarmonics(8, latitudes)
    found = transform.analysis(u)
    for row, degree in [(0, 0), (0, 7), (3, 5), (9, 4)]:
        unit = torch.zeros(15, 8, 1, dtype=torch.float64)
        unit[row, degree] = 1
        harmonic = transform.synthesis(unit, 16, 20)
        integral = (harmonic * u)[..., 0].T.flatten() @ grid.weights()
        torch.testing.assert_close(found[row, degree, 0], integral, rtol=1e-10, atol=1e-10)


def test_known_functions_have_known_coefficients() -> None:
    """The harmonic x z / r² has degree 2 and order 1; the mean is the coefficient of degree 0 over √4π."""
    latitude, longitude = SphereGrid.equiangular(10, 12).coordinates().T.reshape(2, 10, 12)
    u = 3 + latitude.sin() * latitude.cos() * longitude.cos()
    found = SphericalHarmonics(4, EquiangularLatitudes()).analysis(u.T.unsqueeze(-1))[..., 0]
    expected = torch.zeros_like(found)
    expected[0, 0] = 3 * math.sqrt(4 * math.pi)
    expected[1, 2] = math.sqrt(4 * math.pi / 15)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("kind", "name"), [("legendre-gauss", "gauss"), ("equiangular", "poles")])
def test_coefficients_are_those_of_torch_harmonics(kind: str, name: str) -> None:
    """Which counts latitudes from the north, has complex coefficients, and signs odd orders otherwise."""
    peer = pytest.importorskip("torch_harmonics", reason="the peer's transform", exc_type=ImportError)
    quadrature = pytest.importorskip("torch_harmonics.quadrature", exc_type=ImportError)
    if kind == "legendre-gauss":
        grid, degrees = SphereGrid.gauss_legendre(12, 24), 12
    else:  # with points at the poles, and Clenshaw and Curtis's weights
        nodes, weights = (torch.as_tensor(part).double() for part in quadrature.clenshaw_curtiss_weights(13))
        order = nodes.argsort()
        grid, degrees = SphereGrid(nodes[order].asin(), weights[order], 24), 7
    transform = SphericalHarmonics(degrees, latitudes_of(grid))
    values = torch.randn(len(grid.latitudes), 24, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    theirs = peer.RealSHT(*grid.shape, lmax=degrees, mmax=degrees, grid=kind).double()(values.flip(0))
    ours = transform.analysis(values.T.unsqueeze(-1))[..., 0]
    sign = (-1.0) ** torch.arange(degrees)
    scale = torch.where(torch.arange(degrees) > 0, 2**-0.5, 1.0)
    torch.testing.assert_close(ours[:degrees].T * sign * scale, theirs.real, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(-ours[degrees:].T * sign[1:] * scale[1:], theirs.imag[:, 1:], rtol=1e-6, atol=1e-6)
    back = peer.InverseRealSHT(*grid.shape, lmax=degrees, mmax=degrees, grid=kind).double()(theirs)
    mine = transform.synthesis(ours.unsqueeze(-1), *grid.shape)[..., 0].T
    torch.testing.assert_close(mine, back.flip(0), rtol=1e-6, atol=1e-6)


def test_grids_that_do_not_fit_are_refused() -> None:
    transform = SphericalHarmonics(8, EquiangularLatitudes())
    transform.require(SphereGrid.equiangular(8, 15), "it")
    with pytest.raises(SignatureError, match=r"8 degrees.*at least 8 latitudes and 15 longitudes"):
        transform.require(SphereGrid.equiangular(8, 14), "it")
    with pytest.raises(SignatureError, match="pass latitudes=latitudes_of"):
        transform.require(SphereGrid.gauss_legendre(8, 16), "it")
    with pytest.raises(SignatureError, match="expected a SphereGrid"):
        transform.require(Grid(Axis("x", 0, 1, 8), Axis("y", 0, 1, 16)), "it")
    grid = SphereGrid(torch.tensor([-1.0, 0.0, 1.0]), torch.tensor([0.5, 1.0, 0.5]), 8)
    kind = latitudes_of(grid)
    assert isinstance(kind, GivenLatitudes)
    kind.require(grid, "it")
    with pytest.raises(SignatureError, match="3 latitudes were given, and the grid has 8"):
        kind.require(SphereGrid.equiangular(8, 16), "it")
