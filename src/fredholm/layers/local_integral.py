"""Local integral convolution: a kernel that is a function on a ball, sampled by whatever grid the values lie on.

    (K v)(x) = b + ∫_B κ(y) v(x + y) dy,    κ = Σ_b W_b φ_b,    B = {y : Σᵢ (yᵢ / rᵢ)² < 1}

The φ_b are hats in the radius times the squared direction cosines of one half axis: one function in the middle, and
2d on each further ring. On a grid of spacing h the integral is the trapezoidal sum over offsets j h, and each φ_b is
divided by its own sum, so that constants are mapped to Σ_b W_b times them on every grid. Outside the box v is zero.

Sources: Ocampo, Price, McEwen, "Scalable and equivariant spherical CNNs by discrete-continuous convolutions", 2023;
Liu-Schiaffini, Berner, Bonev, Kurth, Azizzadenesheli, Anandkumar, "Neural operators with localized integral and
differential kernels", 2024, section 3.2. Squared direction cosines in place of hats in the angle make the same count of
functions in two dimensions and carry over to one and three.
"""

import functools
import math
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.layers.architecture import Described
from fredholm.layers.constants import constant
from fredholm.layers.convolution import convolved
from fredholm.layers.extent import Extent


class LocalIntegralConvolution(nn.Module, Described):
    """Integral against a learned kernel on a ball of fixed size.

    Args:
        inputs, outputs: channels.
        extent: the box.
        radius: rᵢ for each axis, or one for all, in units of the box; at most half of a periodic axis.
        rings: number of radii at which the kernel is free, the middle among them.
        bias: whether a constant is added to every channel.

    >>> layer = LocalIntegralConvolution(1, 2, Extent([1.0, 1.0], [True, True]), radius=0.2)
    >>> layer(torch.zeros(3, 1, 32, 32)).shape, layer(torch.zeros(3, 1, 64, 64)).shape
    (torch.Size([3, 2, 32, 32]), torch.Size([3, 2, 64, 64]))
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        extent: Extent,
        radius: float | Sequence[float],
        rings: int = 2,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.extent, self.rings = extent, rings
        self.radii = tuple(radius) if isinstance(radius, Sequence) else (radius,) * extent.dimension
        for length, periodic, r in zip(extent.lengths, extent.periodic, self.radii, strict=True):
            if periodic and r > length / 2:
                raise ValueError(f"a ball of radius {r} meets itself on a periodic axis of length {length}")
        self._basis = _basis_on(extent, self.radii, rings)
        functions = 1 + 2 * extent.dimension * (rings - 1)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, functions) / math.sqrt(inputs * functions))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        kernel = torch.tensordot(self.weight, self._basis(*values.shape[2:], like=self.weight), dims=1)
        reach = [size // 2 for size in kernel.shape[2:]]
        if not all(self.extent.periodic):
            values = values * self.extent.shares(values.shape[2:], values)
        return convolved(values, kernel, self.bias, self.extent.periodic, reach)

    def require(self, shape: Sequence[int]) -> None:
        """Raise SignatureError if a grid of this shape over the box is too coarse to sample the kernel."""
        for axis, (h, r) in enumerate(zip(self.extent.spacing(shape), self.radii, strict=True)):
            if h * max(1, self.rings / 2) >= r:
                raise SignatureError(
                    f"axis {axis} has a spacing of {h:.3g}, too coarse for {self.rings} rings within a radius of "
                    f"{r:.3g}: expected less than {r / max(1, self.rings / 2):.3g}; refine it or enlarge the radius"
                )


def _reach(radii: Sequence[float], spacing: Sequence[float]) -> list[int]:
    """Grid points inside the ball along each half axis; one at its very edge, where the kernel vanishes, is not."""
    return [math.ceil(r / h - 1e-9) - 1 for r, h in zip(radii, spacing, strict=True)]


@functools.cache
def _basis_on(extent: Extent, radii: tuple[float, ...], rings: int) -> Callable[..., Tensor]:
    """The functions φ_b, by the shape of the grid."""
    # a function of sizes alone: in a compiled graph, other numbers need not be known
    return constant(lambda *shape: _basis(extent.spacing(shape), radii, rings))


def _basis(spacing: Sequence[float], radii: Sequence[float], rings: int) -> np.ndarray:
    """The functions φ_b at the offsets of a grid, each with sum 1: (functions, *offsets)."""
    dimension = len(radii)
    reach = _reach(radii, spacing)
    along = [np.arange(-k, k + 1) * h / r for k, h, r in zip(reach, spacing, radii, strict=True)]
    offsets = np.stack(np.meshgrid(*along, indexing="ij"))
    distance = np.sqrt((offsets**2).sum(0))
    direction = offsets / np.where(distance > 0, distance, 1)

    def hat(ring: int) -> np.ndarray:
        return np.clip(1 - np.abs(rings * distance - ring), 0, None)

    functions = [hat(0)]
    for ring, axis, sign in product(range(1, rings), range(dimension), (1, -1)):
        functions.append(hat(ring) * np.clip(sign * direction[axis], 0, None) ** 2)
    return np.stack([function / function.sum() for function in functions])
