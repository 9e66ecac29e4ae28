"""Reconstruction with a proximal operator in the loop: proximal gradient, ADMM and Douglas-Rachford splitting.

    gradient:           x ← f(x - η Aᵀ(A x - b))                        lowers ‖A x - b‖² / 2 + R(x) / η
    ADMM:               x ← argmin ‖A x - b‖² / 2 + ρ ‖x - z + u‖² / 2,   u ← u + x - z,   z ← f(x + u)
    Douglas-Rachford:   x ← argmin ‖A x - b‖² / 2 + ρ ‖x - w‖² / 2,   z ← f(2 x - w),   w ← w + z - x

f = prox_R. The last two seek minima of ‖A x - b‖² / 2 + ρ R(x). The network is trained once, for no operator in
particular; with noise of standard deviation s on b and a network trained with σ, the posterior mode has ρ = s² / σ².

With an exact proximal operator and η ≤ 1 / ‖A‖² the objective of the gradient method never rises, even if R is not
convex. ADMM on an R that is not convex wants a large ρ.

Sources: Venkatakrishnan, Bouman, Wohlberg, "Plug-and-play priors", 2013; Attouch, Bolte, Svaiter, 2013 (descent); Fang,
Buchanan, Sulam, "What's in a prior?", 2024, section 4.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import InverseProblemError
from fredholm.inverse.proximal import ProximalOperator
from fredholm.inverse.reconstruction import Reconstruction
from fredholm.solvers.cgls import cgls
from fredholm.solvers.linear_operator import LinearOperator


@dataclass(frozen=True)
class Stopping:
    """At most so many iterations, fewer once every sample changes by no more than the relative tolerance."""

    iterations: int = 200
    tolerance: float = 1e-6


@dataclass(frozen=True)
class InnerSolver:
    """Conjugate gradients for the quadratic step of ADMM and Douglas-Rachford splitting."""

    updates: int = 30
    tolerance: float = 1e-8


def pnp_pgd(
    operator: LinearOperator,
    data: Float[Tensor, "*batch_and_output"],
    prior: ProximalOperator,
    step: float | None = None,
    *,
    start: Float[Tensor, "*batch_and_input"] | None = None,
    stopping: Stopping = Stopping(),
) -> Reconstruction:
    """Plug-and-play proximal gradient descent.

    Args:
        operator: A.
        data: b, with any batch axes in front.
        prior: f.
        step: η; 0.95 / ‖A‖² if not given. It also sets the weight 1 / η of R.
        start: x₀; Aᵀb if not given.
        stopping: when it is enough.

    Raises OperatorShapeError for data of another shape, InverseProblemError for a step that is not positive, or a prior
    for other fields.

    >>> from fredholm.inverse import IdentityOperator, SoftThreshold
    >>> pnp_pgd(IdentityOperator((2,)), torch.tensor([3.0, 0.5]), SoftThreshold(1.0), step=1.0).values.tolist()
    [2.0, 0.0]
    """
    step = 0.95 / operator.norm() ** 2 if step is None else step
    if step <= 0:
        raise InverseProblemError(f"the step η of a gradient method is positive, got {step:g}")
    fixed: float = step

    def advance(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        moved = x - fixed * operator.adjoint(operator(x) - data)
        answer = prior(moved)
        return answer, answer, moved

    first = operator.adjoint(data) if start is None else start
    return _iterated(operator, data, prior, 1 / step, first, advance, stopping)


def pnp_admm(
    operator: LinearOperator,
    data: Float[Tensor, "*batch_and_output"],
    prior: ProximalOperator,
    rho: float,
    *,
    start: Float[Tensor, "*batch_and_input"] | None = None,
    stopping: Stopping = Stopping(),
    inner: InnerSolver = InnerSolver(),
) -> Reconstruction:
    """Plug-and-play ADMM in the order x, u, z; the answer is z, which the prior has made.

    Args:
        operator: A.
        data: b, with any batch axes in front.
        prior: f.
        rho: ρ, the weight of R.
        start: z₀; Aᵀb if not given.
        stopping: when it is enough; the residual is of (z, u) together.
        inner: of the quadratic step.

    Raises as `pnp_pgd` does.
    """
    axes = len(operator.input_shape)

    def advance(state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z, u = state.unbind(-1 - axes)
        x = _quadratic(operator, data, z - u, rho, inner)
        moved = x + (u + x - z)
        answer = prior(moved)
        return torch.stack([answer, u + x - z], -1 - axes), answer, moved

    first = operator.adjoint(data) if start is None else start
    state = torch.stack([first, torch.zeros_like(first)], -1 - axes)
    return _iterated(operator, data, prior, rho, state, advance, stopping)


def pnp_drs(
    operator: LinearOperator,
    data: Float[Tensor, "*batch_and_output"],
    prior: ProximalOperator,
    rho: float,
    *,
    start: Float[Tensor, "*batch_and_input"] | None = None,
    stopping: Stopping = Stopping(),
    inner: InnerSolver = InnerSolver(),
) -> Reconstruction:
    """Plug-and-play Douglas-Rachford splitting; the arguments are those of `pnp_admm`, `start` is w₀."""

    def advance(w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = _quadratic(operator, data, w, rho, inner)
        moved = 2 * x - w
        answer = prior(moved)
        return w + answer - x, answer, moved

    first = operator.adjoint(data) if start is None else start
    return _iterated(operator, data, prior, rho, first, advance, stopping)


def _quadratic(operator: LinearOperator, data: Tensor, centre: Tensor, rho: float, inner: InnerSolver) -> Tensor:
    """The minimiser of ‖A x - b‖² + ρ ‖x - centre‖²."""
    if rho <= 0:
        raise InverseProblemError(f"the weight ρ is positive, got {rho:g}")
    return cgls(operator, data, rho**0.5, inner.updates, inner.tolerance, start=centre).values


def _iterated(
    operator: LinearOperator,
    data: Tensor,
    prior: ProximalOperator,
    weight: float,
    state: Tensor,
    advance: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]],
    stopping: Stopping,
) -> Reconstruction:
    """`advance` takes a state to the next one, the prior's answer in it, and the point that the prior was given."""
    axes, batch = len(operator.input_shape), data.ndim - len(operator.output_shape)
    residuals, objectives = [], []
    answer = state
    with torch.no_grad():
        for _ in range(stopping.iterations):
            moved, answer, given = advance(state)
            change = (moved - state).flatten(batch).norm(dim=-1)
            residuals.append(change / moved.flatten(batch).norm(dim=-1).clamp_min(1e-12))
            state = moved
            regulariser = prior.value(given, answer, axes)
            if regulariser is not None:
                misfit = (operator(answer) - data).flatten(batch).square().sum(-1) / 2
                objectives.append(misfit + weight * regulariser)
            if bool((residuals[-1] <= stopping.tolerance).all()):
                break
    objective = torch.stack(objectives) if objectives else None
    return Reconstruction(answer, torch.stack(residuals), objective, residuals[-1] <= stopping.tolerance)
