"""What the machine can do at most: copying memory, and multiplying matrices in float32.

Every other figure is to be read beside these. Copying is counted as STREAM does, at two passes over the values, on
arrays that no cache holds; products are of 1024 x 1024 matrices by torch, 2 n³ operations each.
"""

import numpy as np
import torch

from fredholm.bench.side_by_side import Figure, seconds_in_turn

_VALUES = 2**26  # 256 MiB in float32
_SIDE = 1024


def limits(rounds: int) -> list[Figure]:
    source, target = np.ones(_VALUES, np.float32), np.ones(_VALUES, np.float32)
    first, second, product = (torch.ones(_SIDE, _SIDE) for _ in range(3))
    seconds = seconds_in_turn(
        {
            "copy": lambda: np.copyto(target, source),
            "product": lambda: torch.mm(first, second, out=product),
        },
        rounds,
    )
    copied, operations = 2 * source.nbytes / seconds["copy"] / 1e9, 2 * _SIDE**3 / seconds["product"] / 1e9
    return [
        Figure("copying, one thread", copied, "GB/s", {"seconds": seconds["copy"]}, "s"),
        Figure("matrix products", operations, "10⁹ operations/s", {"seconds": seconds["product"]}, "s"),
    ]


PARTS = {"limits": limits}
