"""The neural spectral block: patch by patch, pixels to a few latent tokens, a learned series on these, and back.

    T  = T₀ + softmax_pixels(T₀ Kᵀ) V           K, V linear in the pixels x of the patch
    T ← T + Σᵢ aᵢ sin(ωᵢ T) + bᵢ cos(ωᵢ T)      `TrigonometricTransition`
    x ← x + softmax_tokens(Q Tᵀ) T              Q linear in x

Attention has several heads and no scale. T₀ are learned tokens, the same for all patches as all weights are. Cost and
memory are linear in the number of pixels.

A patch is small and there are many of them, so that attention head by head would be thousands of tiny products. Here
all heads of a patch are one: tokens are spread out to rows (token, head) that are zero but for the channels of their
head, and the whole map takes one linear map of the pixels and four batched products. As T₀ does not depend on the
pixels, the scores T₀ Kᵀ are part of that linear map.

Source: Wu, Hu, Luo, Wang, Long, "Solving high-dimensional PDEs with latent spectral models", ICML 2023, section 3.2.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.layers.architecture import Described
from fredholm.layers.trigonometric_transition import TrigonometricTransition


class NeuralSpectralBlock(nn.Module, Described):
    """The block on maps in as many dimensions as `patch_shape` has; it keeps channels and shape.

    Args:
        channels: C, a multiple of `heads`.
        patch_shape: pixels of a patch along each axis; they must divide the map.
        tokens: M, latent tokens of a patch.
        basis: N, frequencies of the transition; 0 leaves the tokens as they are.
        heads: of both attentions.

    T₀ starts uniform on [0, 1/C]. Raises ValueError if the heads do not divide the channels, SignatureError for a map
    that the patches do not tile.

    >>> NeuralSpectralBlock(16, patch_shape=(4, 4))(torch.zeros(2, 16, 8, 12)).shape
    torch.Size([2, 16, 8, 12])
    """

    own: Tensor

    def __init__(
        self, channels: int, patch_shape: Sequence[int], tokens: int = 4, basis: int = 12, heads: int = 8
    ) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{channels} channels do not split into {heads} heads: take a multiple of {heads}")
        self.patch_shape, self.tokens, self.heads = tuple(patch_shape), tokens, heads
        self.latent = nn.Parameter(torch.rand(tokens, channels) / channels)  # T₀, the heads one after the other
        self.encoder = nn.Linear(channels, 2 * channels)  # keys, then values
        self.transition = TrigonometricTransition(channels, basis)
        self.decoder = nn.Linear(channels, channels)  # queries
        own = torch.eye(heads).repeat_interleave(channels // heads, dim=1)
        self.register_buffer("own", own, persistent=False)  # (heads, channels): 1 where the channel is the head's

    def forward(self, values: Float[Tensor, "batch channels *shape"]) -> Float[Tensor, "batch channels *shape"]:
        self._require_tiling(values.shape[2:])
        pixels = _patches(values, self.patch_shape)
        scores, content, queries = self._projected(pixels)
        gathered = scores.softmax(1).transpose(1, 2) @ content
        tokens = self.transition(self.latent + self._collected(gathered))
        rows = self._spread(tokens)
        shares = (rows @ queries.transpose(1, 2)).unflatten(1, (self.tokens, self.heads)).softmax(1)
        pixels = torch.baddbmm(pixels, shares.flatten(1, 2).transpose(1, 2), rows)
        return _map(pixels, values.shape[1:], self.patch_shape)

    def _projected(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Scores of the latent tokens (patches, L, rows), values and queries (patches, L, channels)."""
        channels = pixels.shape[-1]
        key, value = self.encoder.weight.split(channels)
        key_bias, value_bias = self.encoder.bias.split(channels)
        latent = self._spread(self.latent)
        weight = torch.cat([latent @ key, value, self.decoder.weight])
        bias = torch.cat([latent @ key_bias, value_bias, self.decoder.bias])
        return nn.functional.linear(pixels, weight, bias).split([len(latent), channels, channels], dim=-1)

    def _spread(self, tokens: Float[Tensor, "*patches tokens channels"]) -> Float[Tensor, "*patches rows channels"]:
        """Rows (token, head), each with the channels of its head alone."""
        return (tokens.unsqueeze(-2) * self.own).flatten(-3, -2)

    def _collected(self, rows: Float[Tensor, "patches rows channels"]) -> Float[Tensor, "patches tokens channels"]:
        """Of every row (token, head) the channels of its head: the transpose of `_spread`."""
        return (rows.unflatten(1, (self.tokens, self.heads)) * self.own).sum(2)

    def _require_tiling(self, shape: Sequence[int]) -> None:
        tiled = len(shape) == len(self.patch_shape) and not any(
            size % patch for size, patch in zip(shape, self.patch_shape, strict=True)
        )
        if not tiled:
            raise SignatureError(f"patches of {self.patch_shape} pixels do not tile a map of {tuple(shape)}")


def _patches(
    values: Float[Tensor, "batch channels *shape"], patch: Sequence[int]
) -> Float[Tensor, "patches pixels channels"]:
    """All patches of all maps, one after the other, with the pixels of each in a row."""
    axes, tiles = len(patch), values.movedim(1, -1)
    for axis, size in enumerate(patch):
        tiles = tiles.unflatten(1 + 2 * axis, (-1, size))
    order = [0, *range(1, 2 * axes, 2), *range(2, 2 * axes + 1, 2), 2 * axes + 1]
    return tiles.permute(order).reshape(-1, math.prod(patch), values.shape[1])


def _map(
    pixels: Float[Tensor, "patches pixels channels"], shape: Sequence[int], patch: Sequence[int]
) -> Float[Tensor, "batch channels *shape"]:
    """The maps of `shape` (channels, *axes), of which these are the patches."""
    axes, (channels, *sides) = len(patch), shape
    counts = [size // side for size, side in zip(sides, patch, strict=True)]
    tiles = pixels.reshape(-1, *counts, *patch, channels)
    order = [0, *(place for axis in range(1, axes + 1) for place in (axis, axes + axis)), 2 * axes + 1]
    return tiles.permute(order).reshape(-1, *sides, channels).movedim(-1, 1)
