"""Spherical Fourier neural operator: convolutions with zonal kernels between pointwise networks.

    v₀ = P u,     vₖ₊₁ = vₖ + N(M(σ(N(K vₖ) + W vₖ))),     G(u) = Q v_L

K is a convolution with learned coefficients of degree below L (`SphericalConvolution`), W a matrix, M a pointwise
network with one hidden layer of twice the width, N a normalisation by mean and deviation over the sphere or nothing.

Sources: Bonev, Kurth, Hundt, Pathak, Baust, Kashinath, Anandkumar, "Spherical Fourier neural operators: learning stable
dynamics on the sphere", ICML 2023; the published sizes are those of Benson, Bastos, Reimers, Winkler, Yang, Reichstein,
"Atmospheric transport modeling of CO2 with neural networks", Journal of Advances in Modeling Earth Systems 17 (2025).
"""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.layers.architecture import Described
from fredholm.layers.spherical_convolution import SphericalConvolution, SphericalNorm
from fredholm.layers.spherical_harmonics import SphericalHarmonics
from fredholm.operators.grid_network import GridNetwork


class SphericalBlock(Described):
    """How blocks are made.

    The published network for transport in the atmosphere has `SphericalBlock(False, True, True, nn.ReLU())`.

    Args:
        local: whether there is W beside K.
        phase: whether the weights of K are complex, see `SphericalConvolution`.
        normalise: whether there is N: of use where functions differ in shape, and a loss where the size of the answer
            depends on the size of the input.
        activation: σ, GELU if not given.
    """

    def __init__(
        self, local: bool = True, phase: bool = False, normalise: bool = False, activation: nn.Module | None = None
    ) -> None:
        self.local, self.phase, self.normalise, self.activation = local, phase, normalise, activation or nn.GELU()

    def layer(self, width: int, harmonics: SphericalHarmonics) -> nn.Module:
        """A new block."""
        return _Block(self, width, harmonics)


class SFNO(GridNetwork):
    """SFNO on all grids of the sphere with one kind of latitudes and at least L of them.

    With real weights it commutes with every rotation of the sphere, but for what the activation adds beyond the degrees
    that the grid resolves.

    Args:
        inputs, outputs: channels.
        harmonics: the transform: how many degrees L, and the kind of latitudes.
        width: channels between.
        layers: number of blocks.
        block: how they are made; `SphericalBlock()` if not given.

    >>> import torch
    >>> SFNO(1, 2, SphericalHarmonics(4), width=8, layers=2)(torch.zeros(3, 1, 8, 16)).shape
    torch.Size([3, 2, 8, 16])
    """

    agnostic: ClassVar[bool] = True
    dimensions: ClassVar[frozenset[int]] = frozenset({2})

    def __init__(
        self,
        inputs: int,
        outputs: int,
        harmonics: SphericalHarmonics,
        width: int = 32,
        layers: int = 4,
        block: SphericalBlock | None = None,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs, self.harmonics = inputs, outputs, harmonics
        block = block or SphericalBlock()
        self.lifting = _linear(inputs, width, gain=1.0, bias=False)
        self.blocks = nn.ModuleList(block.layer(width, harmonics) for _ in range(layers))
        self.projection = _linear(width, outputs, gain=1.0, bias=False)

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        # longitude first and channels last: no transform or pointwise product has to move an axis
        hidden = self.lifting(values.permute(3, 2, 0, 1))
        for block in self.blocks:
            hidden = block(hidden)
        answer: Tensor = self.projection(hidden)
        return answer.permute(2, 3, 1, 0)

    def require(self, domain: Domain) -> None:
        super().require(domain)
        self.harmonics.require(domain, type(self).__name__)


class _Block(nn.Module):
    def __init__(self, made: SphericalBlock, width: int, harmonics: SphericalHarmonics) -> None:
        super().__init__()

        def norm() -> nn.Module:
            return SphericalNorm(width, harmonics.latitudes) if made.normalise else nn.Identity()

        paths = 2 if made.local else 1
        self.convolution = SphericalConvolution(width, width, harmonics, gain=2.0 / paths, phase=made.phase)
        self.local = _linear(width, width, gain=2.0 / paths, bias=False) if made.local else None
        self.expand = _linear(width, 2 * width, gain=2.0, bias=True)
        # small at the start, so that the network starts close to the linear map Q P: it learns faster
        self.contract = _linear(2 * width, width, gain=1.0 if made.normalise else 0.1, bias=False)
        self.inner_norm, self.outer_norm = norm(), norm()
        self.activation = made.activation

    def forward(self, values: Tensor) -> Tensor:
        hidden = self.inner_norm(self.convolution(values))
        if self.local is not None:
            hidden = hidden + self.local(values)
        hidden = self.contract(self.activation(self.expand(self.activation(hidden))))
        return values + self.outer_norm(hidden)


def _linear(inputs: int, outputs: int, gain: float, bias: bool) -> nn.Linear:
    """Normal weights of variance gain / inputs."""
    layer = nn.Linear(inputs, outputs, bias=bias)
    nn.init.normal_(layer.weight, std=(gain / inputs) ** 0.5)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
