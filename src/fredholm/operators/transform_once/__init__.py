"""Transform Once: operators learned on coefficients, and what functions need of them."""

from fredholm.operators.transform_once.reduced_order import irreducible_error, select_modes
from fredholm.operators.transform_once.t1 import T1

__all__ = ["T1", "irreducible_error", "select_modes"]
