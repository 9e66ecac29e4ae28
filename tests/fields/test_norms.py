"""Norms converge at their orders, and trigonometric interpolation is exact for band-limited functions."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_domains import l_shape, triangles

from fredholm.errors import SignatureError
from fredholm.fields import Axis, Domain, Field, Grid, PointCloud, Quantity, h1_norm, h1_seminorm, relative_l2

U = (Quantity("u"),)


def wave(domain: Domain) -> Field:
    x, y = domain.coordinates().T
    return Field((torch.sin(math.pi * x) * torch.cos(math.pi * y)).reshape(1, *domain.shape), domain, U)


def square(n: int) -> Grid:
    return Grid(Axis("x", 0, 1, n + 1), Axis("y", 0, 1, n + 1))


def primitive(x: float, sign: int) -> float:
    """∫ sin² πx (sign -1) or cos² πx (sign 1) from 0."""
    return x / 2 + sign * math.sin(2 * math.pi * x) / (4 * math.pi)


def exact_norms(make: object) -> tuple[float, float]:
    """‖u‖ and |u|₁ of sin πx cos πy on the unit square, less the quarter that an L-shape lacks."""

    def over(lower: float) -> tuple[float, float]:
        sin2, cos2 = (primitive(1, sign) - primitive(lower, sign) for sign in (-1, 1))
        return sin2 * cos2, math.pi**2 * (cos2 * cos2 + sin2 * sin2)

    (l2, h1), (l2_corner, h1_corner) = over(0), over(0.5) if make is l_shape else (0.0, 0.0)
    return math.sqrt(l2 - l2_corner), math.sqrt(h1 - h1_corner)


@pytest.mark.parametrize("make", [square, l_shape, triangles])
def test_norms_converge_at_second_order(make: object) -> None:
    exact_l2, exact_h1 = exact_norms(make)
    errors = []
    for n in (16, 32):
        field = wave(make(n))  # type: ignore[operator]
        errors.append((abs(float(field.l2_norm()) - exact_l2), abs(float(h1_seminorm(field)) - exact_h1)))
    (l2, h1), (finer_l2, finer_h1) = errors
    assert finer_l2 < 1e-12 or math.log2(l2 / finer_l2) > 1.8
    assert math.log2(h1 / finer_h1) > 1.8
    assert float(h1_norm(field)) == pytest.approx(math.hypot(exact_l2, exact_h1), rel=5e-3)


def test_what_lies_beyond_a_mask_has_no_gradient() -> None:
    room = l_shape(8)
    x, y = room.coordinates().T
    values = torch.where(room.mask.reshape(-1), 3 * x - 4 * y, torch.nan).reshape(1, 9, 9)
    assert float(h1_seminorm(Field(values, room, U))) == pytest.approx(5 * math.sqrt(0.75), rel=1e-12)


def test_a_mask_may_cross_the_seam_of_a_periodic_axis() -> None:
    ring = Grid(Axis("x", 0, 1, 32, periodic=True), Axis("y", 0, 1, 5), mask=torch.ones(32, 5, dtype=torch.bool))
    field = Field(torch.sin(2 * math.pi * ring.coordinates()[:, 0]).reshape(1, 32, 5), ring, U)
    assert float(h1_seminorm(field)) == pytest.approx(2 * math.pi / math.sqrt(2), rel=2e-3)


def test_periodic_norms_are_exact() -> None:
    circle = Grid(Axis("x", 0, 2 * math.pi, 12, periodic=True))
    x = circle.coordinates()[:, 0]
    field = Field((torch.sin(3 * x) + torch.cos(x))[None], circle, U)
    assert float(field.l2_norm()) == pytest.approx(math.sqrt(2 * math.pi), rel=1e-13)
    assert float(h1_seminorm(field)) == pytest.approx(math.sqrt(10 * math.pi), rel=1e-13)


def test_relative_error_and_integral() -> None:
    field = wave(square(64))
    assert float(relative_l2(1.1 * field.flat, field.flat, field.domain.weights())) == pytest.approx(0.1)
    assert float(field.integral()) == pytest.approx(0.0, abs=1e-12)


def test_relative_error_takes_the_weights_of_each_sample() -> None:
    target = torch.ones(2, 3, 4)
    prediction = target.clone()
    prediction[..., 3] = 9.0  # padding, where the first sample has no weight
    weights = torch.tensor([[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]])[:, None]
    error = relative_l2(prediction, target, weights)
    torch.testing.assert_close(error, torch.tensor([0.0, 4.0])[:, None].expand(2, 3))


def test_relative_error_to_nothing_is_infinite_or_zero() -> None:
    prediction, weights = torch.tensor([[0.0, 0.0], [1e-20, 0.0]], dtype=torch.float64), torch.ones(1, 2)
    assert relative_l2(prediction, torch.zeros(2, 2, dtype=torch.float64), weights).tolist() == [0.0, math.inf]


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


@pytest.mark.parametrize(("sizes", "others"), [((8,), (13,)), ((7, 9, 8), (10, 8, 7)), ((9, 9, 7), (8, 12, 16))])
def test_resampling_is_exact_in_any_dimension(sizes: tuple[int, ...], others: tuple[int, ...]) -> None:
    source, target = periodic(*sizes), periodic(*others)
    field = Field(band_limited(source, 1, 3), source, U)
    torch.testing.assert_close(field.on(target).values, band_limited(target, 1, 3), atol=1e-12, rtol=0)


@given(coarse=st.integers(1, 9), more=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_going_up_and_back_loses_nothing(coarse: int, more: int) -> None:
    values = torch.randn(1, coarse, generator=torch.Generator().manual_seed(coarse), dtype=torch.float64)
    there = Field(values, periodic(coarse), U).on(periodic(coarse + more))
    torch.testing.assert_close(there.on(periodic(coarse)).values, values, atol=1e-12, rtol=0)


def test_nyquist_is_split_evenly() -> None:
    coarse, fine = periodic(8), periodic(24)
    field = Field(torch.cos(4 * coarse.coordinates()[:, 0])[None], coarse, U)
    up = field.on(fine)
    torch.testing.assert_close(up.values[0], torch.cos(4 * fine.coordinates()[:, 0]), atol=1e-12, rtol=0)
    torch.testing.assert_close(up.on(coarse).values, field.values, atol=1e-12, rtol=0)


def test_other_grids_are_interpolated_linearly() -> None:
    field = wave(square(32))
    errors = [
        float(relative_l2(wave(square(n)).on(square(100)).flat, wave(square(100)).flat, square(100).weights()))
        for n in (8, 16)
    ]
    assert math.log2(errors[0] / errors[1]) > 1.8
    assert field.on(square(16)).values.shape == (1, 17, 17)


def test_a_field_says_what_it_is() -> None:
    field = wave(square(8))
    assert "Field(u; (1, 9, 9) on Grid(9 x 9 points" in repr(field)
    with pytest.raises(SignatureError, match=r"expected \(..., 1, 9, 9\)"):
        Field(torch.zeros(1, 8, 9), field.domain, U)
