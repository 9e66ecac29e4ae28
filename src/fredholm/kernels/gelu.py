"""The Gaussian error linear unit and its slope, σ(x) = x Φ(x) and σ'(x) = Φ(x) + x φ(x).

    exp(-x²/2) = 2ⁿ 2ᶠ,   n = round(-x²/2 log₂e):  n goes into the exponent's bits, 2ᶠ is a polynomial on |f| ≤ 1/2
    Φ(-|x|) = exp(-x²/2) (a₁ t + ... + a₅ t⁵),   t = 1 / (1 + p |x| / √2)

σ is within 2e-7 max(1, |x|) of its value and σ' within 4e-7.

Source of the second: Abramowitz and Stegun, "Handbook of mathematical functions", 7.1.26.
"""

# mypy: disallow-untyped-defs=False

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from fredholm.kernels.tiles import OPTIONS

_F = np.float32
_ZERO, _ONE = _F(0), _F(1)
_HALF_LOG2E = _F(-0.5 * np.log2(np.e))
_SMALLEST = _F(-100)  # exponent beyond which Φ(-|x|) stays at 2⁻¹⁰⁰: denormal numbers would be slow
_ROUND = _F(1.5 * 2**23)  # adding it leaves the nearest integer in the lowest bits
_EXPONENT = np.int32(23)
_E1, _E2, _E3, _E4, _E5 = (  # 2ᶠ = 1 + e₁ f + ..., minimax
    _F(e) for e in (0.693146978, 0.240222421, 0.0555073378, 0.00967151147, 0.00132647088)
)
_P = _F(0.3275911 / np.sqrt(2))
_A1, _A2, _A3, _A4, _A5 = (_F(a / 2) for a in (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429))
_DENSITY = _F(1 / np.sqrt(2 * np.pi))


@intrinsic
def _bits(_typing, x):
    return types.int32(types.float32), lambda _, builder, __, a: builder.bitcast(a[0], ir.IntType(32))


@intrinsic
def _number(_typing, bits):
    return types.float32(types.int32), lambda _, builder, __, a: builder.bitcast(a[0], ir.FloatType())


@njit(**OPTIONS, inline="always")
def _distribution(x):
    """Φ(x) and exp(-x²/2)."""
    size = x if x > _ZERO else -x
    exponent = x * x * _HALF_LOG2E
    exponent = exponent if exponent > _SMALLEST else _SMALLEST
    shifted = exponent + _ROUND
    f = exponent - (shifted - _ROUND)
    power = _ONE + f * (_E1 + f * (_E2 + f * (_E3 + f * (_E4 + f * _E5))))
    bell = _number(np.int32(_bits(power) + np.int32(_bits(shifted) << _EXPONENT)))
    t = _ONE / (_ONE + _P * size)
    tail = t * (_A1 + t * (_A2 + t * (_A3 + t * (_A4 + t * _A5)))) * bell
    return (tail if x < _ZERO else _ONE - tail), bell


@njit(**OPTIONS)
def gelu(tile):
    """σ in place."""
    values = tile.reshape(-1)
    for i in range(values.shape[0]):
        x = values[i]
        below, _ = _distribution(x)
        values[i] = x * below


@njit(**OPTIONS)
def gelu_slope(tile):
    """σ' in place."""
    values = tile.reshape(-1)
    for i in range(values.shape[0]):
        x = values[i]
        below, bell = _distribution(x)
        values[i] = below + x * (bell * _DENSITY)


@njit(**OPTIONS)
def gelu_and_slope(tile, activated):
    """σ into `activated`, σ' in place."""
    values, results = tile.reshape(-1), activated.reshape(-1)
    for i in range(values.shape[0]):
        x = values[i]
        below, bell = _distribution(x)
        results[i] = x * below
        values[i] = below + x * (bell * _DENSITY)
