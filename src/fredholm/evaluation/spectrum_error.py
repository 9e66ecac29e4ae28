"""Error by frequency: which scales of a field an operator gets right.

    e(b) = (Σ |ê_k - s_k|² / Σ |s_k|²)^½,   over the wave numbers 2^b ≤ |k| < 2^(b+1), and |k| < 1 for the mean

ŝ are the coefficients of Fourier modes along periodic axes and of cosines along others, |k| counts half waves (whole
ones where periodic) across the box. A network trained on a mean square answers the large scales, and a small error may
hide that all fine ones are missing: there e is near 1.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes

_ROUNDING = 1e-12  # share of energy below which a float32 field has nothing but rounding


@dataclass(frozen=True)
class Band:
    """Wave numbers lower ≤ |k| < upper: relative error, and the share of the truth's energy that lies there."""

    lower: float
    upper: float
    error: float
    share: float


def errors_by_band(
    prediction: Float[Tensor, "n channels *shape"], truth: Float[Tensor, "n channels *shape"], domain: Domain
) -> tuple[Band, ...]:
    """Octaves that the grid holds, and that the truth has anything in.

    Raises SignatureError for a domain that is no grid, or product of grids.
    """
    axes = grid_axes(domain)
    counts = [
        torch.fft.fftfreq(axis.size, 1 / axis.size).abs() if axis.periodic else torch.arange(axis.size).float()
        for axis in axes
    ]
    size = torch.stack(torch.meshgrid(*counts, indexing="ij")).square().sum(0).sqrt()
    error, energy = (_energies(field, domain) for field in (prediction - truth, truth))
    edges = [0.0, *(2.0**octave for octave in range(int(np.log2(max(float(size.max()), 1.0))) + 2))]
    bands = []
    for lower, upper in pairwise(edges):
        here = (size >= lower) & (size < upper)
        norm = float(energy[here].sum())
        if norm > _ROUNDING * float(energy.sum()):
            relative = (float(error[here].sum()) / norm) ** 0.5
            bands.append(Band(lower, upper, relative, norm / float(energy.sum())))
    return tuple(bands)


def _energies(field: Tensor, domain: Domain) -> Float[Tensor, "*shape"]:
    """Squares of the orthonormal coefficients, summed over samples and channels."""
    from scipy.fft import dct, fft

    values = field.double().numpy()
    for place, axis in enumerate(grid_axes(domain), start=2):
        values = fft(values, axis=place, norm="ortho") if axis.periodic else dct(values, axis=place, norm="ortho")
    return torch.from_numpy((np.abs(values) ** 2).sum((0, 1)))
