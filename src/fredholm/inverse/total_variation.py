"""Total variation: reconstruction that keeps edges, by the primal-dual method of Chambolle and Pock.

    min_x  ‖A x - b‖² / 2 + w Σ_i |(∇x)_i|₂

∇ takes forward differences, zero at the far ends, in every axis of the field; |·|₂ is over the axes at one point. Both
terms are dualised, so that only A, Aᵀ, ∇ and ∇ᵀ are applied, and the steps need no more than ‖A‖² + 4 d.

Sources: Rudin, Osher, Fatemi, "Nonlinear total variation based noise removal algorithms", 1992; Chambolle, Pock, "A
first-order primal-dual algorithm for convex problems with applications to imaging", 2011.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import InverseProblemError
from fredholm.inverse.plug_and_play import Stopping
from fredholm.inverse.reconstruction import Reconstruction
from fredholm.solvers.linear_operator import LinearOperator


class Gradient(LinearOperator):
    """Forward differences along every axis, stacked in front: (d, *shape), zero at the far ends.

    >>> Gradient((3,))(torch.tensor([1.0, 4.0, 6.0])).tolist()
    [[3.0, 2.0, 0.0]]
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.input_shape, self.output_shape = shape, (len(shape), *shape)

    def _forward(self, x: Float[Tensor, "*batch_and_input"]) -> Float[Tensor, "*batch_and_output"]:
        axes = len(self.input_shape)
        parts = [
            torch.cat([x.diff(dim=axis), torch.zeros_like(x.narrow(axis, 0, 1))], axis) for axis in range(-axes, 0)
        ]
        return torch.stack(parts, -1 - axes)

    def _adjoint(self, y: Float[Tensor, "*batch_and_output"]) -> Float[Tensor, "*batch_and_input"]:
        axes = len(self.input_shape)
        total = torch.zeros_like(y.select(-1 - axes, 0))
        for part, axis in zip(y.unbind(-1 - axes), range(-axes, 0), strict=True):
            inner = part.narrow(axis, 0, part.shape[axis] - 1)
            edge = torch.zeros_like(part.narrow(axis, 0, 1))
            total = total + torch.cat([edge, inner], axis) - torch.cat([inner, edge], axis)
        return total


def total_variation(
    operator: LinearOperator,
    data: Float[Tensor, "*batch_and_output"],
    weight: float,
    stopping: Stopping | None = None,
) -> Reconstruction:
    """Minimise ‖A x - b‖² / 2 + w TV(x) for every b of a batch.

    Raises OperatorShapeError for data of another shape, InverseProblemError for a negative weight.

    >>> from fredholm.inverse import IdentityOperator
    >>> step = torch.tensor([0.0, 0.0, 1.0, 1.0])
    >>> total_variation(IdentityOperator((4,)), step, weight=0.1).values
    tensor([0.0500, 0.0500, 0.9500, 0.9500])
    """
    if weight < 0:
        raise InverseProblemError(f"the weight of the total variation is not negative, got {weight:g}")
    axes, batch = len(operator.input_shape), data.ndim - len(operator.output_shape)
    stopping, gradient = stopping or Stopping(500), Gradient(operator.input_shape)
    step = 0.99 / (operator.norm() ** 2 + 4 * axes) ** 0.5
    x = operator.adjoint(data)
    extrapolated, misfit, slopes = x, torch.zeros_like(data), torch.zeros_like(gradient(x))
    residuals, objectives = [], []
    for _ in range(stopping.iterations):
        misfit = (misfit + step * (operator(extrapolated) - data)) / (1 + step)
        slopes = slopes + step * gradient(extrapolated)
        slopes = slopes * (weight / slopes.norm(dim=-1 - axes, keepdim=True).clamp_min(1e-30)).clamp_max(1.0)
        moved = x - step * (operator.adjoint(misfit) + gradient.adjoint(slopes))
        extrapolated = 2 * moved - x
        change = (moved - x).flatten(batch).norm(dim=-1)
        residuals.append(change / moved.flatten(batch).norm(dim=-1).clamp_min(1e-12))
        x = moved
        variation = gradient(x).norm(dim=-1 - axes).flatten(batch).sum(-1)
        objectives.append((operator(x) - data).flatten(batch).square().sum(-1) / 2 + weight * variation)
        if bool((residuals[-1] <= stopping.tolerance).all()):
            break
    return Reconstruction(x, torch.stack(residuals), torch.stack(objectives), residuals[-1] <= stopping.tolerance)
