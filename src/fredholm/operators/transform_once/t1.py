"""Transform Once (T1): an operator learned on coefficients, between one transform and one inverse.

    û = M^½ analysis(u),       the M = m₁ ⋯ m_d lowest modes
    z₀ = P û + b 1̂,    zₗ₊₁ = zₗ + A_d ⋯ A₁ σ(W zₗ),    v̂ₖ = fₖ Q sin(R z_L,ₖ)
    G(u) = synthesis(v̂)

W mixes the channels of each mode by a matrix of its own; Aᵢ mixes the modes of axis i, for each channel. The head (Q
and R) has no bias, so that modes which are zero stay zero. Lifting by P commutes with the transform, both being linear:
only the inputs are transformed, and the cost of everything between is free of the resolution.

Coefficients are those of functions (`layers.transform_bases`), not of vectors of samples: on another grid they are
the same numbers, so that weights transfer. With the factor M^½, free of the grid as well, a function of mean square 1
has kept coefficients of mean square 1, where activations are at work. On the way out

    fₖ ∝ (1 + |κₖ|²)^(-s/2),    Σₖ fₖ² = 1,     κₖ the waves of mode k along every axis,

starts from answers of the smoothness s of a Sobolev space; the published network has s = 0.

Source: Poli, Massaroli, Berto, Park, Dao, Ré, Ermon, "Transform once: efficient operator learning in frequency domain",
NeurIPS 2022.
"""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.layers.transform_bases import RealFourier, TransformBasis, analysed, synthesised
from fredholm.layers.variance_preserving import Initialisation, VariancePreserving
from fredholm.operators.grid_network import GridNetwork

_HEAD = 128  # hidden width of the head
_LIFTED = 2.0  # deviation of lifted inputs: smooth functions have few large coefficients, and the others are to be seen
_ANGLE = 0.3  # of the head's sines at the start, per deviation of z: within their linear part
_ANSWER = 0.01  # of the head at the start: an answer close to zero, with gradients that are not


class T1(GridNetwork):
    """Transform Once on grids in one, two or three dimensions.

    Args:
        inputs, outputs: channels; coordinates are channels of the input, if anything.
        modes: functions of the basis kept along every axis.
        width: channels inside.
        layers: number L of residual layers.
        basis: for all axes, or one an axis; `RealFourier()`, for periodic functions, if not given.
        initialisation: of W; `VariancePreserving()` if not given.
        smoothness: s, of answers at the start.

    >>> T1(3, 1, modes=(12, 8), width=16, layers=2)(torch.zeros(5, 3, 32, 16)).shape
    torch.Size([5, 1, 32, 16])
    """

    agnostic: ClassVar[bool] = True
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})
    one: Tensor
    fall: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        modes: Sequence[int],
        width: int,
        layers: int = 4,
        basis: TransformBasis | Sequence[TransformBasis] | None = None,
        initialisation: Initialisation | None = None,
        smoothness: float = 1.5,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs, self.modes = inputs, outputs, tuple(modes)
        self.bases = _one_an_axis(basis or RealFourier(), len(self.modes))
        self.scale = math.sqrt(math.prod(self.modes))
        self.lift = nn.Linear(inputs, width)
        nn.init.normal_(self.lift.weight, std=_LIFTED / math.sqrt(inputs))
        blocks = [_Layer(width, self.modes) for _ in range(layers)]
        for block in blocks:
            (initialisation or VariancePreserving()).draw_(block.channels, width, math.prod(self.modes), layers)
        self.blocks = nn.ModuleList(blocks)
        self.hidden = nn.Parameter(torch.randn(_HEAD, width) * (_ANGLE / math.sqrt(width)))
        self.head = nn.Parameter(torch.randn(outputs, _HEAD) * (_ANSWER / math.sqrt(_HEAD)))
        self.register_buffer("one", _constant(self.bases, self.modes), persistent=False)
        self.register_buffer("fall", _falling(self.bases, self.modes, smoothness), persistent=False)

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        coefficients = self.forward_spectral(analysed(values, self.bases, self.modes))
        return synthesised(coefficients, self.bases, values.shape[2:])

    def forward_spectral(
        self, coefficients: Float[Tensor, "batch inputs *modes"]
    ) -> Float[Tensor, "batch outputs *modes"]:
        """Coefficients of the output from those of the inputs."""
        # With modes first and channels last, the mixing of channels is one batched product without copies.
        z = self._lifted(self.scale * coefficients.movedim((0, 1), (-2, -1)))
        for block in self.blocks:
            z = block(z)
        answers = torch.sin(z @ self.hidden.T) @ self.head.T
        return (answers * self.fall[..., None, None]).movedim((-2, -1), (0, 1))

    def require(self, domain: Domain) -> None:
        super().require(domain)
        axes = grid_axes(domain)
        if len(axes) != len(self.modes):
            raise SignatureError(f"T1 keeps modes of {len(self.modes)} axes, and {domain!r} has {len(axes)}")
        for axis, basis, modes in zip(axes, self.bases, self.modes, strict=True):
            basis.require(axis, modes)

    def _lifted(self, coefficients: Float[Tensor, "*modes batch inputs"]) -> Float[Tensor, "*modes batch width"]:
        return coefficients @ self.lift.weight.T + self.one[..., None, None] * self.lift.bias


class _Layer(nn.Module):
    """z ↦ z + A_d ⋯ A₁ σ(W z) on (*modes, batch, width)."""

    def __init__(self, width: int, modes: Sequence[int]) -> None:
        super().__init__()
        self.channels = nn.Parameter(torch.empty(math.prod(modes), width, width))
        self.modes = nn.ParameterList(torch.randn(width, m, m) / math.sqrt(m) for m in modes)

    def forward(self, z: Float[Tensor, "*modes batch width"]) -> Float[Tensor, "*modes batch width"]:
        mixed = nn.functional.gelu(torch.bmm(z.flatten(0, -3), self.channels))
        mixed = mixed.reshape(z.shape).movedim(-1, 0)
        for mixing in self.modes:  # of the first axis after the channels, which then goes behind the others
            others = mixed.shape[2:]
            mixed = torch.bmm(mixing, mixed.flatten(2)).unflatten(2, others).movedim(1, -2)
        return z + mixed.movedim(0, -1)


def _one_an_axis(basis: TransformBasis | Sequence[TransformBasis], axes: int) -> list[TransformBasis]:
    bases = [basis] * axes if isinstance(basis, TransformBasis) else list(basis)
    if len(bases) != axes:
        raise ValueError(f"{len(bases)} bases for {axes} axes: give one for each axis, or one for all")
    return bases


def _constant(bases: Sequence[TransformBasis], modes: Sequence[int]) -> Float[Tensor, "*modes"]:
    """Coefficients of the function 1."""
    one = torch.ones(())
    for basis, m in zip(bases, modes, strict=True):
        one = one.unsqueeze(-1) * basis.one(m, like=one)
    return one


def _falling(bases: Sequence[TransformBasis], modes: Sequence[int], smoothness: float) -> Float[Tensor, "*modes"]:
    """The factors f."""
    squared = torch.zeros(())
    for basis, m in zip(bases, modes, strict=True):
        squared = squared.unsqueeze(-1) + basis.waves(m, like=squared).square()
    factors = (1 + squared) ** (-smoothness / 2)
    return factors / factors.norm()
