import pytest
import torch
from torch import Tensor

from fredholm.fields import SphereGrid
from fredholm.layers.latitudes import EquiangularLatitudes, GaussLatitudes, Latitudes
from fredholm.layers.perceptron import initialised
from fredholm.layers.spherical_convolution import SphericalConvolution, SphericalNorm
from fredholm.layers.spherical_harmonics import SphericalHarmonics

EXACT = {"rtol": 1e-9, "atol": 1e-9}
GRID, DEGREES = SphereGrid.equiangular(12, 24), 6


def points() -> Tensor:
    """Unit vectors of the grid's points."""
    latitude, longitude = GRID.coordinates().T
    return torch.stack([latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(), latitude.sin()], dim=-1)


def rotation(seed: int = 0) -> Tensor:
    """A rotation of space, neither about the axis nor by a small angle."""
    orthogonal, _ = torch.linalg.qr(
        torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    )
    return orthogonal * torch.linalg.det(orthogonal)


def polynomial(unit: Tensor) -> Tensor:
    """Two functions of degree 5 on unit vectors, (points, 2)."""
    x, y, z = unit.unbind(-1)
    return torch.stack([x**3 * y * z - 2 * z**4 + y, 1 + x * y * y - 3 * x**5], dim=-1)


def on_grid(values: Tensor) -> Tensor:
    """(points, channels) as the layers have them, (longitude, latitude, 1, channels)."""
    return values.reshape(*GRID.shape, 1, -1).transpose(0, 1)


def convolution(phase: bool = False) -> SphericalConvolution:
    with initialised(0):
        layer = SphericalConvolution(2, 3, SphericalHarmonics(DEGREES, EquiangularLatitudes()), phase=phase)
    return layer.double()


def evaluated(layer: SphericalConvolution, values: Tensor, unit: Tensor) -> Tensor:
    """The layer's answer, which has degree below DEGREES, at any points: by harmonics from scipy, at unit vectors."""
    from scipy.special import sph_harm_y

    harmonics = layer.harmonics
    coefficients = harmonics.analysis(layer(values))[..., 0, :]
    colatitude, longitude = unit[:, 2].clamp(-1, 1).acos().numpy(), torch.atan2(unit[:, 1], unit[:, 0]).numpy()
    total = torch.zeros(len(unit), coefficients.shape[-1], dtype=torch.float64)
    for degree in range(DEGREES):
        for order in range(degree + 1):
            value = torch.from_numpy(sph_harm_y(degree, order, colatitude, longitude)) * (-1) ** order
            total += coefficients[order, degree] * (value.real * (2**0.5 if order else 1))[:, None]
            if order:
                total += coefficients[DEGREES - 1 + order, degree] * (value.imag * 2**0.5)[:, None]
    return total


def test_convolution_commutes_with_every_rotation() -> None:
    """K(u ∘ R) = (K u) ∘ R, for band-limited u and a rotation that moves the poles."""
    turn, unit, layer = rotation(), points(), convolution()
    first_rotated = layer(on_grid(polynomial(unit @ turn.T)))
    then_rotated = evaluated(layer, on_grid(polynomial(unit)), unit @ turn.T)
    torch.testing.assert_close(first_rotated, on_grid(then_rotated), **EXACT)


def test_complex_weights_commute_with_rotations_about_the_axis_only() -> None:
    layer, unit, turn = convolution(phase=True), points(), rotation()
    values = on_grid(polynomial(unit))
    torch.testing.assert_close(layer(values.roll(5, 0)), layer(values).roll(5, 0), **EXACT)
    elsewhere = evaluated(layer, values, unit @ turn.T)
    assert not torch.allclose(layer(on_grid(polynomial(unit @ turn.T))), on_grid(elsewhere), rtol=0.1, atol=0.1)


def test_complex_weights_are_multiplication_by_complex_numbers() -> None:
    """Against the same in complex arithmetic: û_lm of the harmonics exp(imλ) times W + iV."""
    layer, values = convolution(phase=True), torch.randn(24, 12, 1, 2, dtype=torch.float64)
    harmonics = layer.harmonics

    def complex_part(u: Tensor) -> Tensor:
        found = harmonics.analysis(u)[..., 0, :]
        return torch.complex(found[1:DEGREES], -found[DEGREES:])

    weight, turn = layer.weight.chunk(2, dim=-1)
    expected = torch.einsum("mli,lio->mlo", complex_part(values), torch.complex(weight, -turn))
    torch.testing.assert_close(complex_part(layer(values)), expected, **EXACT)


def test_a_layer_is_one_operator_on_all_grids() -> None:
    """Of a band-limited function it answers the same on 12 latitudes and on 16 of the other kind."""
    layer = convolution()
    with initialised(0):
        other = SphericalConvolution(2, 3, SphericalHarmonics(DEGREES, GaussLatitudes())).double()
    coefficients = torch.randn(11, DEGREES, 1, 2, dtype=torch.float64)
    coefficients = layer.harmonics.analysis(layer.harmonics.synthesis(coefficients, 12, 24))
    answers = [
        each.harmonics.analysis(each(each.harmonics.synthesis(coefficients, *shape)))
        for each, shape in ((layer, (12, 24)), (other, (16, 32)), (layer, (14, 26)))
    ]
    torch.testing.assert_close(answers[0], answers[1], **EXACT)
    torch.testing.assert_close(answers[0], answers[2], **EXACT)


@pytest.mark.parametrize("gain", [1.0, 2.0])
@pytest.mark.parametrize("phase", [False, True])
def test_convolution_keeps_the_variance_it_promises(gain: float, phase: bool) -> None:
    harmonics = SphericalHarmonics(8, GaussLatitudes())
    with initialised(0):
        layer = SphericalConvolution(64, 64, harmonics, gain=gain, phase=phase)
    coefficients = torch.randn(15, 8, 4, 64)
    values = harmonics.synthesis(harmonics.analysis(harmonics.synthesis(coefficients, 8, 16)), 8, 16)
    before, after = harmonics.analysis(values)[1:, 1:], harmonics.analysis(layer(values))[1:, 1:]
    assert (after.square().mean() / before.square().mean()).item() == pytest.approx(gain, rel=0.1)


@pytest.mark.parametrize("latitudes", [EquiangularLatitudes(), GaussLatitudes()], ids=lambda k: type(k).__name__)
def test_norm_gives_mean_zero_and_variance_one_by_area(latitudes: Latitudes) -> None:
    values = 3 + 5 * torch.randn(24, 12, 2, 4, dtype=torch.float64) * torch.linspace(0.1, 4, 12)[:, None, None].double()
    weights = latitudes.grid(12, 24).weights().reshape(12, 24).T[..., None, None] / (4 * torch.pi)
    normal = SphericalNorm(4, latitudes).double()(values)
    torch.testing.assert_close((weights * normal).sum((0, 1)), torch.zeros(2, 4).double(), **EXACT)
    torch.testing.assert_close((weights * normal.square()).sum((0, 1)), torch.ones(2, 4).double(), rtol=1e-6, atol=0)
