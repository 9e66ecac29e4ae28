"""Ranks of tensor formats from the fraction of the full tensor's numbers that they may hold.

Source: Kossaifi, Panagakis, Anandkumar, Pantic 2019, "TensorLy: tensor learning in Python", for the conventions.
"""

import math
from collections.abc import Sequence
from itertools import pairwise


def tucker_ranks(shape: Sequence[int], rank: float | Sequence[int]) -> tuple[int, ...]:
    """Ranks cI₁, cI₂, ... rounded, with c such that core and factors have the fraction `rank` of the full numbers.

    >>> tucker_ranks((64, 64, 64, 33), 0.1)
    (36, 36, 36, 19)
    """
    if not isinstance(rank, float | int):
        return _given(shape, rank, len(shape))
    from scipy.optimize import brentq

    size, squares = math.prod(shape), sum(n * n for n in shape)
    budget = _fraction(rank) * size
    fraction = brentq(lambda c: c ** len(shape) * size + c * squares - budget, 0.0, 2.0)
    return tuple(max(1, round(fraction * n)) for n in shape)


def cp_rank(shape: Sequence[int], rank: float | int) -> int:
    """Number of rank-one terms that have the fraction `rank` of the full numbers; an int is taken as it is.

    >>> cp_rank((64, 64, 64, 33), 0.1)
    3845
    """
    return rank if isinstance(rank, int) else max(1, round(_fraction(rank) * math.prod(shape) / sum(shape)))


def train_ranks(shape: Sequence[int], rank: float | Sequence[int]) -> tuple[int, ...]:
    """Inner ranks, each in proportion to the mean of the two sizes that it joins, for the fraction `rank` of numbers.

    >>> train_ranks((64, 64, 64, 33), 0.1)
    (87, 87, 66)
    """
    if not isinstance(rank, float | int):
        return _given(shape, rank, len(shape) - 1)
    means = [(a + b) / 2 for a, b in pairwise(shape)]
    quadratic = sum(means[i - 1] * shape[i] * means[i] for i in range(1, len(means)))
    linear = shape[0] * means[0] + shape[-1] * means[-1]
    constant = -_fraction(rank) * math.prod(shape)
    fraction = (math.sqrt(linear**2 - 4 * quadratic * constant) - linear) / (2 * quadratic)
    return tuple(max(1, round(mean * fraction)) for mean in means)


def _fraction(rank: float) -> float:
    if not 0 < rank <= 1:
        raise ValueError(f"rank={rank}: expected a fraction of the numbers in (0, 1], or a rank for every axis")
    return float(rank)


def _given(shape: Sequence[int], ranks: Sequence[int], count: int) -> tuple[int, ...]:
    if len(ranks) != count:
        raise ValueError(f"a tensor {tuple(shape)} needs {count} ranks, got {tuple(ranks)}")
    return tuple(ranks)
