"""Tikhonov's regularised least squares by Gauss-Newton: the mode and the width of a posterior, through a solver.

    min_c ½ |F(c) - y|² / σ² + ½ |c|²        (JᵀJ / σ² + (1 + μ) I) δ = Jᵀ (y - F(c)) / σ² - c

c are coefficients whose prior is standard normal, such as those of principal components. μ, Marquardt's damping,
grows until a step lowers the objective. The Gaussian at the minimum has covariance (JᵀJ / σ² + I)⁻¹.

Source: Nocedal, Wright, "Numerical optimization" (2006), sections 10.3 and 18.8.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.errors import InverseProblemError

Linearised = Callable[[Any], tuple[Any, Any]]  # coefficients to (values, Jacobian)

_MOST_DAMPING = 1e8


@dataclass(frozen=True)
class RegularisedFit:
    """Where the minimum is, and how wide the posterior is there.

    Args:
        coefficients: c.
        covariance: of the Gaussian there.
        objective: after each step, the start first.
    """

    coefficients: Float[ndarray, " m"]
    covariance: Float[ndarray, "m m"]
    objective: tuple[float, ...]


def gauss_newton(
    linearised: Linearised, y: Float[ndarray, " p"], noise: float, start: Float[ndarray, " m"], steps: int = 20
) -> RegularisedFit:
    """Minimise from `start`; raises InverseProblemError for noise that is not positive.

    >>> fit = gauss_newton(lambda c: (2 * c, np.array([[2.0]])), np.array([5.0]), 1.0, np.zeros(1))
    >>> fit.coefficients.round(6).tolist(), fit.covariance.tolist()
    ([2.0], [[0.2]])
    """
    if not 0 < noise < np.inf:
        raise InverseProblemError(f"the noise must have a positive, finite standard deviation, got {noise}")
    c = np.asarray(start, np.float64)
    values, jacobian = linearised(c)
    objective, damping = [_objective(c, values, y, noise)], 1e-6
    for _ in range(steps):
        gradient = jacobian.T @ (y - values) / noise**2 - c
        while damping < _MOST_DAMPING:
            matrix = jacobian.T @ jacobian / noise**2 + (1 + damping) * np.eye(len(c))
            candidate = c + np.linalg.solve(matrix, gradient)
            found, slope = linearised(candidate)
            value = _objective(candidate, found, y, noise)
            if value <= objective[-1]:
                break
            damping = max(10 * damping, 1e-3)
        else:
            break
        c, values, jacobian, damping = candidate, found, slope, damping / 10
        objective.append(value)
        if objective[-2] - objective[-1] <= 1e-8 * max(objective[-1], 1e-30):
            break
    covariance = np.linalg.inv(jacobian.T @ jacobian / noise**2 + np.eye(len(c)))
    return RegularisedFit(c, covariance, tuple(objective))


def _objective(c: ndarray, values: ndarray, y: ndarray, noise: float) -> float:
    return 0.5 * float(((values - y) ** 2).sum()) / noise**2 + 0.5 * float((c**2).sum())
