"""Norms converge at their orders, and trigonometric interpolation is exact for band-limited functions."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_domains import triangles

from fredholm.errors import SignatureError
from fredholm.fields import Axis, Domain, Field, Grid, PointCloud, Quantity, h1_norm, h1_seminorm, relative_l2

U = (Quantity("u"),)


def wave(domain: Domain) -> Field:
    x, y = domain.coordinates().T
    return Field((torch.sin(math.pi * x) * torch.cos(math.pi * y)).reshape(1, *domain.shape), domain, U)


def square(n: int) -> Grid:
    return Grid(Axis("x", 0, 1, n + 1), Axis("y", 0, 1, n + 1))


@pytest.mark.parametrize(("make", "slope_order"), [(square, 1.8), (triangles, 1.8)])
def test_norms_converge_at_second_order(make: object, slope_order: float) -> None:
    errors = []
    for n in (16, 32):
        field = wave(make(n))  # type: ignore[operator]
        errors.append((abs(float(field.l2_norm()) - 0.5), abs(float(h1_seminorm(field)) - math.pi / math.sqrt(2))))
    (l2, h1), (finer_l2, finer_h1) = errors
    assert finer_l2 < 1e-12 or math.log2(l2 / finer_l2) > 1.8
    assert math.log2(h1 / finer_h1) > slope_order
    assert float(h1_norm(field)) == pytest.approx(math.hypot(0.5, math.pi / math.sqrt(2)), rel=5e-3)


def test_periodic_norms_are_exact() -> None:
    circle = Grid(Axis("x", 0, 2 * math.pi, 12, periodic=True))
    x = circle.coordinates()[:, 0]
    field = Field((torch.sin(3 * x) + torch.cos(x))[None], circle, U)
    assert float(field.l2_norm()) == pytest.approx(math.sqrt(2 * math.pi), rel=1e-13)
    assert float(h1_seminorm(field)) == pytest.approx(math.sqrt(10 * math.pi), rel=1e-13)


def test_relative_error_and_integral() -> None:
    field = wave(square(64))
    assert float(relative_l2(1.1 * field.flat, field.flat, field.domain)) == pytest.approx(0.1)
    assert float(field.integral()) == pytest.approx(0.0, abs=1e-12)


def test_gradients_need_connectivity() -> None:
    cloud = PointCloud(torch.rand(9, 2), ("x", "y"))
    with pytest.raises(SignatureError, match="interpolate the field onto"):
        h1_seminorm(Field(torch.rand(1, 9), cloud, U))


def periodic(*sizes: int) -> Grid:
    return Grid(*(Axis(name, 0, 2 * math.pi, n, periodic=True) for name, n in zip("xyz", sizes, strict=False)))


def band_limited(grid: Grid, seed: int, band: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(grid.size, dtype=torch.float64)
    for _ in range(4):
        k = torch.randint(-band, band + 1, (grid.dimension,), generator=generator).double()
        phase, size = torch.rand(2, generator=generator, dtype=torch.float64)
        total += size * torch.cos(grid.coordinates() @ k + 6 * phase)
    return total.reshape(1, *grid.shape)


@given(seed=st.integers(0, 10**6), a=st.integers(7, 12), b=st.integers(7, 20), c=st.integers(7, 20))
@settings(max_examples=40, deadline=None)
def test_band_limited_functions_are_resampled_exactly(seed: int, a: int, b: int, c: int) -> None:
    source, target = periodic(a, b), periodic(c, a)
    field = Field(band_limited(source, seed, 3), source, U)
    expected = band_limited(target, seed, 3)
    torch.testing.assert_close(field.on(target).values, expected, atol=1e-12, rtol=0)


def test_nyquist_is_split_evenly() -> None:
    coarse, fine = periodic(8), periodic(24)
    field = Field(torch.cos(4 * coarse.coordinates()[:, 0])[None], coarse, U)
    up = field.on(fine)
    torch.testing.assert_close(up.values[0], torch.cos(4 * fine.coordinates()[:, 0]), atol=1e-12, rtol=0)
    torch.testing.assert_close(up.on(coarse).values, field.values, atol=1e-12, rtol=0)


def test_other_grids_are_interpolated_linearly() -> None:
    field = wave(square(32))
    errors = [
        float(relative_l2(wave(square(n)).on(square(100)).flat, wave(square(100)).flat, square(100))) for n in (8, 16)
    ]
    assert math.log2(errors[0] / errors[1]) > 1.8
    assert field.on(square(16)).values.shape == (1, 17, 17)


def test_a_field_plots_and_says_what_it_is() -> None:
    import matplotlib

    matplotlib.use("Agg")
    field = wave(square(8))
    assert field.plot().get_xlabel() == "x"
    assert "Field(u; (1, 9, 9) on Grid(9 x 9 points" in repr(field)
    with pytest.raises(SignatureError, match=r"expected \(..., 1, 9, 9\)"):
        Field(torch.zeros(1, 8, 9), field.domain, U)
