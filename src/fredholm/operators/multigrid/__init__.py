"""Operators whose linear maps are multigrid V-cycles, and V-cycles as preconditioners."""

from fredholm.operators.multigrid.mgno import MgNO
from fredholm.operators.multigrid.preconditioner import as_preconditioner

__all__ = ["MgNO", "as_preconditioner"]
