"""How observed values of a diffusing field change with the coefficient, by the adjoint method.

    A(a) u = f,   y = P u        ∂yⱼ/∂aᵢ = -λⱼᵀ (∂A/∂aᵢ) u,   A(a) λⱼ = Pⱼᵀ

One factorisation serves u and all λⱼ, since A is symmetric.

Source: Tarantola, "Inverse problem theory" (2005), section 6.22, for derivatives by adjoint equations.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from fredholm.solvers.finite_volume_diffusion import FiniteVolumeDiffusion
from fredholm.solvers.sparse_direct import factorised


class ObservedDiffusion:
    """From the coefficient of -div(a grad u) = f to u at some points.

    Args:
        solver: of the box, with its walls.
        source: f in every cell.
        weights: (observations, cells), by which an observation is a sum of the values of cells.

    >>> line = ObservedDiffusion(FiniteVolumeDiffusion((1.0,)), np.ones(4), np.eye(4)[:1])
    >>> values, jacobian = line.linearised(np.ones(4))
    >>> values.shape, jacobian.shape
    ((1,), (1, 4))
    """

    def __init__(
        self, solver: FiniteVolumeDiffusion, source: Float[ndarray, "*cells"], weights: Float[ndarray, "p n"]
    ) -> None:
        if weights.shape[1] != source.size:
            raise ValueError(f"observations weigh {weights.shape[1]} cells, the source has {source.size}")
        self.solver, self.source, self.weights = solver, source, weights

    def linearised(self, coefficient: Float[ndarray, "*cells"]) -> tuple[Float[ndarray, " p"], Float[ndarray, "p n"]]:
        """Observed values, and their derivative with respect to the coefficient of every cell."""
        stencil = self.solver.stencil(coefficient)
        right = (self.source + stencil.beyond).ravel()
        solved = factorised(stencil.sparse()).solve(np.column_stack([right, self.weights.T]))
        u, adjoints = solved[:, 0], solved[:, 1:].T
        return self.weights @ u, -self._products(coefficient, u, adjoints)

    def _products(self, coefficient: ndarray, u: ndarray, adjoints: ndarray) -> Any:
        """λⱼᵀ (∂(A u - beyond)/∂aᵢ), by automatic differentiation of the stencil."""
        shape = coefficient.shape
        a = torch.from_numpy(coefficient).expand(len(adjoints), *shape).clone().requires_grad_()
        stencil = self.solver.stencil(a)
        rest = stencil.apply(torch.from_numpy(u).reshape(shape).expand_as(a)) - stencil.beyond
        total = (torch.from_numpy(adjoints.copy()).reshape(-1, *shape) * rest).sum()
        return torch.autograd.grad(total, a)[0].flatten(1).numpy()
