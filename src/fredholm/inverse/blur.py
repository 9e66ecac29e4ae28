"""Blur that closes on itself: circular convolution with a kernel, by the Fourier transform, and its true adjoint.

    (K x)[i] = Σ_j k[j] x[i - j mod n]        K = F⁻¹ diag(k̂) F        Kᵀ = F⁻¹ diag(k̂*) F

The adjoint is correlation: the kernel turned by 180°, which is the kernel transposed only if it is symmetric.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fredholm.errors import OperatorShapeError
from fredholm.layers.architecture import Described
from fredholm.solvers.linear_operator import LinearOperator


class CircularConvolution(LinearOperator):
    """Convolution of fields of `shape` with `kernel`, whose middle is at index size // 2 of each axis.

    Batch and channels are leading axes. Raises OperatorShapeError for a kernel of other axes, or larger than the field.

    >>> shift = CircularConvolution(torch.tensor([0.0, 0.0, 1.0]), (4,))
    >>> shift(torch.tensor([1.0, 2.0, 3.0, 4.0])).tolist()
    [4.0, 1.0, 2.0, 3.0]
    """

    def __init__(self, kernel: Float[Tensor, "*sizes"], shape: Sequence[int]) -> None:
        self.input_shape = self.output_shape = tuple(shape)
        sizes = tuple(kernel.shape)
        if len(sizes) != len(self.input_shape) or any(k > n for k, n in zip(sizes, self.input_shape, strict=True)):
            raise OperatorShapeError(f"a kernel of {sizes} points does not fit into a field of {self.input_shape}")
        padded = torch.zeros(self.input_shape, dtype=torch.float64)
        padded[tuple(slice(size) for size in sizes)] = kernel.detach().to(torch.float64)
        dims = tuple(range(padded.ndim))
        self.spectrum = torch.fft.rfftn(padded.roll([-(size // 2) for size in sizes], dims))

    def _forward(self, x: Float[Tensor, "*batch_and_input"]) -> Float[Tensor, "*batch_and_output"]:
        return self.filtered(x, self.spectrum)

    def _adjoint(self, y: Float[Tensor, "*batch_and_output"]) -> Float[Tensor, "*batch_and_input"]:
        return self.filtered(y, self.spectrum.conj())

    def filtered(
        self, values: Float[Tensor, "*batch_and_input"], spectrum: Complex[Tensor, "*half"] | Float[Tensor, "*half"]
    ) -> Float[Tensor, "*batch_and_input"]:
        """F⁻¹ diag(spectrum) F values, for a spectrum like `self.spectrum`."""
        dims = tuple(range(-len(self.input_shape), 0))
        transformed = torch.fft.rfftn(values, dim=dims)
        return torch.fft.irfftn(transformed * spectrum.to(transformed.dtype), self.input_shape, dim=dims)

    def tikhonov(self, data: Float[Tensor, "*batch_and_output"], damping: float) -> Float[Tensor, "*batch_and_input"]:
        """(KᵀK + λ² I)⁻¹ Kᵀ y exactly: every mode times k̂* / (|k̂|² + λ²), which is at most 1 / (2 λ).

        Raises OperatorShapeError for data of another shape, ValueError for λ = 0 where K has no inverse.

        >>> blur = GaussianBlur((8, 8), sigma=0.5, size=3)
        >>> x = torch.rand(8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        >>> float((blur.tikhonov(blur(x), damping=1e-6) - x).abs().max()) < 1e-6
        True
        """
        if tuple(data.shape[-len(self.output_shape) :]) != self.output_shape:
            raise OperatorShapeError(f"data of a blur: expected (..., {self.output_shape}), got {tuple(data.shape)}")
        power = self.spectrum.abs().square() + damping**2
        if damping < 0 or float(power.min()) == 0:
            raise ValueError(f"a damping of {damping:g} does not make this blur invertible: take a positive one")
        return self.filtered(data, self.spectrum.conj() / power)


class GaussianBlur(CircularConvolution, Described):
    """Convolution with exp(-|j|² / 2σ²), cut to `size` points an axis and of sum 1.

    Args:
        shape: of the field.
        sigma: σ in points.
        size: points of the kernel an axis, odd; 2 ⌈4 σ⌉ + 1, or what fits, if not given.

    >>> blur = GaussianBlur((16, 16), sigma=1.3, size=11)
    >>> float(blur(torch.ones(16, 16)).mean().round(decimals=5)), blur.adjoint_defect() < 1e-14
    (1.0, True)
    """

    def __init__(self, shape: Sequence[int], sigma: float, size: int | None = None) -> None:
        if sigma <= 0:
            raise ValueError(f"the width of a Gaussian is positive, got {sigma:g}")
        if size is None:
            size = min(2 * math.ceil(4 * sigma) + 1, min(shape) - 1 + min(shape) % 2)
        offsets = torch.arange(size, dtype=torch.float64) - size // 2
        line = torch.exp(-offsets.square() / (2 * sigma**2))
        kernel = line / line.sum()
        for _ in range(len(shape) - 1):
            kernel = kernel.unsqueeze(-1) * line / line.sum()
        super().__init__(kernel, shape)


class MotionBlur(CircularConvolution, Described):
    """Average along a straight segment, as of a camera that moves: 2-D, of `length` points at `angle`.

    Args:
        shape: of the field, two axes.
        length: of the segment in points.
        angle: in degrees, from the second axis towards the first.

    >>> MotionBlur((8, 8), length=3, angle=0)(torch.eye(8)).sum(0).round(decimals=4).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, shape: Sequence[int], length: float, angle: float) -> None:
        if length <= 0:
            raise ValueError(f"the length of a motion is positive, got {length:g}")
        half = math.ceil(length / 2) + 1
        kernel = torch.zeros(2 * half + 1, 2 * half + 1, dtype=torch.float64)
        count = 20 * math.ceil(length)
        along = (torch.arange(count, dtype=torch.float64) + 0.5) / count * length - length / 2
        radians = math.radians(angle)
        rows, columns = half - along * math.sin(radians), half + along * math.cos(radians)
        for row_of, row_weight in _neighbours(rows):
            for column_of, column_weight in _neighbours(columns):
                kernel.index_put_((row_of, column_of), row_weight * column_weight / count, accumulate=True)
        super().__init__(kernel, shape)


def _neighbours(places: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The two points beside each place, with the weights of linear interpolation."""
    below = places.floor()
    share = places - below
    return [(below.long(), 1 - share), (below.long() + 1, share)]
