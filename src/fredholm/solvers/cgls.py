"""Conjugate gradients for damped least squares, for batches, on any linear operator.

    x* = argmin ‖A x - b‖² + λ² ‖x‖²        AᵀA x* + λ² x* = Aᵀb

This is the method of conjugate gradients for the normal equations, which are never formed: of A only products with A
and Aᵀ are used. The k-th iterate minimises the sum above over span {Aᵀb, (AᵀA) Aᵀb, ..., (AᵀA)ᵏ⁻¹ Aᵀb}. Few
iterations smooth: what belongs to large singular values of A comes first.

Source: Hestenes, Stiefel, "Methods of conjugate gradients for solving linear systems", 1952, section 10; Björck,
"Numerical methods for least squares problems", 1996, algorithm 7.4.1.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fredholm.errors import OperatorShapeError
from fredholm.solvers.linear_operator import LinearOperator


@dataclass(frozen=True)
class LeastSquares:
    """Solutions of a batch, how often they were moved, and what is left of the normal equations.

    `residuals` are ‖Aᵀ(b - A x) - λ² x‖ / ‖Aᵀb‖ of each sample as the iteration has it; `converged` says which are not
    above the tolerance that was asked for.
    """

    values: Float[Tensor, "*batch_and_input"]
    updates: int
    residuals: Float[Tensor, "*batch"]
    converged: Bool[Tensor, "*batch"]


def cgls(
    operator: LinearOperator,
    data: Float[Tensor, "*batch_and_output"],
    damping: float = 0.0,
    updates: int = 100,
    tolerance: float = 0.0,
    start: Float[Tensor, "*batch_and_input"] | None = None,
) -> LeastSquares:
    """Minimise ‖A x - b‖² + λ² ‖x - x₀‖² for every b of a batch.

    Args:
        operator: A.
        data: b, with any batch axes in front.
        damping: λ. It multiplies the identity: the penalty is λ² ‖x - x₀‖².
        updates: how often x is moved at most; the published codes of this field often count one more.
        tolerance: ‖remaining normal equations‖ / ‖those at the start‖ that is enough; never below rounding.
        start: x₀, zero if not given. It is also what the penalty draws to.

    Raises OperatorShapeError for data of another shape, ValueError for a negative damping.

    >>> from fredholm.solvers.linear_operator import MatrixOperator
    >>> A = MatrixOperator(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    >>> cgls(A, torch.tensor([4.0, 3.0]), updates=2).values.round(decimals=4).tolist()
    [2.0, 3.0]
    """
    if damping < 0 or updates < 0:
        raise ValueError(f"damping and updates are not negative, got {damping:g} and {updates}")
    axes = len(operator.input_shape)
    residual = data if start is None else data - operator(start)
    normal = operator.adjoint(residual)
    if start is not None and start.shape != normal.shape:
        raise OperatorShapeError(f"start of a least-squares solution: expected {normal.shape}, got {start.shape}")
    moved = torch.zeros_like(normal)
    direction, energy = normal, _square(normal, axes)
    first = energy.clamp_min(torch.finfo(energy.dtype).tiny)
    tolerance = max(tolerance, torch.finfo(energy.dtype).eps)  # below, numbers of the recursion mean nothing
    done = 0
    for done in range(updates + 1):
        going = energy > tolerance**2 * first
        if done == updates or not bool(going.any()):
            break
        image = operator(direction)
        curvature = _square(image, len(operator.output_shape)) + damping**2 * _square(direction, axes)
        step = torch.where(going & (curvature > 0), energy / curvature, 0.0)
        moved = moved + _spread(step, axes) * direction
        residual = residual - _spread(step, len(operator.output_shape)) * image
        normal = operator.adjoint(residual) - damping**2 * moved
        before, energy = energy, _square(normal, axes)
        direction = normal + _spread(torch.where(before > 0, energy / before, 0.0), axes) * direction
    left = (energy / first).sqrt()
    return LeastSquares(moved if start is None else start + moved, done, left, left <= tolerance)


def _square(values: Tensor, axes: int) -> Tensor:
    return values.square().flatten(values.ndim - axes).sum(-1)


def _spread(numbers: Tensor, axes: int) -> Tensor:
    return numbers.reshape(*numbers.shape, *[1] * axes)
