"""A network on one grid, made an operator: layer by layer, what counts points is given a size in the units of the box.

    convolution that keeps its grid            the rule's: interpolated kernel, local integral, derivative, spectral
    strided convolution, pooling, expansion    between functions on the grids that it was made for: what comes is
    resampled
                                               to them, and what goes back to the network's own grid is resampled to
                                               the input's
    activation, 1 × 1 convolution, linear map of channels, dropout, norm over the grid, attention over its points
                                               stays: it acts at points, or on means over them
    what ties weights to the number of points  has no counterpart, and is named

So the coarser levels of a network stay on the grids that they were trained on, and a finer input refines the finest
level alone.

Source: "Principled approaches for extending neural architectures to function spaces for operator learning", Berner,
Liu-Schiaffini, Kossaifi, Duruisseaux, Bonev, Azizzadenesheli, Anandkumar, 2025.
"""

import copy
import threading
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import ConversionError
from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.layers.convolution import CONVOLUTIONS, Convolution, Expansion
from fredholm.layers.extent import Extent
from fredholm.layers.finite_difference import FiniteDifferenceConvolution
from fredholm.layers.grid_norms import GridNorm
from fredholm.layers.kernel_interpolation import KernelInterpolatedConvolution, Plain
from fredholm.layers.local_integral import LocalIntegralConvolution
from fredholm.layers.resampling import BandLimited
from fredholm.layers.spectral_convolution import SpectralConvolution
from fredholm.operators.conversion_rules import ConvolutionRule, Interpolated
from fredholm.operators.grid_fit import require_extent
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.network_trace import NetworkTrace, failure_of

