"""Poisson's equation on a box of cells, exactly and in n log n operations, by cosine and sine transforms.

    Δφ = f,   ∂φ/∂n = 0 on closed sides,   φ = 0 on open ones

The five-point Laplacian of cell-centred values, its ghost cells mirrored (closed) or negated (open), has products of
cosines or sines for eigenvectors: those of the transforms DCT-II, DCT-IV, DST-IV and DST-II, by which ends are open.
With all sides closed a solution needs a right-hand side of mean zero, and has mean zero here.

Source: Buzbee, Golub, Nielson, "On direct methods for solving Poisson's equations", SIAM J. Numer. Anal. 7 (1970);
Strang, "The discrete cosine transform", SIAM Review 41 (1999), for the ends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy import fft

Transform = Callable[..., ndarray]


@dataclass(frozen=True)
class _Modes:
    """The eigenvectors of an axis: their transform, its inverse, and k of the eigenvalues -(2 sin(π k / 2n) / h)²."""

    forward: Transform
    inverse: Transform
    first: float


_MODES = {  # by whether the lower and the upper end are open
    (False, False): _Modes(partial(fft.dct, type=2), partial(fft.idct, type=2), 0.0),
    (False, True): _Modes(partial(fft.dct, type=4), partial(fft.idct, type=4), 0.5),
    (True, False): _Modes(partial(fft.dst, type=4), partial(fft.idst, type=4), 0.5),
    (True, True): _Modes(partial(fft.dst, type=2), partial(fft.idst, type=2), 1.0),
}


@dataclass(frozen=True)
class FastPoisson:
    """Δφ = f on a box of cells.

    Args:
        shape: cells along each axis.
        spacing: their sides.
        ends: for each axis, whether its lower and its upper end are open (φ = 0 there, not ∂φ/∂n = 0).

    >>> poisson = FastPoisson((4, 8), (0.25, 0.125), ((False, False), (False, True)))
    >>> f = np.arange(32.0).reshape(4, 8)
    >>> bool(np.allclose(poisson.laplacian(poisson.solve(f)), f))
    True
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    ends: tuple[tuple[bool, bool], ...]

    def solve(self, right: Float[ndarray, "*shape"]) -> Float[ndarray, "*shape"]:
        """φ; where all sides are closed, of mean zero, and the mean of f is left out."""
        axes = [_MODES[ends] for ends in self.ends]
        values = right
        for axis, modes in enumerate(axes):
            values = modes.forward(values, axis=axis)
        values = values * self._inverse_symbol
        for axis, modes in enumerate(axes):
            values = modes.inverse(values, axis=axis, overwrite_x=True)
        return values

    def laplacian(self, values: Float[ndarray, "*shape"]) -> Float[ndarray, "*shape"]:
        """Δφ with the ghost cells of the sides."""
        total = np.zeros_like(values)
        for axis, (h, ends) in enumerate(zip(self.spacing, self.ends, strict=True)):
            along = np.moveaxis(values, axis, 0)
            lower, upper = (-along[end] if is_open else along[end] for end, is_open in zip((0, -1), ends, strict=True))
            ghosted = np.concatenate([lower[None], along, upper[None]])
            total += np.moveaxis(np.diff(ghosted, 2, axis=0), 0, axis) / h**2
        return total

    @cached_property
    def _inverse_symbol(self) -> Float[ndarray, "*shape"]:
        symbol = np.zeros(self.shape)
        for axis, (n, h, ends) in enumerate(zip(self.shape, self.spacing, self.ends, strict=True)):
            k = _MODES[ends].first + np.arange(n)
            along = -((2 / h * np.sin(np.pi * k / (2 * n))) ** 2)
            symbol += along.reshape(-1, *[1] * (len(self.shape) - axis - 1))
        with np.errstate(divide="ignore"):
            return np.where(symbol == 0, 0.0, 1 / symbol)
