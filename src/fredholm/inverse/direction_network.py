"""A convolutional network that looks at a residual and proposes a direction d ~ A⁻¹ r, on boxes of any size.

    pair:   b = C(a),  a ← C(b) + a,   C(a) = ReLU(conv₃(a))
    on a grid:   pairs,  keep a,  halve the grid by averages,  the same there,  nearest neighbours back,  add a,  pairs

All convolutions have 3 points an axis, biases and zeros beyond the box, which is what a wall that holds p = 0 means.

Source: Kaneda, Akar, Chen, Alcaraz Kala, Hyde, Teran, "A deep conjugate direction method for iteratively solving linear
systems", ICML 2023, section 5 and figure 2, where there are two grids.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from fredholm.errors import SignatureError
from fredholm.layers.architecture import Described

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_POOL = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)


class DirectionNetwork(nn.Module, Described):
    """Residuals of unit norm to directions; fully convolutional, with sides that need not be powers of two.

    Args:
        dim: of the box, 1 to 3.
        channels: on all grids.
        levels: grids, each of half the points an axis of the one before.
        pairs: before and after the coarser grids; twice as many on the coarsest.

    Raises SignatureError for another dimension, or no level.

    >>> network = DirectionNetwork(dim=2, channels=16, levels=3, pairs=2)
    >>> sum(weight.numel() for weight in network.parameters()), network(torch.zeros(4, 50, 64)).shape
    (55857, torch.Size([4, 50, 64]))
    """

    def __init__(self, dim: int, channels: int = 16, levels: int = 3, pairs: int = 2) -> None:
        super().__init__()
        if not (1 <= dim <= len(_CONVOLUTIONS) and levels >= 1):
            raise SignatureError(f"a direction network has 1 to 3 axes and a level or more, got {dim} and {levels}")
        self.dim, self.levels = dim, levels
        convolution = _CONVOLUTIONS[dim - 1]
        self.lift = convolution(1, channels, 3, padding=1)
        self.down = nn.ModuleList(_pairs(convolution, channels, pairs) for _ in range(levels - 1))
        self.coarsest = _pairs(convolution, channels, 2 * pairs)
        self.up = nn.ModuleList(_pairs(convolution, channels, pairs) for _ in range(levels - 1))
        self.project = convolution(channels, 1, 1)

    def forward(self, residual: Float[Tensor, "batch *cells"]) -> Float[Tensor, "batch *cells"]:
        cells = residual.shape[1:]
        beyond = [-side % 2 ** (self.levels - 1) for side in cells]
        padding = [end for extra in reversed(beyond) for end in (0, extra)]
        state = self.lift(functional.pad(residual, padding).unsqueeze(1))
        kept = []
        for down in self.down:
            state = down(state)
            kept.append(state)
            state = _POOL[self.dim - 1](state, 2)
        state = self.coarsest(state)
        for up in self.up:
            state = up(functional.interpolate(state, scale_factor=2, mode="nearest") + kept.pop())
        inside = (slice(None), *(slice(0, side) for side in cells))
        return self.project(state).squeeze(1)[inside]


class _Pair(nn.Module):
    """a ↦ C(C(a)) + a."""

    def __init__(self, convolution: type[nn.Module], channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels, 3, padding=1)
        self.second = convolution(channels, channels, 3, padding=1)

    def forward(self, state: Tensor) -> Tensor:
        return torch.relu(self.second(torch.relu(self.first(state)))) + state


def _pairs(convolution: type[nn.Module], channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(_Pair(convolution, channels) for _ in range(count)))
