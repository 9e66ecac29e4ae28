"""Lanczos' method with full re-orthogonalisation: Ritz values and vectors of a symmetric operator.

    A V = V T + β v_{m+1} e_mᵀ,   V orthonormal,   T = S diag(θ) Sᵀ tridiagonal,   q_j = V s_j

Every new vector is made orthogonal to all before, twice; otherwise rounding brings found eigenvectors back as ghosts.
The start is A z with z normal, so that nothing lies in the null space.

Sources: Lanczos, J. Res. Nat. Bur. Standards 45 (1950); Parlett, "The symmetric eigenvalue problem" (1998), chapter 13;
Kaneda et al., "A deep conjugate direction method", ICML 2023, section 4, for the start.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.solvers.linear_operator import LinearOperator


@dataclass(frozen=True)
class RitzPairs:
    """Approximate eigenvalues θ, ascending, and orthonormal eigenvectors, in float64."""

    values: Float[Tensor, " m"]
    vectors: Float[Tensor, "m *shape"]


def ritz_pairs(A: LinearOperator, steps: int, seed: int = 0) -> RitzPairs:  # noqa: N803
    """Ritz pairs of a symmetric operator after at most `steps` applications; null vectors (θ < 10⁻⁸) are left out.

    Fewer are returned if the Krylov space is exhausted before.

    >>> from fredholm.solvers.linear_operator import MatrixOperator
    >>> diagonal = MatrixOperator(torch.diag(torch.tensor([1.0, 2.0, 5.0, 0.0])))
    >>> [round(float(value), 9) for value in ritz_pairs(diagonal, steps=4).values]
    [1.0, 2.0, 5.0]
    """
    z = torch.randn(A.input_shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    start = A(z).flatten()
    basis = torch.zeros(min(steps, len(start)), len(start), dtype=torch.float64)
    diagonal, beside = torch.zeros(len(basis), dtype=torch.float64), torch.zeros(len(basis), dtype=torch.float64)
    basis[0], made = start / start.norm(), len(basis)
    for k in range(len(basis)):
        image = A(basis[k].reshape(A.input_shape)).flatten()
        scale = image.norm()
        diagonal[k] = image @ basis[k]
        for _ in range(2):
            image = image - (basis[: k + 1] @ image) @ basis[: k + 1]
        beside[k] = image.norm()
        if beside[k] <= 1e-10 * scale:
            made = k + 1
            break
        if k + 1 < len(basis):
            basis[k + 1] = image / beside[k]
    off = beside[: made - 1]
    tridiagonal = torch.diag(diagonal[:made]) + torch.diag(off, 1) + torch.diag(off, -1)
    values, rotations = torch.linalg.eigh(tridiagonal)
    kept = values >= 1e-8
    vectors = rotations[:, kept].t() @ basis[:made]
    return RitzPairs(values[kept], vectors.reshape(-1, *A.input_shape))
