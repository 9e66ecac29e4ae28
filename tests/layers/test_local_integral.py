"""Local integrals: constants, linear functions, walls, and convergence to the integral."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import dblquad

from fredholm.errors import SignatureError
from fredholm.layers.extent import Extent
from fredholm.layers.local_integral import LocalIntegralConvolution
from fredholm.layers.perceptron import initialised

TORUS = Extent([1.0, 2.0], [True, True])


def layer(extent: Extent, radius: float, rings: int = 3) -> LocalIntegralConvolution:
    with initialised(0):
        return LocalIntegralConvolution(2, 1, extent, radius, rings).double()


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_constants_are_multiplied_by_the_sum_of_the_weights_on_every_grid(dimension: int) -> None:
    integral = layer(Extent([1.0] * dimension, [True] * dimension), 0.3)
    constants = torch.tensor([2.0, -1.0], dtype=torch.float64)
    expected = (integral.weight.sum(-1) @ constants).item()
    for n in (8, 11, 16):
        values = constants.reshape(1, 2, *[1] * dimension).expand(1, 2, *[n] * dimension)
        torch.testing.assert_close(integral(values), torch.full_like(values[:, :1], expected))


def waves(nx: int, ny: int) -> torch.Tensor:
    x, y = torch.arange(nx, dtype=torch.float64) / nx, 2 * torch.arange(ny, dtype=torch.float64) / ny
    first = torch.sin(2 * math.pi * x)[:, None] * torch.cos(math.pi * y)
    second = torch.cos(4 * math.pi * x)[:, None] + torch.sin(2 * math.pi * y)
    return torch.stack([first, second])[None]


def test_refinement_converges_at_second_order_also_with_spacings_of_other_ratios() -> None:
    integral = layer(TORUS, 0.25)
    finest = integral(waves(128, 192))[..., ::8, ::12]
    errors = [(integral(waves(n, n))[..., :: n // 16, :: n // 16] - finest).norm().item() for n in (16, 32, 64)]
    assert errors[0] / errors[2] > 2 ** (2 * 1.7)


def test_the_kernel_is_a_function_of_its_own() -> None:
    """The limit is the integral of Σ W φ / ∫φ against the function, by an independent quadrature."""
    radius, rings = 0.3, 2
    with initialised(1):
        integral = LocalIntegralConvolution(1, 1, TORUS, radius, rings).double()

    def phi(b: int, x: float, y: float) -> float:
        r = math.hypot(x, y) / radius
        if b == 0:
            return max(0.0, 1 - rings * r)
        axis, sign = divmod(b - 1, 2)
        cosine = (x, y)[axis] * (1, -1)[sign] / (r * radius) if r else 0.0
        return max(0.0, 1 - abs(rings * r - 1)) * max(0.0, cosine) ** 2

    def against(b: int, f: object) -> float:
        def polar(angle: float, r: float) -> float:
            x, y = r * math.cos(angle), r * math.sin(angle)
            return phi(b, x, y) * (f(x, y) if callable(f) else 1.0) * r

        inner, outer = (
            dblquad(polar, a, b_, 0, 2 * math.pi, epsabs=1e-7)[0] for a, b_ in ((0, radius / 2), (radius / 2, radius))
        )
        return inner + outer

    def wave(x: float, y: float) -> float:  # around the point x = 1/8, y = 1/4
        return math.sin(2 * math.pi * (x + 1 / 8)) * math.cos(math.pi * (y + 1 / 4))

    expected = sum(float(w) * against(b, wave) / against(b, None) for b, w in enumerate(integral.weight[0, 0]))
    n = 96
    found = integral(waves(n, 2 * n)[:, :1])[0, 0, n // 8, n // 4]
    assert float(found) == pytest.approx(expected, abs=2e-3)


def test_walls_cut_the_ball() -> None:
    """∫ over [0, 1] only, to second order in the spacing."""
    integral = layer(Extent([1.0], [False]), 0.3, rings=1)

    def at_the_wall(n: int) -> float:
        x = torch.linspace(0, 1, n, dtype=torch.float64)
        return float(integral(torch.stack([x.cos(), 0 * x])[None])[0, 0, 0])

    y = np.linspace(0, 0.3, 20001)
    exact = float(integral.weight[0, 0, 0]) * np.trapezoid((1 - y / 0.3) * np.cos(y), y) / 0.3
    coarse, fine = abs(at_the_wall(21) - exact), abs(at_the_wall(81) - exact)
    assert fine < coarse / 12


def test_radius_and_grid_have_to_fit() -> None:
    with pytest.raises(ValueError, match="meets itself"):
        LocalIntegralConvolution(1, 1, TORUS, 0.6)
    with pytest.raises(SignatureError, match=r"axis 1 has a spacing of 0\.25, too coarse for 3 rings"):
        layer(TORUS, 0.3).require((32, 8))
