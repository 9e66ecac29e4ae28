"""Poisson's equation on unit cells of a box with solid cells, as a matrix-free operator and as a sparse matrix.

    (A p)ᵢ = Σ over neighbours j that are fluid of (pᵢ - pⱼ)  +  Σ over walls of the box that hold p of cᵢ pᵢ

This is -h² Δ p of a pressure in 1-D, 2-D or 3-D. Nothing passes into solid cells, whose rows are empty. A wall of the
box is `HELD` (p = 0 on the face, c = 2), `OPEN` (p = 0 at the centre of the next cell, c = 1) or `CLOSED` (c = 0). With
open walls all around n × n cells the least eigenvalue is 8 sin²(π / (2 (n + 1))).

Source: Kaneda, Akar, Chen, Alcaraz Kala, Hyde, Teran, "A deep conjugate direction method for iteratively solving linear
systems", ICML 2023, section 3, for the matrix.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fredholm.errors import OperatorShapeError
from fredholm.solvers.cell_stencil import CellStencil
from fredholm.solvers.constant_null_space import ConstantNullSpace
from fredholm.solvers.finite_volume_diffusion import CLOSED, FiniteVolumeDiffusion, Wall
from fredholm.solvers.linear_operator import LinearOperator

if TYPE_CHECKING:
    from scipy.sparse import csr_array

OPEN = Wall(transfer=2.0)  # p = 0 one cell away from the centre of the last cell


class BoxPoisson(LinearOperator):
    """A on the cells of a box, symmetric and positive semi-definite; it computes in the precision that it is given.

    Args:
        shape: numbers of cells.
        walls: of the box, at the lower and the upper end of every axis; all open, if not given.
        solid: which cells are solid; none, if not given.

    Raises OperatorShapeError for a mask of another shape.

    >>> line = BoxPoisson((3,), [(OPEN, CLOSED)])
    >>> line(torch.tensor([1.0, 2.0, 4.0])).tolist(), line.matrix().toarray().tolist()
    ([0.0, -1.0, 2.0], [[2.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 1.0]])
    """

    def __init__(
        self,
        shape: Sequence[int],
        walls: Sequence[tuple[Wall, Wall]] | None = None,
        solid: Bool[Tensor, "*cells"] | None = None,
    ) -> None:
        self.input_shape = self.output_shape = tuple(shape)
        solid = torch.zeros(self.input_shape, dtype=torch.bool) if solid is None else solid
        if tuple(solid.shape) != self.input_shape:
            raise OperatorShapeError(
                f"the mask of solid cells has shape {tuple(solid.shape)}, the box {self.input_shape}: give equal ones"
            )
        self.fluid = ~solid
        box = FiniteVolumeDiffusion(
            tuple(map(float, shape)), tuple(walls or [(OPEN, OPEN)] * len(self.input_shape)), CLOSED
        )
        self._stencil = box.stencil(torch.ones(self.input_shape, dtype=torch.float64, device=solid.device), self.fluid)
        self._typed: dict[tuple[torch.dtype, torch.device], CellStencil] = {}

    def matrix(self) -> "csr_array":
        """A as a SciPy sparse array in rows, cells in the order of memory, float64."""
        entries = [self._stencil.diagonal, *self._stencil.couplings]
        diagonal, *couplings = (values.cpu().numpy() for values in entries)
        return CellStencil(diagonal, tuple(couplings), None).sparse().tocsr()

    @cached_property
    def null_space(self) -> ConstantNullSpace:
        """Solid cells, and the parts of the fluid that no wall holds."""
        return ConstantNullSpace.of(self.matrix())

    def _forward(self, x: Float[Tensor, "*batch_and_input"]) -> Float[Tensor, "*batch_and_output"]:
        kind = (x.dtype, x.device)
        if kind not in self._typed:
            typed = (values.to(*kind[::-1]) for values in (self._stencil.diagonal, *self._stencil.couplings))
            diagonal, *couplings = typed
            self._typed[kind] = CellStencil(diagonal, tuple(couplings), None)
        return self._typed[kind].apply(x)

    def _adjoint(self, y: Float[Tensor, "*batch_and_output"]) -> Float[Tensor, "*batch_and_input"]:
        return self._forward(y)