_CHANGES_GRID = (
    *CONVOLUTIONS.values(),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    *(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
    *(nn.LPPool1d, nn.LPPool2d, nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d),
    *(nn.PixelShuffle, nn.PixelUnshuffle, Convolution, Expansion),
)
_STAYS = (
    *(nn.Identity, nn.Linear, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm, nn.MultiheadAttention),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
    *(SpectralConvolution, LocalIntegralConvolution, FiniteDifferenceConvolution, GridNorm),
    KernelInterpolatedConvolution,
)


def to_operator(
    network: nn.Module,
    grid: Domain,
    convolution: ConvolutionRule | None = None,
    channels: tuple[int, int] | None = None,
    kept: Sequence[str] = (),
) -> "ConvertedNetwork":
    """The network as a map between functions on the box of `grid`, on which it is what it was, if weights are kept.

    Args:
        network: from (batch, inputs, *shape) to (batch, outputs, *shape); it is copied.
        grid: on which it was trained, or counts its pixels.
        convolution: what becomes of convolutions that keep their grid; `Interpolated()` if not given.
        channels: inputs and outputs, for a network that does not say them as attributes.
        kept: names of layers of foreign kinds that act at every point by itself, and stay.

    Raises ConversionError naming the layers that have no counterpart.

    >>> from fredholm.fields import Axis, Grid
    >>> ring = Grid(Axis("x", 0.0, 1.0, 16, periodic=True))
    >>> trained = nn.Sequential(nn.Conv1d(1, 4, 3, padding=1, padding_mode="circular"), nn.GELU(), nn.Conv1d(4, 1, 1))
    >>> operator = to_operator(trained, ring, channels=(1, 1))
    >>> u = torch.randn(2, 1, 16)
    >>> torch.equal(operator(u), trained(u)), operator(torch.randn(2, 1, 64)).shape
    (True, torch.Size([2, 1, 64]))
    """
    return ConvertedNetwork(network, grid, convolution, channels, kept)


class ConvertedNetwork(GridNetwork):
    """What `to_operator` makes; its arguments are the same."""

    agnostic: ClassVar[bool] = True
    dimensions: ClassVar[frozenset[int]] = frozenset({1, 2, 3})

    def __init__(
        self,
        network: nn.Module,
        grid: Domain,
        convolution: ConvolutionRule | None = None,
        channels: tuple[int, int] | None = None,
        kept: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.extent, self.shape = Extent.of(grid), tuple(axis.size for axis in grid_axes(grid))
        self.inputs, self.outputs = channels or _channels_of(network)
        if isinstance(network, GridNetwork):
            network.require(grid)
        self.current = _Shape()
        self.network = copy.deepcopy(network)
        self._convert(grid, convolution or Interpolated(), frozenset(kept))
        self._require_finer()

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        self.current.sizes = tuple(values.shape[2:])
        answer: Tensor = self.network(values)
        return answer

    def require(self, domain: Domain) -> None:
        super().require(domain)
        require_extent(self, domain, self.extent)
        integrals = [layer for layer in self.modules() if isinstance(layer, LocalIntegralConvolution)]
        if integrals:  # the finest level, which alone meets other grids, has the smallest
            min(integrals, key=lambda layer: layer.radii).require(domain.shape)

    def _convert(self, grid: Domain, rule: ConvolutionRule, kept: frozenset[str]) -> None:
        """Replace layers in place; raise ConversionError naming those that cannot be."""
        trace = NetworkTrace.of(self.network, self._example(self.shape), _is_whole)
        failures = [f"{call}: make it a layer" for call in trace.loose]
        made: dict[nn.Module, nn.Module] = {}
        for name, layer in list(self.named_modules(remove_duplicate=False)):
            own = name.removeprefix("network").removeprefix(".")
            if not name or own in kept or own not in trace.shapes or _is_part(name, self):
                continue
            if layer not in made and _changes_grid(layer) and len(trace.shapes[own]) == 1:
                counterpart = self._converted(layer, *next(iter(trace.shapes[own])), grid, rule)
                like = next(layer.parameters(), None)
                made[layer] = counterpart if like is None else counterpart.to(like.device, like.dtype)
            if layer in made:
                self.set_submodule(name, made[layer])
            elif reason := _refusal(layer):
                failures.append(f"{own!r} ({type(layer).__name__}): {reason}")
        if failures:
            raise ConversionError(
                f"{type(self.network).__name__} cannot be made an operator: {'; '.join(failures)}. Replace them, wrap "
                "the network in InputOutputInterpolation, or name in `kept` what acts at every point by itself"
            )

    def _converted(
        self, layer: nn.Module, before: tuple[int, ...], after: tuple[int, ...], grid: Domain, rule: ConvolutionRule
    ) -> nn.Module:
        if _of_one_pixel(layer):
            return layer
        if before == after and rule.serves(layer):
            assert isinstance(layer, Convolution | Plain)
            return rule.converted(layer, grid, before)
        if self.shape not in (before, after):
            return layer  # between coarser levels, whose grids are always the same
        return _OnItsGrids(layer, before, after == self.shape, self.extent.periodic, self.current)

    def _require_finer(self) -> None:
        """Raise ConversionError if the network fails on twice the grid."""
        finer = [2 * n if closes else 2 * n - 1 for n, closes in zip(self.shape, self.extent.periodic, strict=True)]
        if failure := failure_of(self, self._example(finer)):
            raise ConversionError(
                f"converted for {self.shape} points, {type(self.network).__name__} fails on {tuple(finer)}, in "
                f"{failure}. Weights or sizes there are tied to the number of points"
            )

    def _example(self, shape: Sequence[int]) -> Tensor:
        like = next(self.parameters(), torch.zeros(()))
        return torch.zeros(1, self.inputs, *shape, dtype=like.dtype, device=like.device)


class _Shape(threading.local):
    """The grid of the input that is being answered, in this thread."""

    sizes: tuple[int, ...] = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Shape":
        memo[id(self)] = made = _Shape()
        return made

    def __reduce__(self) -> tuple[type["_Shape"], tuple[()]]:
        return _Shape, ()


class _OnItsGrids(nn.Module):
    """A layer on the grids it was made for: its input is resampled, and its output if that is on the finest level."""

    def __init__(
        self, layer: nn.Module, before: Sequence[int], to_finest: bool, periodic: Sequence[bool], current: _Shape
    ) -> None:
        super().__init__()
        self.layer, self.before, self.to_finest = layer, tuple(before), to_finest
        self.periodic, self.current, self.resampled = tuple(periodic), current, BandLimited()

    def forward(self, values: Tensor) -> Tensor:
        answer: Tensor = self.layer(self.resampled(values, self.before, self.periodic))
        return self.resampled(answer, self.current.sizes, self.periodic) if self.to_finest else answer


def _channels_of(network: nn.Module) -> tuple[int, int]:
    inputs, outputs = getattr(network, "inputs", None), getattr(network, "outputs", None)
    if not isinstance(inputs, int) or not isinstance(outputs, int):
        raise ConversionError(f"{type(network).__name__} does not say its channels: pass channels=(inputs, outputs)")
    return inputs, outputs


def _of_one_pixel(layer: nn.Module) -> bool:
    kernel = layer.kernel if isinstance(layer, Convolution) else layer
    return isinstance(kernel, Plain) and set(kernel.kernel_size) == {1} and set(kernel.stride) == {1}


def _refusal(layer: nn.Module) -> str | None:
    """Why a layer has no counterpart; None if it stays, or if its parts are looked at."""
    if _changes_grid(layer):
        return "it is used on grids of several sizes, and its kernel counts points"
    if isinstance(layer, nn.LayerNorm):
        return None if len(layer.normalized_shape) == 1 else "its weights are tied to the grid; normalise by GroupNorm"
    if isinstance(layer, nn.Flatten):
        return None if layer.start_dim != 1 else "it makes channels of points"
    return None if _is_whole(layer) or list(layer.children()) else "nothing is known of it"


def _changes_grid(layer: nn.Module) -> bool:
    return isinstance(layer, _CHANGES_GRID) or type(layer).__module__ == nn.modules.padding.__name__


def _is_whole(layer: nn.Module) -> bool:
    """Whether something is known of a layer, so that its parts are no concern."""
    pointwise = isinstance(layer, _STAYS) or type(layer).__module__ == nn.modules.activation.__name__
    return pointwise or _changes_grid(layer) or (isinstance(layer, GridNetwork) and layer.agnostic)


def _is_part(name: str, of: nn.Module) -> bool:
    """Whether a layer is inside of one that is treated as a whole."""
    parts = name.split(".")
    return any(_is_whole(of.get_submodule(".".join(parts[:i]))) for i in range(1, len(parts)))
