"""Direct solution of sparse linear systems, by elimination in an order that fills little."""

from typing import Any


def factorised(matrix: Any, definite: bool = True) -> Any:
    """SciPy's factors of a sparse matrix, whose `solve` takes right-hand sides (n,) or (n, k).

    Args:
        matrix: square, of structure symmetric about its diagonal.
        definite: whether it is symmetric and positive definite, and so needs no pivoting.

    >>> import numpy as np
    >>> from scipy.sparse import diags_array
    >>> factorised(diags_array([2.0, 4.0])).solve(np.ones(2)).tolist()
    [0.5, 0.25]
    """
    from scipy.sparse.linalg import splu

    if not definite:
        return splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A")
    # a symmetric definite matrix needs no pivoting, and fills least when ordered by its own graph
    return splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
