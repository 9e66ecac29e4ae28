"""Convolution with long filters block by block: uniformly partitioned overlap-save, with filters that may change.

A filter is cut into parts as long as a block. Of the input the spectra of the last blocks are kept, each of a window
of two blocks, and one output block is the second half of the inverse transform of Σₖ Xₙ₋ₖ Hₖ. Input spectra do not
depend on the filter, so that one block can be filtered by the filter before and the one after a change, and faded from
one to the other, at the cost of one more product.

Source: Wefers, "Partitioned convolution algorithms for real-time auralization", RWTH Aachen (2014), chapter 5.
"""

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from fredholm.errors import SignatureError


class PartitionedConvolver:
    """Filters a stream of mono blocks of `block` samples with filters of at most `taps` taps.

    >>> stream = PartitionedConvolver(block=4, taps=10)
    >>> stream.push(np.array([1.0, 0.0, 0.0, 0.0]))
    >>> np.round(stream.output(stream.spectra(np.arange(10.0))), 12).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """

    def __init__(self, block: int, taps: int) -> None:
        if block < 1 or taps < 1:
            raise ValueError(f"blocks of {block} samples and filters of {taps} taps: both must be 1 or more")
        self.block, self.parts = block, -(-taps // block)
        self._before = np.zeros(block)
        self._line = np.zeros((self.parts, block + 1), complex)

    def spectra(self, filters: Float[ndarray, "*batch taps"]) -> Shaped[ndarray, "*batch parts bins"]:
        """Spectra of the parts of filters, to be given to `output`; raises SignatureError for filters too long."""
        if filters.shape[-1] > self.parts * self.block:
            raise SignatureError(
                f"a filter of {filters.shape[-1]} taps is longer than the {self.parts * self.block} that were planned"
            )
        whole = np.zeros((*filters.shape[:-1], self.parts * self.block))
        whole[..., : filters.shape[-1]] = filters
        return np.fft.rfft(whole.reshape(*filters.shape[:-1], self.parts, self.block), 2 * self.block)

    def push(self, samples: Float[ndarray, " block"]) -> None:
        """Take in the next block of the input."""
        window = np.concatenate([self._before, samples])
        self._before = samples.copy()
        self._line = np.roll(self._line, 1, axis=0)
        self._line[0] = np.fft.rfft(window)

    def output(self, spectra: Shaped[ndarray, "*batch parts bins"]) -> Float[ndarray, "*batch block"]:
        """The block of output that goes with the block pushed last."""
        return np.fft.irfft((self._line * spectra).sum(-2))[..., self.block :]


def convolve(
    samples: Float[ndarray, " n"], response: Float[ndarray, "*batch taps"], block: int = 512
) -> Float[ndarray, "*batch m"]:
    """The whole convolution, m = n + taps - 1 samples, by blocks.

    >>> np.round(convolve(np.array([1.0, 2.0]), np.array([1.0, 1.0, 1.0]), block=2), 12).tolist()
    [1.0, 3.0, 3.0, 2.0]
    """
    count = len(samples) + response.shape[-1] - 1
    stream = PartitionedConvolver(block, response.shape[-1])
    spectra = stream.spectra(response)
    parts = []
    for start in range(0, count, block):
        piece = np.zeros(block)
        given = samples[start : start + block]
        piece[: len(given)] = given
        stream.push(piece)
        parts.append(stream.output(spectra))
    return np.concatenate(parts, axis=-1)[..., :count]
