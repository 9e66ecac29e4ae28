"""Multi-grid patching: cut a field into patches, each with coarser and coarser views of what lies around it.

For levels l, a grid is cut into 2ˡ patches along every axis. Patch q of an axis with n points, s = n / 2ˡ, and p points
of padding, sees

    level 0:   points  q s - p,  ...,  (q + 1) s + p - 1
    level j:   points  2ʲ c, 2ʲ (c + 1), ...,    as many, centred on the patch

so that level j covers 2ʲ times the extent at 2ʲ times the spacing, and the last level the whole domain. Levels become
channels, patches samples: a network on patches needs memory for a patch, not for the domain, and yet sees all of it.

Source: Kossaifi, Kovachki, Azizzadenesheli, Anandkumar 2023, "Multi-grid tensorized Fourier neural operator for
high-resolution PDEs", section 3.2.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.layers.architecture import Described
from fredholm.layers.constants import constant

Fold = Callable[[np.ndarray, int], np.ndarray]


class PatchBoundary(Described, ABC):
    """Which point stands for one beyond the ends of an axis."""

    @property
    @abstractmethod
    def rows(self) -> Callable[..., Tensor]:
        """Which points of an axis the patches see at a level, (patches, points of a patch): see `_rows_by`."""


def _rows_by(fold: Fold) -> Callable[..., Tensor]:
    """Index tables of a boundary that folds indices of `size` points into 0, ..., size - 1."""

    @constant
    def rows(size: int, levels: int, level: int, padding: int) -> np.ndarray:
        parts, step = 2**levels, 2**level
        side, coarse = size // parts, size // step
        width = side + (parts - 1) * side // step  # of all patches together, at this level
        starts = np.arange(parts) * side // step - math.ceil((width - coarse) / 2) - padding
        indices = starts[:, None] + np.arange(side + 2 * padding)
        return step * fold(indices, coarse)

    return rows


def _mirrored(indices: np.ndarray, size: int) -> np.ndarray:
    period = max(2 * (size - 1), 1)
    folded = indices % period
    return np.minimum(folded, period - folded)


_WRAPPED = _rows_by(lambda indices, size: indices % size)
_CLAMPED = _rows_by(lambda indices, size: np.clip(indices, 0, size - 1))
_MIRRORED = _rows_by(_mirrored)


class Wrapped(PatchBoundary):
    """The axis closes on itself: for periodic domains."""

    rows = property(lambda self: _WRAPPED)


class Clamped(PatchBoundary):
    """Values beyond an end are those at the end."""

    rows = property(lambda self: _CLAMPED)


class Mirrored(PatchBoundary):
    """The axis is reflected at its end points."""

    rows = property(lambda self: _MIRRORED)


class MultigridPatching(Described):
    """Patches of a field with their coarser views, and the field that patches make.

    Args:
        levels: l; 0 leaves the field as it is, but for padding.
        padding: p as a fraction of the whole side, rounded to points.
        boundary: what lies beyond the ends; `Wrapped()` if not given.

    >>> patching = MultigridPatching(levels=1, padding=0.125)
    >>> patches = patching.patch(torch.zeros(3, 2, 64, 64))
    >>> patches.shape  # 4 patches a sample, 2 levels of 2 channels, 64 / 2 + 2 * 8 points a side
    torch.Size([12, 4, 48, 48])
    >>> patching.unpatch(patches[:, :1], (64, 64)).shape
    torch.Size([3, 1, 64, 64])
    """

    def __init__(self, levels: int, padding: float = 0.0, boundary: PatchBoundary | None = None) -> None:
        if levels < 0 or not 0 <= padding < 1:
            raise ValueError(f"levels={levels}, padding={padding}: expected levels of 0 or more, padding in [0, 1)")
        self.levels, self.padding, self.boundary = levels, padding, boundary or Wrapped()

    @property
    def views(self) -> int:
        """How many times the channels of the field a patch has."""
        return self.levels + 1

    def require(self, shape: Sequence[int]) -> None:
        """Raise SignatureError for a grid that cannot be cut."""
        parts = 2**self.levels
        for axis, size in enumerate(shape):
            if size % parts or (self.levels and (size // parts) % parts):
                raise SignatureError(
                    f"axis {axis} has {size} points; {self.levels} levels of patches need a multiple of {parts**2}"
                )

    def patch_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Points of a patch, padding included."""
        return tuple(size // 2**self.levels + 2 * round(self.padding * size) for size in shape)

    def patch(
        self, values: Float[Tensor, "batch channels *shape"]
    ) -> Float[Tensor, "batch_patches channels_views *patch"]:
        """Patches as samples, the patches of one sample after the other; levels as groups of channels."""
        self.require(values.shape[2:])
        return torch.cat([self._view(values, level) for level in range(self.views)], dim=1)

    def unpatch(
        self, patches: Float[Tensor, "batch_patches channels *patch"], shape: Sequence[int]
    ) -> Float[Tensor, "batch channels *shape"]:
        """The field of this shape that the inner points of the patches make."""
        axes, parts = len(shape), 2**self.levels
        for axis, size in enumerate(shape):
            patches = patches.narrow(2 + axis, round(self.padding * size), size // parts)
        apart = patches.unflatten(0, (-1, *[parts] * axes))
        # batch, patches of every axis, channels, points of every axis -> batch, channels, (patch, point) of every axis
        order = [0, 1 + axes]
        for axis in range(axes):
            order += [1 + axis, 2 + axes + axis]
        return apart.permute(order).reshape(-1, patches.shape[1], *shape)

    def _view(self, values: Tensor, level: int) -> Tensor:
        axes = values.ndim - 2
        like = values.new_empty(0, dtype=torch.int64)
        for axis, size in enumerate(values.shape[2:]):
            rows = self.boundary.rows(size, self.levels, level, round(self.padding * size), like=like)
            here = 2 + 2 * axis  # batch, the patches so far, channels, the points of the axes so far
            values = values.index_select(here, rows.flatten()).unflatten(here, rows.shape).movedim(here, 1 + axis)
        return values.flatten(0, axes)
