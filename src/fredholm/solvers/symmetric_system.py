"""A symmetric linear system as it is handed in: of SciPy or of this toolkit, on NumPy's arrays or torch's tensors.

Inside, everything is a float64 tensor shaped like b. What cannot be a symmetric positive semi-definite system is
refused here, with what was found: |x·A y - y·A x| for random x and y, or x·A x < 0.
"""

import math
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from fredholm.errors import LinearSystemError, OperatorShapeError
from fredholm.solvers.box_poisson import BoxPoisson
from fredholm.solvers.constant_null_space import ConstantNullSpace
from fredholm.solvers.linear_operator import LinearOperator

Array: TypeAlias = ndarray | Tensor

_ASYMMETRY = 1e-6  # of |x·A y - y·A x| / (‖x‖ ‖A y‖); an operator that computes in float32 stays below


class SymmetricSystem:
    """A x = b, checked; `right` is b without its part in the null space, `removed` the relative norm of that part.

    Args:
        A: a LinearOperator, or what SciPy's `aslinearoperator` takes.
        b: right-hand side.

    Raises OperatorShapeError and LinearSystemError.
    """

    def __init__(self, A: Any, b: Array) -> None:  # noqa: N803
        from scipy.sparse import issparse
        from scipy.sparse.linalg import aslinearoperator

        self.applications = 0
        self._like = b
        self._null_space: ConstantNullSpace | None = None
        self._operator: Any
        if isinstance(A, LinearOperator):
            self._operator, self._shape = A, A.input_shape
            columns, rows = A.input_shape, A.output_shape
            if isinstance(A, BoxPoisson):
                self._null_space = A.null_space
        else:
            try:
                matrix = aslinearoperator(A)
            except TypeError as error:
                raise LinearSystemError(f"A of type {type(A).__name__} is no linear operator: {error}") from error
            self._operator = matrix
            rows, columns = ((side,) for side in matrix.shape)
            self._shape = columns
        if rows != columns:
            raise OperatorShapeError(f"A maps {columns} to {rows}; a symmetric system is square")
        size = math.prod(self._shape)
        flat = tuple(b.shape) == (size,) or (len(self._shape) == 1 and math.prod(b.shape) == size)
        if tuple(b.shape) != self._shape and not flat:
            raise OperatorShapeError(f"b has shape {tuple(b.shape)}, A is of {self._shape}: give b in that shape")
        if issparse(A):
            self._null_space = ConstantNullSpace.of(A)
        self._check_symmetry()
        whole = self.taken(b, "b")
        self.right = self._projected(whole)
        if float(self.right.norm()) <= 1e-14 * float(whole.norm()):  # nothing is left but rounding
            self.right = torch.zeros_like(whole)
        self.removed = float((whole - self.right).norm() / whole.norm().clamp_min(1e-300))

    def taken(self, values: Array, name: str) -> Tensor:
        """As float64, on the device of b; raises if it does not fit b or is not finite."""
        if tuple(values.shape) != tuple(self._like.shape):
            raise OperatorShapeError(f"{name} has shape {tuple(values.shape)}, b {tuple(self._like.shape)}")
        tensor = values if isinstance(values, Tensor) else torch.from_numpy(np.ascontiguousarray(values))
        if tensor.is_complex():
            raise LinearSystemError(f"{name} is complex; this solver is for real systems")
        tensor = tensor.detach().to(self._like.device if isinstance(self._like, Tensor) else "cpu", torch.float64)
        if not bool(torch.isfinite(tensor).all()):
            raise LinearSystemError(f"{name} has values that are not finite")
        return tensor

    def given(self, values: Tensor) -> Array:
        """In the kind of b, as a copy."""
        return values.clone() if isinstance(self._like, Tensor) else values.numpy(force=True).copy()

    def apply(self, x: Tensor) -> Tensor:
        """A x, counted."""
        self.applications += 1
        return self._apply(x)

    def residual(self, x: Tensor) -> Tensor:
        """What is left, b - A x, without rounding's part in the null space."""
        return self._projected(self.right - self.apply(x))

    def proposed(self, direction: Any, r: Tensor) -> Tensor:
        """What `direction` makes of r / ‖r‖, without its part in the null space."""
        from scipy.sparse.linalg import LinearOperator as ScipyOperator

        unit = self.given(r / r.norm())
        with torch.no_grad():
            if isinstance(direction, ScipyOperator):
                flat = unit.numpy(force=True) if isinstance(unit, Tensor) else unit
                made = direction.matvec(flat.reshape(-1)).reshape(unit.shape)
            else:
                made = direction(unit)
        return self._projected(self.taken(made, "a proposed direction"))

    def _apply(self, x: Tensor) -> Tensor:
        if isinstance(self._operator, LinearOperator):
            return self._operator(x.reshape(self._shape)).reshape(x.shape)
        image = self._operator.matvec(x.reshape(-1).numpy(force=True))
        return torch.from_numpy(np.asarray(image, np.float64)).to(x.device).reshape(x.shape)

    def _projected(self, values: Tensor) -> Tensor:
        return values if self._null_space is None else self._null_space.project(values)

    def _check_symmetry(self) -> None:
        shape, generator = tuple(self._like.shape), torch.Generator().manual_seed(0)
        device = self._like.device if isinstance(self._like, Tensor) else "cpu"
        x, y = torch.randn(2, *shape, generator=generator, dtype=torch.float64).to(device)
        of_x, of_y = self.apply(x), self.apply(y)
        if not bool(torch.isfinite(of_x).all()):
            raise LinearSystemError("A makes values that are not finite of random ones")
        asymmetry = abs(float((x * of_y).sum() - (y * of_x).sum()))
        if asymmetry > _ASYMMETRY * float(x.norm() * of_y.norm()):
            raise LinearSystemError(
                f"A is not symmetric: |x·A y - y·A x| = {asymmetry:.3g} for random x and y, with ‖x‖ ‖A y‖ = "
                f"{float(x.norm() * of_y.norm()):.3g}; use GMRES or least squares"
            )
        curvature = float((x * of_x).sum())
        if curvature < 0:
            raise LinearSystemError(f"A is not positive definite: d·A d = {curvature:.3g} for a random d")
