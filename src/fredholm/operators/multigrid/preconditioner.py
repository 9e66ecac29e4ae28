"""V-cycles as preconditioners of Krylov methods: V ≈ A⁻¹, for SciPy's `cg`, `gmres` and their like.

The method certifies, the V-cycle only proposes: a learned one costs iterations where it is bad, never accuracy.

Source: Trottenberg, Oosterlee, Schüller, "Multigrid", 2001, section 7.8.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.layers.multigrid import MultigridLinear

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator


def as_preconditioner(layer: MultigridLinear) -> "LinearOperator":
    """The V-cycle as a square matrix on vectors, channel after channel and each in C order.

    `cg` needs it symmetric and positive definite. A classical V-cycle is, with as many smoothings after the correction
    as before it, a symmetric smoother, and full weighting with multilinear interpolation. The transpose is exact.

    Raises SignatureError for a layer that is not square or not linear.

    >>> from scipy.sparse.linalg import cg
    >>> solution, _ = cg(matrix, right_hand_side, M=as_preconditioner(layer))  # doctest: +SKIP
    """
    from scipy.sparse.linalg import LinearOperator

    if layer.inputs != layer.channels or layer.cycle.bias:
        raise SignatureError(
            f"a preconditioner is a square matrix; this V-cycle maps {layer.inputs} channels to {layer.channels}"
            f"{' and adds a bias' if layer.cycle.bias else ''}"
        )
    like = next(layer.parameters())
    size = layer.inputs * math.prod(layer.shape)

    def on_grid(vector: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(vector)).to(like).reshape(1, layer.inputs, *layer.shape)

    def product(vector: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return _flat(layer(on_grid(vector)))

    def transposed_product(vector: np.ndarray) -> np.ndarray:
        anywhere = torch.zeros_like(on_grid(vector)).requires_grad_()
        (gradient,) = torch.autograd.grad(layer(anywhere), anywhere, on_grid(vector))
        return _flat(gradient)

    dtype = np.dtype(str(like.dtype).removeprefix("torch."))
    return LinearOperator((size, size), matvec=product, rmatvec=transposed_product, dtype=dtype)


def _flat(values: Tensor) -> np.ndarray:
    array: np.ndarray = values.reshape(-1).cpu().numpy()
    return array
