"""Convolutional networks in the catalogue."""

from collections.abc import Callable, Sequence

from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.layers.extent import Extent
from fredholm.layers.kernel_operators import Differential, KernelOperator, LocalIntegral, Spectral
from fredholm.operators.convolutional.convnet import ConvNet
from fredholm.operators.convolutional.local_no import LocalNO
from fredholm.operators.entry import Build, Entry, Preset, on_domain

Blocks = Callable[[Domain], Sequence[Sequence[KernelOperator]]]


def _residual(width: int, layers: int) -> Build:
    def network(inputs: int, outputs: int, domain: Domain) -> ConvNet:
        return ConvNet(inputs, outputs, width, layers, periodic=[axis.periodic for axis in grid_axes(domain)])

    return on_domain(network)


def _local(width: int, blocks: Blocks) -> Build:
    return on_domain(lambda i, o, domain: LocalNO(i, o, Extent.of(domain), blocks(domain), width))


def near(domain: Domain, spacings: float = 2.5) -> LocalIntegral:
    """Kernels of some spacings of this grid, at most half of a periodic axis."""
    extent = Extent.of(domain)
    lengths = zip(extent.spacing(domain.shape), extent.lengths, strict=True)
    return LocalIntegral([min(spacings * h, length / 2) for h, length in lengths])


def _modes(domain: Domain, modes: int) -> Spectral:
    return Spectral([modes] * len(domain.shape))


ENTRIES = (
    Entry(
        name="convnet",
        title="Residual convolutional network",
        paper="He, Zhang, Ren, Sun, Identity mappings in deep residual networks, 2016",
        domains="grids in 1-D, 2-D, 3-D",
        boundaries="periodic, or zeros outside, for each axis",
        transfer="none: kernels reach a number of points; by conversion or interpolation of inputs and outputs",
        cost="2 L k^d w² n",
        presets=(
            Preset("small", "4 blocks, width 32, kernels of 3", _residual(32, 4)),
            Preset("tiny", "2 blocks, width 8, kernels of 3", _residual(8, 2)),
        ),
    ),
    Entry(
        name="local-no",
        title="Neural operator of local integrals, derivatives and spectral convolutions",
        paper="Liu-Schiaffini, Berner, Bonev, Kurth, Azizzadenesheli, Anandkumar, "
        "Neural operators with localized integral and differential kernels, 2024",
        domains="grids in 1-D, 2-D, 3-D",
        boundaries="periodic, or integrals that end and derivatives that are one-sided at the wall, for each axis; "
        "the spectral part is periodic",
        transfer="the same weights on any grid that resolves the radius of the kernels",
        cost="L w² (r/h)^d n + L w n (w + d m) + L w² mᵈ",
        presets=(
            Preset(
                "small",
                "4 blocks of 16 modes and kernels of 2.5 spacings, width 32, derivatives in the last",
                _local(
                    32,
                    lambda grid: [
                        *[[_modes(grid, 16), near(grid)]] * 3,
                        [_modes(grid, 16), near(grid), Differential()],
                    ],
                ),
            ),
            Preset(
                "tiny",
                "2 blocks, width 6: kernels of 2.5 spacings; 4 modes and derivatives",
                _local(6, lambda grid: [[near(grid)], [_modes(grid, 4), Differential()]]),
            ),
            Preset(
                "nn-to-no-differential",
                "4 blocks of 40 modes, width 99, derivatives in the last; on 128 x 128",
                _local(99, lambda grid: [*[[_modes(grid, 40)]] * 3, [_modes(grid, 40), Differential()]]),
            ),
            Preset(
                "nn-to-no-integral",
                "4 blocks of 40 modes and kernels of 2 spacings, width 99; on 128 x 128",
                _local(99, lambda grid: [[_modes(grid, 40), near(grid, 2.0)]] * 4),
            ),
        ),
    ),
)
