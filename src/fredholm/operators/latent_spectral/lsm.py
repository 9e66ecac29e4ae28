"""Latent spectral models on grids: a multiscale backbone with neural spectral blocks on its scales.

    G(u) = Q(crop(backbone(pad(P u))))

P is a linear map of the channels at each point, Q a two-layer network of them with 128 in between. Zeros are appended
to each axis up to a multiple of what the coarsest scale needs; a patch has the same number of pixels on all scales, and
the coarsest map is one patch. An axis of n points and S scales thus has patches of p = ⌈n / 2ˢ⁻¹⌉ and is padded to
2ˢ⁻¹ p.

Source: Wu, Hu, Luo, Wang, Long, "Solving high-dimensional PDEs with latent spectral models", ICML 2023.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.layers.architecture import Described
from fredholm.layers.convolution import CONVOLUTIONS
from fredholm.layers.neural_spectral_block import NeuralSpectralBlock
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.latent_spectral.backbone import BatchNorm, MapNorm, MultiscaleBackbone, widths_of

HEAD = 128  # channels between the two layers of Q


class LatentSpectrum(Described):
    """The neural spectral blocks of a model: all alike but for channels.

    Args:
        tokens: latent tokens of a patch.
        basis: frequencies of their transition.
        heads: of the attentions; they divide the width of the model.
    """

    def __init__(self, tokens: int = 4, basis: int = 12, heads: int = 8) -> None:
        self.tokens, self.basis, self.heads = tokens, basis, heads

    def block(self, channels: int, patch_shape: Sequence[int]) -> NeuralSpectralBlock:
        """A new block of one scale."""
        return NeuralSpectralBlock(channels, patch_shape, self.tokens, self.basis, self.heads)


class LSM(GridNetwork):
    """A latent spectral model on one grid in one, two or three dimensions.

    Pooling, convolutions and patches count pixels, so that it is bound to its grid. Axes are not treated as periodic.

    Args:
        inputs, outputs: channels.
        shape: of the grid, any.
        width: channels of the finest scale.
        scales: S, of which each halves the grid of the one before.
        spectral: the blocks; None leaves them out, which is the backbone alone.
        norm: of the backbone's convolutions; `BatchNorm()` if not given.

    >>> LSM(3, 1, shape=(41, 30), width=8, scales=3)(torch.zeros(2, 3, 41, 30)).shape
    torch.Size([2, 1, 41, 30])
    """

    agnostic: ClassVar[bool] = False
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(
        self,
        inputs: int,
        outputs: int,
        shape: Sequence[int],
        width: int = 64,
        scales: int = 5,
        spectral: LatentSpectrum | None = LatentSpectrum(),  # noqa: B008 (it has no state)
        norm: MapNorm | None = None,
    ) -> None:
        super().__init__()
        if len(shape) not in self.dimensions:
            raise ValueError(f"a grid has one to three axes, got the shape {tuple(shape)}")
        self.inputs, self.outputs, self.shape = inputs, outputs, tuple(shape)
        dimension, factor = len(shape), 2 ** (scales - 1)
        patch = [-(-size // factor) for size in shape]
        self.missing = [factor * p - size for p, size in zip(patch, shape, strict=True)]
        blocks = [spectral.block(w, patch) if spectral else nn.Identity() for w in widths_of(width, scales)]
        pointwise = CONVOLUTIONS[dimension]
        self.lift = pointwise(inputs, width, 1)
        self.backbone = MultiscaleBackbone(dimension, width, blocks, norm or BatchNorm())
        self.mix = pointwise(width, width, 1)
        self.head = nn.Sequential(pointwise(width, HEAD, 1), nn.GELU(), pointwise(HEAD, outputs, 1))
        if dimension > 1:  # convolutions are faster with the channels last, and so are patches
            layout = torch.channels_last if dimension == 2 else torch.channels_last_3d
            self.to(memory_format=layout)  # type: ignore[call-overload]

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        padding = [side for count in reversed(self.missing) for side in (0, count)]  # from the last axis to the first
        maps = self.backbone(nn.functional.pad(self.lift(values), padding))
        for axis, size in enumerate(self.shape, start=2):
            maps = maps.narrow(axis, 0, size)
        answer: Tensor = self.head(self.mix(maps))
        return answer

    def require(self, domain: Domain) -> None:
        super().require(domain)
        grid_axes(domain)  # a sphere, whose maps close on themselves, is none
        if tuple(domain.shape) != self.shape:
            raise SignatureError(
                f"this {type(self).__name__} is made for a grid of {self.shape} points, and {domain!r} has "
                f"{tuple(domain.shape)}: pass shape={tuple(domain.shape)}"
            )
