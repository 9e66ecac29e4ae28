"""Nonlinear least squares whose unknowns are local to windows, but for a few that all windows share.

    min over θ₁, ..., θ_W, z of  Σ_w |r_w(θ_w, z)|²,      A_w = ∂r_w/∂θ_w,   B_w = ∂r_w/∂z

by Levenberg and Marquardt. The normal equations are block diagonal with a border, and the shared unknowns' are their
Schur complement

    S = Σ_w Bᵀ B - Bᵀ A (Aᵀ A)⁻¹ Aᵀ B,      cov z = S⁻¹

for residuals in units of their deviations. Cost grows as the number of windows.

Source: Nocedal, Wright, "Numerical optimization" (2006), chapter 10; Triggs, McLauchlan, Hartley, Fitzgibbon, "Bundle
adjustment", 2000, for the border.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

_SMALLEST, _LARGEST = 1e-10, 1e10  # damping


class BorderedProblem(ABC):
    """Residuals of windows and their derivatives, float64."""

    @property
    def precision(self) -> Float[Tensor, " n"]:
        """Of local unknowns before anything is measured, around where they start: 1 / variance, zero for no belief."""
        return torch.zeros(())

    @abstractmethod
    def residuals(self, local: Float[Tensor, "w n"], shared: Float[Tensor, " s"]) -> Float[Tensor, "w rows"]:
        """r, in deviations."""

    @abstractmethod
    def derivatives(
        self, local: Float[Tensor, "w n"], shared: Float[Tensor, " s"]
    ) -> tuple[Float[Tensor, "w rows n"], Float[Tensor, "w rows s"]]:
        """A and B."""


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Settings of the iteration.

    Args:
        iterations: at most.
        tolerance: ends when a step makes the cost smaller by less than this, a residual and in units of it.
        damping: λ at first, in units of the normal equations' diagonal.
        ridge: added to the local unknowns' squares, so that those that nothing determines stay.
    """

    iterations: int = 30
    tolerance: float = 3e-5
    damping: float = 1e-8
    ridge: float = 1e-8


@dataclass(frozen=True)
class BorderedSolution:
    """Unknowns, covariance of the shared ones, cost Σ r², and iterations taken."""

    local: Float[Tensor, "w n"]
    shared: Float[Tensor, " s"]
    covariance: Float[Tensor, "s s"]
    cost: float
    iterations: int


def bordered_least_squares(
    problem: BorderedProblem,
    local: Float[Tensor, "w n"],
    shared: Float[Tensor, " s"],
    settings: LevenbergMarquardt,
) -> BorderedSolution:
    """The minimum from a start."""
    damping, taken, believed = settings.damping, 0, _Belief(local, problem.precision)
    rest = problem.residuals(local, shared)
    cost = float(rest.square().sum())
    system = _System.of(problem, local, shared, rest, settings.ridge, believed)
    while taken < settings.iterations:
        taken += 1
        better = None
        while better is None and damping < _LARGEST:
            step, border = system.step(damping)
            tried = local + step, shared + border
            rest = problem.residuals(*tried)
            new = float(rest.square().sum()) + believed.cost(tried[0])
            if new < cost:
                better = new
            else:
                damping *= 10
        if better is None:
            break
        (local, shared), damping = tried, max(damping / 10, _SMALLEST)
        gain, cost = (cost - better) / (cost + rest.numel()), better
        system = _System.of(problem, local, shared, rest, settings.ridge, believed)
        if gain < settings.tolerance:
            break
    return BorderedSolution(local, shared, system.covariance(), cost, taken)


@dataclass(frozen=True)
class _Belief:
    """Where local unknowns are believed to be, and how firmly."""

    centre: Float[Tensor, "w n"]
    precision: Tensor

    def cost(self, local: Tensor) -> float:
        return float((self.precision * (local - self.centre).square()).sum())


@dataclass(frozen=True)
class _System:
    """Normal equations at a point."""

    inner: Float[Tensor, "w n n"]
    border: Float[Tensor, "w n s"]
    corner: Float[Tensor, "s s"]
    down: Float[Tensor, "w n"]
    down_shared: Float[Tensor, " s"]

    @classmethod
    def of(
        cls, problem: BorderedProblem, local: Tensor, shared: Tensor, rest: Tensor, ridge: float, believed: _Belief
    ) -> "_System":
        a, b = problem.derivatives(local, shared)
        inner = a.mT @ a
        scale = inner.diagonal(dim1=-2, dim2=-1).mean()
        inner.diagonal(dim1=-2, dim2=-1).add_(ridge * scale + believed.precision)
        pull = believed.precision * (local - believed.centre)
        return cls(
            inner,
            a.mT @ b,
            (b.mT @ b).sum(0),
            -(a.mT @ rest[..., None])[..., 0] - pull,
            -(b.mT @ rest[..., None]).sum(0)[:, 0],
        )

    def step(self, damping: float) -> tuple[Tensor, Tensor]:
        inner = self.inner + torch.diag_embed(damping * self.inner.diagonal(dim1=-2, dim2=-1))
        solved = self._solve(inner, torch.cat([self.border, self.down[..., None]], -1))
        of_border, of_down = solved[..., :-1], solved[..., -1:]
        corner = self.corner + torch.diag(damping * self.corner.diagonal() + 1e-12)
        schur = corner - (self.border.mT @ of_border).sum(0)
        right = self.down_shared - (self.border.mT @ of_down).sum(0)[:, 0]
        shared = torch.linalg.solve(schur, right)
        return of_down[..., 0] - of_border @ shared, shared

    def covariance(self) -> Float[Tensor, "s s"]:
        """S⁻¹, with eigenvalues that rounding alone left cut off."""
        schur = self.corner - (self.border.mT @ self._solve(self.inner, self.border)).sum(0)
        values, vectors = torch.linalg.eigh(schur)
        return (vectors / values.clamp_min(1e-12 * values.max())) @ vectors.T

    @staticmethod
    def _solve(matrix: Tensor, right: Tensor) -> Tensor:
        return torch.cholesky_solve(right, torch.linalg.cholesky(matrix))
