"""Vector fitting: a rational function with real poles and complex pairs through samples on the frequency axis.

Given poles aₙ, find residues of both f and a scaling σ by linear least squares,

    Σₙ cₙ / (s - aₙ) + d ≈ (1 + Σₙ c̃ₙ / (s - aₙ)) f(s),   s = jω,

whose unknown zeros of σ, the eigenvalues of diag(a) - 1 c̃ᵀ, are better poles of f; repeat, put unstable poles back into
the left half plane, and fit the residues at last. Errors are relative: each sample is weighted by 1 / |f|.

Source: Gustavsen, Semlyen, "Rational approximation of frequency domain responses by vector fitting", IEEE Trans. Power
Delivery 14 (1999).
"""

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from fredholm.solvers.rational_admittance import RationalAdmittance

_ROUNDS = 30
_REAL = 1e-9  # an imaginary part that is smaller than this share of a pole is rounding


def fit_admittance(
    frequency: Float[ndarray, " f"], samples: Shaped[ndarray, " f"], poles: int = 6
) -> RationalAdmittance:
    """The rational admittance with `poles` poles nearest to complex samples of Y at positive frequencies, made passive.

    Where the best fit would give energy at some frequency, outside the samples as a rule, its limit Y∞ is raised by as
    much. Raises ValueError for fewer samples than there are numbers to find.

    >>> from fredholm.solvers.porous_layer import MikiLayer
    >>> frequency = np.geomspace(50.0, 5000.0, 200)
    >>> exact = MikiLayer(10_000.0, 0.03).admittance(frequency)
    >>> bool((abs(fit_admittance(frequency, exact)(frequency) / exact - 1) < 0.01).all())
    True
    """
    frequency, samples = np.asarray(frequency, dtype=np.float64), np.asarray(samples, dtype=np.complex128)
    if frequency.shape != samples.shape or 2 * len(frequency) < 2 * poles + 1:
        raise ValueError(
            f"{poles} poles need at least {poles + 1} samples, one a frequency; got {len(frequency)} frequencies and "
            f"{len(samples)} samples"
        )
    if not (frequency > 0).all() or not (np.isfinite(samples) & (samples != 0)).all():
        raise ValueError("samples of an admittance must be finite and not zero, at positive frequencies")
    s = 2j * math.pi * frequency
    at = _starting_poles(s, poles)
    for _ in range(_ROUNDS):
        at = _relocated(s, samples, at)
    basis = _partial_fractions(s, at)
    matrix = np.column_stack([basis, np.ones(len(s))])
    weights = 1 / np.abs(samples)
    solution = _real_least_squares(matrix * weights[:, None], samples * weights)
    return _made_passive(_admittance(at, solution[:-1], solution[-1]))


def _starting_poles(s: ndarray, count: int) -> ndarray:
    """Weakly damped pairs over the band, and a real pole if the number is odd; one of each pair is kept."""
    low, high = abs(s[0]), abs(s[-1])
    centres = np.geomspace(low, high, count // 2) if count > 1 else np.empty(0)
    pairs = -0.01 * centres + 1j * centres
    return np.concatenate([pairs, [-math.sqrt(low * high) + 0j] * (count % 2)])


def _partial_fractions(s: ndarray, poles: ndarray) -> ndarray:
    """Columns 1 / (s - a); for a pair with a the sum and j times the difference of both, so that residues are real."""
    columns = []
    for pole in poles:
        if pole.imag == 0:
            columns.append(1 / (s - pole))
        else:
            one, other = 1 / (s - pole), 1 / (s - pole.conjugate())
            columns += [one + other, 1j * (one - other)]
    return np.column_stack(columns) if columns else np.empty((len(s), 0))


def _real_least_squares(matrix: ndarray, right: ndarray) -> ndarray:
    """Real unknowns of complex equations, columns scaled to one length."""
    stacked = np.concatenate([matrix.real, matrix.imag])
    scale = np.linalg.norm(stacked, axis=0)
    scale[scale == 0] = 1.0
    solution = np.linalg.lstsq(stacked / scale, np.concatenate([right.real, right.imag]), rcond=None)[0]
    return solution / scale


def _relocated(s: ndarray, samples: ndarray, poles: ndarray) -> ndarray:
    """The zeros of the fitted σ, mirrored into the left half plane."""
    basis, weights = _partial_fractions(s, poles), 1 / np.abs(samples)
    matrix = np.column_stack([basis, np.ones(len(s)), -basis * samples[:, None]]) * weights[:, None]
    residues = _real_least_squares(matrix, samples * weights)[basis.shape[1] + 1 :]
    state, drive, row = np.zeros((len(residues),) * 2), np.zeros(len(residues)), 0
    for pole in poles:
        if pole.imag == 0:
            state[row, row], drive[row] = pole.real, 1.0
            row += 1
        else:
            state[row : row + 2, row : row + 2] = [[pole.real, pole.imag], [-pole.imag, pole.real]]
            drive[row] = 2.0
            row += 2
    zeros = np.linalg.eigvals(state - np.outer(drive, residues))
    zeros = -np.abs(zeros.real) + 1j * zeros.imag
    zeros = np.where(np.abs(zeros.imag) <= _REAL * np.abs(zeros), zeros.real + 0j, zeros)
    return zeros[zeros.imag >= 0]


def _admittance(poles: ndarray, residues: ndarray, limit: float) -> RationalAdmittance:
    """In the form with real coefficients: (r + jq) / (s - a) and its conjugate are B = r, C = q with β = -Im a."""
    real, decays, pairs, pair_poles = [], [], [], []
    rest = list(residues)
    for pole in poles:
        if pole.imag == 0:
            real.append(float(rest.pop(0)))
            decays.append(float(-pole.real))
        else:
            pairs.append((float(rest.pop(0)), float(rest.pop(0))))
            pair_poles.append((float(-pole.real), float(-pole.imag)))
    shape = RationalAdmittance(0.0, tuple(real), tuple(decays), tuple(pairs), tuple(pair_poles))
    return _raised(shape, max(limit, 0.0))


def _made_passive(admittance: RationalAdmittance) -> RationalAdmittance:
    return _raised(admittance, admittance.limit + max(0.0, -admittance.weakest()))


def _raised(admittance: RationalAdmittance, limit: float) -> RationalAdmittance:
    return replace(admittance, limit=float(limit))
