"""Sound through a filter that changes along the way, without clicks.

    y[n] = Σₘ hₙ[m] x[n - m],   hₙ = (1 - w) Hₖ + w Hₖ₊₁  for n = (k + w) hop

Filters are known every `hop` samples and are faded linearly from one to the next; so the output is a continuous
function of the path, and the exact time-varying convolution with filters that move linearly between those given.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from fredholm.deploy.sound.partitioned_convolution import PartitionedConvolver


def filtered_along(
    samples: Float[ndarray, " n"],
    filter_at: Callable[[int], Float[ndarray, "channels taps"]],
    taps: int,
    hop: int,
) -> Float[ndarray, "channels m"]:
    """Output of m = n + taps - 1 samples; `filter_at(k)` is the filter at sample k hop, asked for once each, in order.

    >>> same = filtered_along(np.ones(4), lambda k: np.ones((1, 2)), taps=2, hop=2)
    >>> np.round(same, 12).tolist()
    [[1.0, 2.0, 2.0, 2.0, 1.0]]
    """
    count = len(samples) + taps - 1
    stream = PartitionedConvolver(hop, taps)
    after = stream.spectra(filter_at(0))
    rise = np.arange(hop) / hop
    parts = []
    for k, start in enumerate(range(0, count, hop)):
        before, after = after, stream.spectra(filter_at(k + 1))
        piece = np.zeros(hop)
        given = samples[start : start + hop]
        piece[: len(given)] = given
        stream.push(piece)
        parts.append((1 - rise) * stream.output(before) + rise * stream.output(after))
    return np.concatenate(parts, axis=-1)[..., :count]
