import math

import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.fields import SphereGrid
from fredholm.layers.spherical_padding import HalfTurn, ZeroBeyondPoles, resampled

LATITUDES, LONGITUDES = 6, 8


def function(latitude: torch.Tensor, longitude: torch.Tensor) -> torch.Tensor:
    """A function of the point on the sphere, whichever latitude and longitude name it."""
    x, y, z = latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(), latitude.sin()
    return x + 2 * y * z - z**3 + x * y


def on(latitudes: torch.Tensor, longitudes: torch.Tensor) -> torch.Tensor:
    return function(*torch.meshgrid(latitudes, longitudes, indexing="ij"))


def centres(count: int, beyond: int = 0) -> torch.Tensor:
    """Latitudes at centres of equal steps, going on by some steps beyond both poles."""
    return math.pi * ((torch.arange(-beyond, count + beyond, dtype=torch.float64) + 0.5) / count - 0.5)


def around(count: int, beyond: int = 0) -> torch.Tensor:
    return 2 * math.pi * torch.arange(-beyond, count + beyond, dtype=torch.float64) / count


@pytest.mark.parametrize("width", [0, 1, 3])
def test_padding_continues_functions_of_points_on_the_sphere(width: int) -> None:
    """cos(π/2 + δ) < 0 turns the point to the other side, which is what the half turn does to values."""
    padded = HalfTurn()(on(centres(LATITUDES), around(LONGITUDES)), width)
    torch.testing.assert_close(padded, on(centres(LATITUDES, width), around(LONGITUDES, width)))


def test_zero_padding_builds_walls_at_the_poles_only() -> None:
    values = 1 + torch.rand(2, LATITUDES, LONGITUDES)
    padded = ZeroBeyondPoles()(values, 2)
    assert bool((padded[:, [0, 1, -2, -1]] == 0).all())
    torch.testing.assert_close(padded[:, 2:-2, :2], values[..., -2:])


def test_grids_without_an_opposite_longitude_are_refused() -> None:
    with pytest.raises(SignatureError, match="even number of longitudes"):
        HalfTurn().require(SphereGrid.equiangular(6, 9), "it", 3)
    with pytest.raises(SignatureError, match="by 3 points"):
        ZeroBeyondPoles().require(SphereGrid.equiangular(2, 9), "it", 3)


def test_resampling_is_of_second_order() -> None:
    """Also at the poles, where it looks over to the other side."""
    errors = []
    for scale in (1, 2, 4):
        coarse = on(centres(LATITUDES * scale), around(LONGITUDES * scale))
        fine = resampled(coarse, LATITUDES * scale + 2, LONGITUDES * scale + 4)
        exact = on(centres(LATITUDES * scale + 2), around(LONGITUDES * scale + 4))
        errors.append(float((fine - exact).abs().max()))
    assert errors[0] / errors[2] > 10
    values = torch.rand(3, 6, 8)
    assert resampled(values, 6, 8) is values
