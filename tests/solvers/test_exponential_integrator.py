"""ETDRK4: exact for constant slopes, fourth order however stiff, weights good to the last digits."""

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch
from torch import Tensor

from fredholm.solvers import ETDRK4

REAL, COMPLEX = torch.float64, torch.complex128


def after(symbol: Tensor, slope: Callable[[Tensor], Tensor], start: Tensor, steps: int, time: float = 1.0) -> Tensor:
    integrator, v = ETDRK4(symbol, slope, time / steps), start
    for _ in range(steps):
        v = integrator.advance(v)
    return v


@pytest.mark.parametrize(
    "symbol",
    [torch.tensor([-3.0, 0.5, 2.0], dtype=REAL), torch.tensor([1j, -1 + 4j, 2 - 3j], dtype=COMPLEX)],
    ids=["real", "complex"],
)
def test_fourth_order(symbol: Tensor) -> None:
    """v' = L v - v² from 1: v = L exp(L t) / (L + exp(L t) - 1)."""
    growth = symbol.exp()
    exact = symbol * growth / (symbol + growth - 1)
    ends = [after(symbol, lambda v: -(v**2), torch.ones_like(symbol)[None], steps)[0] for steps in (20, 40)]
    coarse, fine = ((end - exact).abs() for end in ends)
    assert ((coarse / fine).log2() > 3.7).all()


def test_stiffness_puts_no_limit_on_the_step() -> None:
    """Prothero and Robinson's v' = L (v - cos t) - sin t, with t a state too: an explicit method would blow up."""
    symbol = torch.tensor([0.0, -1e6], dtype=REAL)

    def slope(v: Tensor) -> Tensor:
        t = v[:, :1]
        return torch.cat([torch.ones_like(t), 1e6 * t.cos() - t.sin()], dim=1)

    time, v = after(symbol, slope, torch.tensor([[0.0, 1.0]], dtype=REAL), steps=20)[0].tolist()
    assert time == pytest.approx(1.0)
    assert v == pytest.approx(math.cos(1.0), abs=1e-5)


@pytest.mark.parametrize("z", [-1e5, -30.0, -1.0, -1e-9, 0.0, 1e-4, 0.7, 5.0, 3j, -2 + 40j])
def test_constant_slopes_are_integrated_exactly(z: complex) -> None:
    """v' = z v + 1 from 0: v = (exp z - 1) / z after a step of 1, which as written loses digits near z = 0."""
    with mpmath.workdps(60):
        exact = complex(mpmath.expm1(mpmath.mpmathify(z)) / mpmath.mpmathify(z)) if z else 1.0
    dtype = COMPLEX if isinstance(z, complex) else REAL
    v = ETDRK4(torch.tensor([z], dtype=dtype), torch.ones_like, step=1.0).advance(torch.zeros(1, 1, dtype=dtype))
    assert abs(complex(v) - exact) <= 1e-14 * max(abs(exact), 1 / max(1.0, abs(z)))


def test_agrees_with_scipy_on_a_stiff_system() -> None:
    from scipy.integrate import solve_ivp

    symbol = torch.tensor([-1000.0, -10.0, 0.1], dtype=REAL)
    start = torch.tensor([[0.0, 0.05, 0.3]], dtype=REAL)  # beside the slow manifold

    def slope(v: Tensor) -> Tensor:
        return v.roll(1, -1).sin() + v.flip(-1) ** 2 / 4

    def rate(_: float, v: np.ndarray) -> np.ndarray:
        return symbol.numpy() * v + slope(torch.from_numpy(v)).numpy()

    peer = solve_ivp(rate, (0.0, 1.0), start[0].numpy(), method="Radau", rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(after(symbol, slope, start, steps=400)[0].numpy(), peer.y[:, -1], atol=1e-9)
