"""Conjugate directions that anything may propose: a network, a preconditioner, or the residual itself.

    d = f(r / ‖r‖),   d ← d - Σ_p p (d·A p) / (p·A p)  over the last directions p,   x ← x + d (r·d) / (d·A d)

With e the error of x, every step has ‖e‖²_A ← ‖e‖²_A - (r·d)² / (d·A d), so that nothing that f says makes x worse.
f = identity is the method of conjugate gradients, f = M⁻¹ preconditioned conjugate gradients, f = A⁻¹ takes one step, a
network makes the deep conjugate direction method: a truncated flexible method of conjugate gradients.

Sources: Kaneda, Akar, Chen, Alcaraz Kala, Hyde, Teran, "A deep conjugate direction method for iteratively solving
linear systems", ICML 2023, algorithm 1; Notay, "Flexible conjugate gradients", SIAM J. Sci. Comput. 22 (2000).
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fredholm.errors import LinearSystemError
from fredholm.solvers.symmetric_system import Array, SymmetricSystem

Direction = Callable[[Any], Any]

_WINDOW = 8  # steps over which progress is judged: ‖r‖ may rise while the error in the A-norm falls
_ROUNDING = 1e-10


@dataclass(frozen=True)
class DirectedSolution:
    """What was found, and at what cost.

    `removed` is the part of b, relative to its norm, that lies in the null space of A and has no solution; the rest is
    b here. `residuals` are ‖b - A x‖ / ‖b‖ before the first and after each iteration, the last one recomputed from x in
    float64; `applications` counts A, two of which check its symmetry; `proposals` counts calls of the direction.
    """

    x: Any
    residuals: tuple[float, ...]
    applications: int
    proposals: int
    converged: bool
    removed: float

    @property
    def iterations(self) -> int:
        """Steps taken."""
        return len(self.residuals) - 1


def dcdm(
    A: Any,  # noqa: N803
    b: Array,
    direction: Direction,
    x0: Array | None = None,
    *,
    rtol: float = 1e-4,
    maxiter: int = 100,
    directions: int = 2,
    callback: Callable[[Array], object] | None = None,
    stall: float = 0.95,
) -> DirectedSolution:
    """Solve A x = b for a symmetric positive (semi-)definite A along proposed directions.

    Args:
        A: a LinearOperator, a SciPy sparse matrix or a SciPy LinearOperator.
        b: of NumPy or torch, of any shape that fits A.
        direction: from a residual of unit norm, an array like b, to a direction of any length and sign.
        x0: start; zero, if not given.
        rtol: of ‖b - A x‖ / ‖b‖.
        maxiter: iterations at most.
        directions: stored; 0 forgets them all, which is the steepest descent along what is proposed.
        callback: is given x after every iteration.
        stall: when 8 steps have left more than this share of the least ‖r‖ each, the residual itself is the direction,
            as of conjugate gradients: for 8 steps, when it happens again for 16, and so on. Infinity switches it off.

    Constants in the null space of a sparse matrix or a BoxPoisson are projected away, component by component.

    Raises OperatorShapeError for arrays that do not fit, and LinearSystemError for values that are not finite and for
    an A that is not symmetric or has d·A d < 0, with what was found.

    >>> import numpy as np
    >>> from scipy.sparse import diags_array
    >>> solution = dcdm(diags_array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 4.0]), lambda r: r, rtol=1e-12)
    >>> solution.x.round(9).tolist(), solution.iterations, solution.converged
    ([1.0, 1.0, 1.0], 3, True)
    """
    system = SymmetricSystem(A, b)
    scale = float(system.right.norm())
    x = torch.zeros_like(system.right) if x0 is None else system.taken(x0, "x0")
    r = system.right if x0 is None else system.residual(x)
    residuals, exact = [_over(r, scale)], True  # whether r was made from x, and not by the recursion
    previous: deque[_Step] = deque(maxlen=directions)
    proposals, plain, burst = 0, 0, _WINDOW
    while len(residuals) <= maxiter and not (exact and residuals[-1] <= rtol):
        trusted = plain == 0
        if trusted:
            proposals, d = proposals + 1, system.proposed(direction, r)
        else:
            plain, d = plain - 1, r
        step = _conjugated(system, d, previous)
        if step.energy <= 0:  # rounding: the direction is a combination of those before
            previous.clear()
            step = _conjugated(system, r, previous)
            if step.energy <= 0:
                break
        length = float((r * step.direction).sum()) / step.energy
        x = x + length * step.direction
        r = r - length * step.image
        previous.append(step)
        residuals.append(_over(r, scale))
        exact = residuals[-1] <= rtol
        if exact:
            r = system.residual(x)
            residuals[-1] = _over(r, scale)
        if trusted and _stalled(residuals, stall):
            plain, burst = burst, 2 * burst
        if callback is not None:
            callback(system.given(x))
    if not exact:
        residuals[-1] = _over(system.residual(x), scale)
    return DirectedSolution(
        system.given(x), tuple(residuals), system.applications, proposals, residuals[-1] <= rtol, system.removed
    )


@dataclass(frozen=True)
class _Step:
    direction: Tensor
    image: Tensor
    energy: float  # d·A d; zero for a direction that is nothing but rounding


def _conjugated(system: SymmetricSystem, d: Tensor, previous: Iterable[_Step]) -> _Step:
    """A-orthogonal to the directions before; raises LinearSystemError for d·A d < 0."""
    before = float(d.norm())
    for step in previous:
        d = d - float((d * step.image).sum()) / step.energy * step.direction
    image = system.apply(d)
    energy, size = float((d * image).sum()), float(d.norm() * image.norm())
    if energy < -_ROUNDING * size:
        raise LinearSystemError(
            f"A is not positive definite: d·A d = {energy:.3g} for a direction with ‖d‖ ‖A d‖ = {size:.3g}; use MINRES"
        )
    return _Step(d, image, energy if float(d.norm()) > _ROUNDING * before else 0.0)


def _stalled(residuals: list[float], stall: float) -> bool:
    before, lately = residuals[:-_WINDOW], residuals[-_WINDOW:]
    return bool(before) and min(lately) > stall**_WINDOW * min(before)


def _over(r: Tensor, scale: float) -> float:
    return float(r.norm()) / scale if scale else 0.0 if not bool(r.any()) else math.inf
