"""Attention within windows of a latitude-longitude grid.

    v'_i = Σ_j softmax_j(s cos(q_i, k_j) + b(j - i) + mask_ij) v_j,      i, j in one window

Similarity is the cosine of query and key times a learned s ≤ 100 for each head. b is a small network of the offset d in
both directions, in logarithms sign(d) log(1 + |d|). In every other layer the windows are shifted by half their size:
along longitudes they then go around, while over the poles they would join the far south with the far north, which the
mask forbids.

Sources: Liu, Hu, Lin, Yao, Xie, Wei, Ning, Cao, Zhang, Dong, Wei, Guo, "Swin transformer V2: scaling up capacity and
resolution", CVPR 2022; windows on the sphere as in Willard, Harrington, Subramanian, Mahesh, O'Brien, Collins,
"Analyzing and exploring training recipes for large-scale transformer-based weather prediction", 2024.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.layers.architecture import Described
from fredholm.layers.constants import constant

_SHARPEST = math.log(100.0)


class WindowAttention(nn.Module, Described):
    """Multi-head attention within windows, of values with channels last.

    Args:
        width: channels.
        heads: number of heads, a divisor of the width.
        window: latitudes and longitudes of a window, divisors of the grid's.
        shifted: whether windows are shifted by half their size.
        hidden: width of the network for b.

    >>> WindowAttention(8, 2, (2, 4), shifted=True)(torch.zeros(3, 4, 8, 8)).shape
    torch.Size([3, 4, 8, 8])
    """

    offsets: Tensor
    pairs: Tensor

    def __init__(self, width: int, heads: int, window: Sequence[int], shifted: bool = False, hidden: int = 384) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads cannot share {width} channels: expected a divisor of them")
        self.heads, self.window, self.shifted = heads, (window[0], window[1]), shifted
        self.attend = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.sharpness = nn.Parameter(torch.full((heads, 1, 1), math.log(10.0)))
        self.position = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, heads))
        offsets, pairs = _offsets(*self.window)
        self.register_buffer("offsets", offsets, persistent=False)
        self.register_buffer("pairs", pairs, persistent=False)

    def forward(self, values: Float[Tensor, "batch lat lon width"]) -> Float[Tensor, "batch lat lon width"]:
        latitudes, longitudes, width = values.shape[1:]
        north, east = self.shift(latitudes, longitudes)
        rows, columns = latitudes // self.window[0], longitudes // self.window[1]
        moves = north or east
        attended = self.attend(values.roll((-north, -east), (1, 2)) if moves else values)
        # to (3, batch, rows, columns, heads, points of a window, channels of a head), in one copy
        split = attended.reshape(-1, rows, self.window[0], columns, self.window[1], 3, self.heads, width // self.heads)
        query, key, value = split.permute(5, 0, 1, 3, 6, 2, 4, 7).flatten(5, 6).unbind(0)
        sharpness = self.sharpness.clamp(max=_SHARPEST).exp()
        scores = (query * (sharpness * _inverse_norm(query))) @ (key * _inverse_norm(key)).transpose(-1, -2)
        bias = self.position(self.offsets).T[:, self.pairs]
        if north:
            bias = bias + _over_the_poles(rows, *self.window, north, like=bias)[:, None, None]
        mixed = (scores + bias).softmax(-1).to(value.dtype) @ value
        mixed = mixed.unflatten(4, self.window).permute(0, 1, 4, 2, 5, 3, 6).reshape(-1, latitudes, longitudes, width)
        mixed = self.project(mixed)
        return mixed.roll((north, east), (1, 2)) if moves else mixed

    def shift(self, latitudes: int, longitudes: int) -> tuple[int, int]:
        """By how many points windows are shifted; not in a direction in which there is but one."""
        if not self.shifted:
            return 0, 0
        height, length = self.window
        return height // 2 if latitudes > height else 0, length // 2 if longitudes > length else 0

    def require(self, domain: Domain, owner: str) -> None:
        """Raise SignatureError that names `owner` and the axis that windows do not divide."""
        for axis, size, side in zip(domain.coordinate_axes, domain.shape, self.window, strict=True):
            if size % side:
                raise SignatureError(
                    f"{owner} has windows of {side} points along {axis.name}, of which {domain!r} has {size}: "
                    f"expected a multiple of {side}, or other windows"
                )


def _inverse_norm(vectors: Tensor) -> Tensor:
    return torch.rsqrt(vectors.square().sum(-1, keepdim=True) + 1e-12)


def _offsets(height: int, length: int) -> tuple[Tensor, Tensor]:
    """All offsets between points of a window, as logarithms, and which of them each pair of points has."""
    latitude = np.arange(1 - height, height)[:, None] * np.ones(2 * length - 1)
    longitude = np.arange(1 - length, length) * np.ones((2 * height - 1, 1))
    offsets = np.stack([latitude.ravel(), longitude.ravel()], -1)
    row, column = np.divmod(np.arange(height * length), length)
    pairs = (row - row[:, None] + height - 1) * (2 * length - 1) + column - column[:, None] + length - 1
    logarithms = np.sign(offsets) * np.log1p(np.abs(offsets))
    return torch.from_numpy(logarithms).float(), torch.from_numpy(pairs)


@constant
def _over_the_poles(rows: int, height: int, length: int, shift: int) -> np.ndarray:
    """-∞ between points of the last row of windows that come from different poles, (rows, points, points)."""
    mask = np.zeros((rows, height * length, height * length))
    wrapped = np.arange(height * length) >= (height - shift) * length
    mask[-1][wrapped[:, None] != wrapped] = -np.inf
    return mask
