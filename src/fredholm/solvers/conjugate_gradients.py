"""Conjugate gradients for several symmetric positive definite systems at once, with a preconditioner.

    A x = b:   the k-th iterate minimises (x - x*)ᵀ A (x - x*) over span {z₀, M⁻¹A z₀, ..., (M⁻¹A)ᵏ⁻¹ z₀},  z₀ = M⁻¹b

Source: Hestenes, Stiefel, "Methods of conjugate gradients for solving linear systems", 1952; Golub, Van Loan, "Matrix
computations" (2013), algorithm 11.5.1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.errors import SolverError

Map = Callable[[ndarray], ndarray]


@dataclass(frozen=True)
class Solved:
    """Solutions, the iterations that all of them took together, and ‖b - A x‖ / ‖b‖ of each as the iteration has it."""

    values: Float[ndarray, "n *shape"]
    iterations: int
    residuals: Float[ndarray, " n"]


def conjugate_gradients(
    apply: Map,
    right: Float[ndarray, "n *shape"],
    precondition: Map | None = None,
    tolerance: float = 1e-10,
    limit: int = 1000,
) -> Solved:
    """Solve A x = b for every b of `right`, each with its own symmetric positive definite A.

    Args:
        apply: x ↦ A x, sample by sample.
        right: b.
        precondition: r ↦ M⁻¹ r, symmetric and definite too; the identity, if not given.
        tolerance: of ‖b - A x‖ / ‖b‖.
        limit: of iterations; SolverError names the first sample that needs more.

    >>> solved = conjugate_gradients(lambda x: np.array([1.0, 4.0]) * x, np.array([[2.0, 2.0]]))
    >>> solved.values.round(12).tolist(), solved.iterations
    ([[2.0, 0.5]], 2)
    """
    values, residual = np.zeros(right.shape), right.astype(np.float64)
    scale = np.maximum(np.sqrt(_dot(residual, residual)), 1e-300)
    moved = residual if precondition is None else precondition(residual)
    direction, energy = moved, _dot(residual, moved)
    with np.errstate(over="ignore", invalid="ignore"):  # a singular system may blow up, and is told
        for iteration in range(limit + 1):
            left = np.sqrt(_dot(residual, residual)) / scale
            if (left <= tolerance).all():
                return Solved(values, iteration, left)
            if not np.isfinite(left).all():
                break
            image = apply(direction)
            step = _over(energy, _dot(direction, image), right.ndim)
            values += step * direction
            residual = residual - step * image
            moved = residual if precondition is None else precondition(residual)
            energy, before = _dot(residual, moved), energy
            direction = moved + _over(energy, before, right.ndim) * direction
    bad = int((~(left <= tolerance)).argmax())
    raise SolverError(
        bad, f"conjugate gradients leave {left[bad]:.2g} of it after {iteration} iterations: is it singular?"
    )


def _dot(a: Float[ndarray, "n *shape"], b: Float[ndarray, "n *shape"]) -> Float[ndarray, " n"]:
    products: ndarray = np.einsum("ni,ni->n", a.reshape(len(a), -1), b.reshape(len(b), -1))
    return products


def _over(a: Float[ndarray, " n"], b: Float[ndarray, " n"], axes: int) -> Float[ndarray, "n *ones"]:
    """Quotient, zero for systems that are solved exactly, to be multiplied with values."""
    quotient = np.divide(a, b, out=np.zeros_like(a), where=b != 0)
    return quotient.reshape(-1, *[1] * (axes - 1))
