"""U-Nets in the catalogue."""

from collections.abc import Sequence

from torch import nn

from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.fields.signature import Signature
from fredholm.layers.extent import Extent
from fredholm.layers.grid_inputs import GridInputs
from fredholm.operators.entry import Build, Entry, Preset, on_domain
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.residual_operator import step_of
from fredholm.operators.unet.integral_unet import IntegralUNet, Level
from fredholm.operators.unet.modern import ModernUNet
from fredholm.operators.unet.unet import UNet


def _periodic(domain: Domain) -> tuple[bool, ...]:
    return tuple(axis.periodic for axis in grid_axes(domain))


def _plain(width: int, multipliers: tuple[int, ...], kernel: int = 3) -> Build:
    return on_domain(lambda i, o, domain: UNet(i, o, width, multipliers, kernel, _periodic(domain)))


def _modern(width: int, multipliers: tuple[int, ...], kernel: int = 3) -> Build:
    return on_domain(lambda i, o, domain: ModernUNet(i, o, width, multipliers, kernel, periodic=_periodic(domain)))


def _integral(width: int, levels: int) -> Build:
    """Kernels of two and a half spacings of each level, of which each has half the points of the one before."""

    def network(inputs: int, outputs: int, domain: Domain) -> IntegralUNet:
        extent = Extent.of(domain)
        grids = [tuple(-(-size // 2**level) for size in domain.shape) for level in range(levels)]
        made = [
            Level(width * 2**level, _radii(extent, grid), grid if level else None) for level, grid in enumerate(grids)
        ]
        return IntegralUNet(inputs, outputs, extent, made)

    return on_domain(network)


def _radii(extent: Extent, grid: Sequence[int]) -> list[float]:
    return [min(2.5 * h, length / 2) for h, length in zip(extent.spacing(grid), extent.lengths, strict=True)]


def _step(width: int, multipliers: tuple[int, ...]) -> Build:
    """CFDBench's U-Net, predicting the increment of the state inside the mask."""

    def build(signature: Signature, output_domain: Domain) -> GridOperator:
        inputs = GridInputs(signature, output_domain, coordinates=False)
        channels = len(signature.output.channels)
        periodic = _periodic(output_domain)
        network = UNet(inputs.channels, channels, width, multipliers, 3, periodic, nn.ReLU(), norm=False)
        state, mask = step_of(signature, output_domain)
        return GridOperator(signature, output_domain, network, inputs, residual=state, mask=mask)

    return build


ENTRIES = (
    Entry(
        name="unet",
        title="U-Net",
        paper="Ronneberger, Fischer, Brox, U-Net: convolutional networks for biomedical image segmentation, 2015; "
        "Gupta, Brandstetter, Towards multi-spatiotemporal-scale generalized PDE modeling, 2023 (modern); Luo, Chen, "
        "Zhang, CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics, 2023",
        domains="grids in 1-D, 2-D, 3-D whose sides can be halved",
        boundaries="periodic, or zeros outside, for each axis",
        transfer="none: kernels reach a number of points; by conversion or interpolation of inputs and outputs",
        cost="k^d w² n a layer of the finest level, about twice that for all levels",
        presets=(
            Preset("small", "3 levels, width 32, kernels of 3", _plain(32, (1, 2, 4))),
            Preset("tiny", "2 levels, width 6, kernels of 3", _plain(6, (1, 2))),
            Preset("modern", "4 levels, width 32, residual blocks", _modern(32, (1, 2, 2, 2))),
            Preset("cfdbench", "5 levels, width 12, ReLU, no norms, one step; on 64 x 64", _step(12, (1, 2, 4, 8, 16))),
            Preset("nn-to-no", "modern, 4 levels, width 19, kernels of 9; on 128 x 128", _modern(19, (1, 2, 2, 3), 9)),
        ),
    ),
    Entry(
        name="integral-unet",
        title="U-Net of local integral operators",
        paper="Rahman, Ross, Azizzadenesheli, U-NO: U-shaped neural operators, 2023; Liu-Schiaffini, Berner, Bonev, "
        "Kurth, Azizzadenesheli, Anandkumar, Neural operators with localized integral and differential kernels, 2024",
        domains="grids in 1-D, 2-D, 3-D",
        boundaries="periodic, or integrals that end at the wall, for each axis",
        transfer="the same weights on any grid that resolves the radius of the finest kernels",
        cost="(r/h)^d w² n a layer: the ball holds more points the finer the grid",
        presets=(
            Preset("small", "3 levels, width 32, kernels of 2.5 spacings", _integral(32, 3)),
            Preset("tiny", "2 levels, width 6", _integral(6, 2)),
        ),
    ),
)
