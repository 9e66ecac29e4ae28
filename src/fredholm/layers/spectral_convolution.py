"""Spectral convolution: multiply the low Fourier coefficients of a function by learned matrices.

    (K u)(x) = b + Σ_k exp(2πi k·x / L) W(k) û(k),        k within the kept modes

Source: Li, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar 2021, "Fourier neural operator for
parametric partial differential equations", eq. 4 and 5.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.fourier_basis import FourierBasis, fourier_basis
from fredholm.layers.spectral_weights import Dense, WeightFormat


class SpectralConvolution(nn.Module, Described):
    """Spectral convolution on grids in one, two or three dimensions; periodic.

    Args:
        inputs, outputs: channels.
        modes: number of frequencies kept along every axis, positive and negative together. A grid too coarse for
            them keeps those it can tell apart.
        weights: format of W; `Dense()` if not given.
        deviation: standard deviation of the entries of W and of b, √(2 / (inputs + outputs)) if not given.

    Attributes:
        kept: frequencies in use along every axis, counted as `modes`; all if None. Training may begin with few.

    >>> SpectralConvolution(2, 3, modes=(4, 4))(torch.zeros(5, 2, 16, 12)).shape
    torch.Size([5, 3, 16, 12])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        modes: Sequence[int],
        weights: WeightFormat | None = None,
        deviation: float | None = None,
    ) -> None:
        super().__init__()
        if not 1 <= len(modes) <= 3 or min(modes) < 1:
            raise ValueError(
                f"modes={tuple(modes)}: expected the number of modes of one to three axes, each at least 1"
            )
        deviation = math.sqrt(2 / (inputs + outputs)) if deviation is None else deviation
        self.modes = tuple(modes)
        self.kept: tuple[int, ...] | None = None
        stored = (*modes[:-1], modes[-1] // 2 + 1)
        self.weights = (weights or Dense()).weights(inputs, outputs, stored, deviation)
        self.bias = nn.Parameter(torch.randn(outputs) * deviation)

    def basis(self, shape: Sequence[int]) -> FourierBasis:
        """The transform on a grid of this shape."""
        return fourier_basis(self.weights.modes, tuple(shape), self.kept)

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        basis = self.basis(values.shape[2:])
        mixed = self.weights(basis.coefficients(values), basis.windows)
        return basis.values(mixed) + self.bias.reshape(-1, *[1] * len(self.modes))
