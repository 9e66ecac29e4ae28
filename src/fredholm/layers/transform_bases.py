"""Bases of real functions on [0, 1] and their discrete transforms, as matrix products.

With quadrature weights w on the n points of an axis, Σᵢ wᵢ = 1, each basis is orthonormal on every grid,

    Σᵢ wᵢ φⱼ(xᵢ) φₖ(xᵢ) = δⱼₖ,        analysis  ûₖ = Σᵢ wᵢ φₖ(xᵢ) u(xᵢ),        synthesis  u(xᵢ) = Σₖ ûₖ φₖ(xᵢ)

so that ‖u‖² = Σₖ ûₖ² (Parseval), and coefficients of one function on two grids are the same numbers up to aliasing. The
orthonormal matrices of signal processing are w^½ φ: for points of equal weight 1/n their coefficients are n^½ ûₖ.

For m of n modes two matrix products are cheaper than a fast transform, and the discarded modes are never computed.

| basis         | functions             | points        | for functions that      | discrete transform |
|---------------|-----------------------|---------------|-------------------------|--------------------|
| `RealFourier` | 1, cos 2πjx, sin 2πjx | i/n           | are periodic            | DFT, real form     |
| `Cosine`      | cos πkx               | (i + 1/2)/n   | have no slope at walls  | DCT-II             |
| `Sine`        | sin πkx               | (i + 1/2)/n   | vanish at walls         | DST-II             |
| `NodalCosine` | cos πkx               | i/(n - 1)     | have no slope at walls  | DCT-I              |
| `NodalSine`   | sin πkx               | i/(n - 1)     | vanish at walls         | DST-I              |

Coefficients of a smooth function fall faster than any power of k in the basis that suits its ends, else only like k⁻²
(cosines) or k⁻¹ (sines).

Source: Strang, "The discrete cosine transform", SIAM Review 41 (1999).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.grid import Axis
from fredholm.layers.architecture import Described
from fredholm.layers.constants import constant


class TransformBasis(Described, ABC):
    """Orthonormal functions along one axis, as constants with the precision and device of a tensor t.

    `weights(points, like=t)` is w, (points,); `functions(points, modes, like=t)` the values φₖ(xᵢ), (points, modes);
    `analysis(points, modes, like=t)` the matrix of wᵢ φₖ(xᵢ), (modes, points); `one(modes, like=t)` the coefficients
    of the constant function 1 on the continuous axis; `waves(modes, like=t)` how many waves each function has.

    >>> import torch
    >>> basis, u = RealFourier(), torch.ones(8)
    >>> coefficients = basis.analysis(8, 3, like=u) @ u
    >>> torch.allclose(coefficients, torch.tensor([1.0, 0.0, 0.0]), atol=1e-6)
    True
    """

    weights: ClassVar[Callable[..., Tensor]]
    functions: ClassVar[Callable[..., Tensor]]
    analysis: ClassVar[Callable[..., Tensor]]
    one: ClassVar[Callable[..., Tensor]]
    waves: ClassVar[Callable[..., Tensor]]

    @abstractmethod
    def capacity(self, points: int) -> int:
        """How many of the functions that many points tell apart."""

    def require(self, axis: Axis, modes: int) -> None:
        """Raise SignatureError if `axis` cannot carry the first `modes` functions."""
        if self.capacity(axis.size) < modes:
            raise SignatureError(
                f"axis {axis.name!r} has {axis.size} points, which tell {self.capacity(axis.size)} functions of "
                f"{type(self).__name__} apart; expected at least {modes}: keep fewer modes, or refine the grid"
            )


def _transform(
    table: Callable[[int, int], np.ndarray], weights: Callable[[int], np.ndarray]
) -> tuple[staticmethod, staticmethod, staticmethod]:
    """Weights, functions (points, modes), and their adjoint in the inner product Σ w u v."""

    def analysis(points: int, modes: int) -> np.ndarray:
        return (table(points, modes) * weights(points)[:, None]).T

    return staticmethod(constant(weights)), staticmethod(constant(table)), staticmethod(constant(analysis))


def _equal(points: int) -> np.ndarray:
    return np.full(points, 1 / points)


def _trapezoidal(points: int) -> np.ndarray:
    weights = np.full(points, 1 / (points - 1))
    weights[[0, -1]] /= 2
    return weights


def _centres(points: int) -> np.ndarray:
    return (np.arange(points) + 0.5) / points


def _nodes(points: int) -> np.ndarray:
    return np.arange(points) / (points - 1)


def _fourier(points: int, modes: int) -> np.ndarray:
    wave, x = _whole_waves(modes), np.arange(points) / points
    phase = 2 * np.pi * np.outer(x, wave)
    values = np.sqrt(2) * np.where(np.arange(modes) % 2, np.cos(phase), np.sin(phase))
    values[:, :1] = 1.0
    values[:, 2 * wave == points] /= np.sqrt(2)  # the alternating function has values ±1
    return values


def _cosine(points: int, modes: int) -> np.ndarray:
    values = np.sqrt(2) * np.cos(np.pi * np.outer(_centres(points), np.arange(modes)))
    values[:, :1] = 1.0
    return values


def _sine(points: int, modes: int) -> np.ndarray:
    values = np.sqrt(2) * np.sin(np.pi * np.outer(_centres(points), np.arange(1, modes + 1)))
    values[:, points - 1 :] /= np.sqrt(2)  # the alternating function has values ±1
    return values


def _nodal_cosine(points: int, modes: int) -> np.ndarray:
    values = np.sqrt(2) * np.cos(np.pi * np.outer(_nodes(points), np.arange(modes)))
    values[:, :1] = 1.0
    values[:, points - 1 :] /= np.sqrt(2)  # the alternating function has values ±1
    return values


def _nodal_sine(points: int, modes: int) -> np.ndarray:
    return np.sqrt(2) * np.sin(np.pi * np.outer(_nodes(points), np.arange(1, modes + 1)))


def _whole_waves(modes: int) -> np.ndarray:
    return (np.arange(modes) + 1) // 2


def _half_waves(modes: int) -> np.ndarray:
    return np.arange(modes) / 2


def _half_waves_from_one(modes: int) -> np.ndarray:
    return np.arange(1, modes + 1) / 2


def _first(modes: int) -> np.ndarray:
    """1 = φ₀."""
    return np.eye(1, modes)[0]


def _odd(modes: int) -> np.ndarray:
    """∫ √2 sin πkx dx = 2√2 / (πk) for odd k = 1, 3, ..., else 0."""
    k = np.arange(1, modes + 1)
    return np.where(k % 2, 2 * np.sqrt(2) / (np.pi * k), 0.0)


class RealFourier(TransformBasis):
    """1, √2 cos 2πx, √2 sin 2πx, √2 cos 4πx, ...: for periodic functions."""

    weights, functions, analysis = _transform(_fourier, _equal)
    one, waves = staticmethod(constant(_first)), staticmethod(constant(_whole_waves))

    def capacity(self, points: int) -> int:
        return points

    def require(self, axis: Axis, modes: int) -> None:
        super().require(axis, modes)
        _require_ends(self, axis, periodic=True)


class Cosine(TransformBasis):
    """1, √2 cos πx, √2 cos 2πx, ... at the centres of n cells: the DCT-II.

    On a periodic axis the points are taken for centres, which shifts the cut by half a cell; on an axis that includes
    its ends the functions are off by as much, and `NodalCosine` is not.
    """

    weights, functions, analysis = _transform(_cosine, _equal)
    one, waves = staticmethod(constant(_first)), staticmethod(constant(_half_waves))

    def capacity(self, points: int) -> int:
        return points


class Sine(TransformBasis):
    """√2 sin πx, √2 sin 2πx, ... at the centres of n cells: the DST-II."""

    weights, functions, analysis = _transform(_sine, _equal)
    one, waves = staticmethod(constant(_odd)), staticmethod(constant(_half_waves_from_one))

    def capacity(self, points: int) -> int:
        return points


class NodalCosine(TransformBasis):
    """1, √2 cos πx, √2 cos 2πx, ... at n points that include both ends: the DCT-I, by the trapezoidal rule."""

    weights, functions, analysis = _transform(_nodal_cosine, _trapezoidal)
    one, waves = staticmethod(constant(_first)), staticmethod(constant(_half_waves))

    def capacity(self, points: int) -> int:
        return points

    def require(self, axis: Axis, modes: int) -> None:
        super().require(axis, modes)
        _require_ends(self, axis, periodic=False)


class NodalSine(TransformBasis):
    """√2 sin πx, √2 sin 2πx, ... at n points that include both ends, where all of them vanish: the DST-I."""

    weights, functions, analysis = _transform(_nodal_sine, _trapezoidal)
    one, waves = staticmethod(constant(_odd)), staticmethod(constant(_half_waves_from_one))

    def capacity(self, points: int) -> int:
        return points - 2

    def require(self, axis: Axis, modes: int) -> None:
        super().require(axis, modes)
        _require_ends(self, axis, periodic=False)


def basis_for(axis: Axis) -> TransformBasis:
    """The basis for functions on `axis` of which no more is known: Fourier if periodic, else cosines on its nodes."""
    return RealFourier() if axis.periodic else NodalCosine()


def analysed(
    values: Float[Tensor, "*batch"], bases: Sequence[TransformBasis], modes: Sequence[int]
) -> Float[Tensor, "*other"]:
    """Coefficients (..., *modes) of values (..., *shape), one basis an axis."""
    first = values.ndim - len(modes)
    for i in reversed(range(len(modes))):  # the last axis first, which is the cheapest to contract
        matrix = bases[i].analysis(values.shape[first + i], modes[i], like=values)
        values = along(values, matrix, first + i)
    return values


def synthesised(
    coefficients: Float[Tensor, "*batch"], bases: Sequence[TransformBasis], shape: Sequence[int]
) -> Float[Tensor, "*other"]:
    """Values (..., *shape) of coefficients (..., *modes), one basis an axis."""
    first = coefficients.ndim - len(shape)
    for i in range(len(shape)):  # the last axis last
        matrix = bases[i].functions(shape[i], coefficients.shape[first + i], like=coefficients)
        coefficients = along(coefficients, matrix, first + i)
    return coefficients


def mean_square(values: Float[Tensor, "*batch"], bases: Sequence[TransformBasis]) -> Float[Tensor, "*other"]:
    """‖u‖² = Σ w u² of values (..., *shape) in the inner product of the bases, over their axes."""
    squared = values.square()
    for basis in reversed(bases):
        squared = squared @ basis.weights(squared.shape[-1], like=values)
    return squared


def along(values: Float[Tensor, "*batch"], matrix: Float[Tensor, "new old"], axis: int) -> Float[Tensor, "*other"]:
    """Σⱼ matrix[k, j] values[..., j, ...] over one axis."""
    if axis == values.ndim - 1:
        return values @ matrix.T
    product = matrix @ values.flatten(axis + 1)
    return product.unflatten(-1, values.shape[axis + 1 :])


def _require_ends(basis: TransformBasis, axis: Axis, periodic: bool) -> None:
    if axis.periodic != periodic:
        kind = "periodic" if axis.periodic else "not periodic"
        raise SignatureError(
            f"axis {axis.name!r} is {kind}, which {type(basis).__name__} does not suit: take "
            f"{type(basis_for(axis)).__name__} there"
        )
