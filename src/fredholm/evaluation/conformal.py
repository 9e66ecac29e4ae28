"""Split-conformal quantiles: bounds on a new score that hold for any distribution, with finitely many samples.

Of n + 1 exchangeable scores, let the first n be known and s₍₁₎ ≤ ... ≤ s₍ₙ₎ be their order. Then

    P(sₙ₊₁ ≤ s₍ₖ₎) ≥ k / (n + 1),   with k = ⌈(n + 1) level⌉ at least `level`,

and if no two scores are equal, it is below level + 1 / (n + 1). Given the n scores, it is a random number with the
distribution Beta(k, n + 1 - k).

Source: Vovk, Gammerman, Shafer, "Algorithmic learning in a random world", 2005; Lei, G'Sell, Rinaldo, Tibshirani,
Wasserman, "Distribution-free predictive inference for regression", JASA 113 (2018), theorem 2.2.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

from jaxtyping import Float
from torch import Tensor

from fredholm.errors import DataError


def conformal_rank(samples: int, level: float) -> int:
    """K = ⌈(n + 1) level⌉, exact for levels as they are written; raises DataError if n samples are too few for it.

    >>> conformal_rank(99, 0.9), conformal_rank(9, 0.9)
    (90, 9)
    """
    if not 0 < level < 1:
        raise DataError(f"a level lies between 0 and 1, such as 0.9 for 90 %; got {level}")
    written = Fraction(str(level))  # 0.9 as a binary number is a little more than 9 / 10, which would cost a rank
    rank = math.ceil((samples + 1) * written)
    if rank > samples:
        needed = math.ceil(written / (1 - written))
        raise DataError(f"level {level:g} needs at least {needed} calibration samples, there are {samples}")
    return rank


def conformal_quantile(scores: Float[Tensor, "n *points"], level: float) -> Float[Tensor, "*points"]:
    """The k-th smallest score, for every point by itself; raises DataError if there are too few scores.

    >>> import torch
    >>> conformal_quantile(torch.arange(1.0, 100.0), 0.9)
    tensor(90.)
    """
    return scores.kthvalue(conformal_rank(len(scores), level), dim=0).values


def feasible_levels(samples: int, wanted: Sequence[float] = (0.5, 0.8, 0.9, 0.95, 0.99)) -> tuple[float, ...]:
    """Those of the levels `wanted` that n samples can carry, rising.

    >>> feasible_levels(25)
    (0.5, 0.8, 0.9, 0.95)
    """
    return tuple(level for level in sorted(wanted) if level <= samples / (samples + 1))
