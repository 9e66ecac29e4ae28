"""The Fourier family in the catalogue."""

from collections.abc import Callable

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.layers.factorised_weights import CP, TensorTrain, Tucker
from fredholm.layers.grid_inputs import GridInputs
from fredholm.operators.entry import Build, Entry, Preset, on_grid
from fredholm.operators.fourier.fno import FNO
from fredholm.operators.fourier.patched import PatchedNetwork
from fredholm.operators.fourier.patching import Clamped, MultigridPatching
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.residual_operator import step_of

_DOMAINS = "grids in 1-D, 2-D, 3-D"
_PERIODIC = "periodic by nature; others by padding the box"
_TRANSFER = "the same weights on any grid; a grid too coarse for a mode does without it"
_MG_TFNO = (
    "Kossaifi, Kovachki, Azizzadenesheli, Anandkumar, "
    "Multi-grid tensorized Fourier neural operator for high-resolution PDEs, 2023"
)


def _patched(modes: int, width: int, levels: int, padding: float) -> Callable[[int, int, int], GridNetwork]:
    """A Tucker FNO on patches with views."""

    def network(inputs: int, outputs: int, dimension: int) -> GridNetwork:
        patching = MultigridPatching(levels, padding, Clamped())
        fno = FNO(inputs * patching.views, outputs, [modes] * dimension, width=width, weights=Tucker(0.1))
        return PatchedNetwork(fno, patching)

    return network


def _step(modes: int, width: int) -> Build:
    """CFDBench's FNO: the next state itself, not its increment, inside the mask."""

    def build(signature: Signature, output_domain: Domain) -> GridOperator:
        inputs = GridInputs(signature, output_domain)
        dimension, channels = len(output_domain.shape), len(signature.output.channels)
        network = FNO(inputs.channels, channels, [modes] * dimension, width=width)
        _, mask = step_of(signature, output_domain)
        return GridOperator(signature, output_domain, network, inputs, mask=mask)

    return build


ENTRIES = (
    Entry(
        name="fno",
        title="Fourier neural operator",
        paper="Li, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar, "
        "Fourier neural operator for parametric partial differential equations, 2021",
        domains=_DOMAINS,
        boundaries=_PERIODIC,
        transfer=_TRANSFER,
        cost="L w n (w + d m) + L w² mᵈ",
        presets=(
            Preset("small", "16 modes, width 32, 4 blocks", on_grid(lambda i, o, d: FNO(i, o, [16] * d, width=32))),
            Preset(
                "tiny", "4 modes, width 8, 2 blocks", on_grid(lambda i, o, d: FNO(i, o, [4] * d, width=8, layers=2))
            ),
            Preset("cfdbench", "24 modes, width 32, 4 blocks, one step", _step(24, 32)),
            Preset("darcy", "24 modes, width 32, 4 blocks", on_grid(lambda i, o, d: FNO(i, o, [24] * d, width=32))),
            Preset(
                "navier-stokes", "64 modes, width 64, 4 blocks", on_grid(lambda i, o, d: FNO(i, o, [64] * d, width=64))
            ),
        ),
    ),
    Entry(
        name="tfno",
        title="Tensorised Fourier neural operator: spectral weights in Tucker, CP or tensor-train format",
        paper=_MG_TFNO,
        domains=_DOMAINS,
        boundaries=_PERIODIC,
        transfer=_TRANSFER,
        cost="L w n (w + d m) + L mᵈ (w r + r²), r the rank of the channels",
        presets=(
            Preset(
                "small",
                "16 modes, width 32, 4 blocks, Tucker with a tenth of the numbers",
                on_grid(lambda i, o, d: FNO(i, o, [16] * d, width=32, weights=Tucker(0.1))),
            ),
            Preset(
                "tiny",
                "4 modes, width 8, 2 blocks, Tucker",
                on_grid(lambda i, o, d: FNO(i, o, [4] * d, width=8, layers=2, weights=Tucker(0.3))),
            ),
            Preset(
                "navier-stokes",
                "64 modes, width 64, 4 blocks, Tucker with a tenth of the numbers",
                on_grid(lambda i, o, d: FNO(i, o, [64] * d, width=64, weights=Tucker(0.1))),
            ),
            Preset(
                "navier-stokes-cp",
                "64 modes, width 64, 4 blocks, CP with a tenth of the numbers",
                on_grid(lambda i, o, d: FNO(i, o, [64] * d, width=64, weights=CP(0.1))),
            ),
            Preset(
                "navier-stokes-train",
                "64 modes, width 64, 4 blocks, tensor train with a tenth of the numbers",
                on_grid(lambda i, o, d: FNO(i, o, [64] * d, width=64, weights=TensorTrain(0.1))),
            ),
        ),
    ),
    Entry(
        name="mg-tfno",
        title="Multi-grid tensorised Fourier neural operator: a TFNO on patches with coarser views around them",
        paper=_MG_TFNO,
        domains=_DOMAINS + "; sides a multiple of 4 (one level)",
        boundaries="values beyond an end are those at the end; periodic as an option",
        transfer="no: the spacing of the views follows the grid",
        cost="that of the TFNO on (1 + 2 p 2ˡ)ᵈ n points, memory for one patch of them; l levels, p padding",
        presets=(
            Preset("small", "one level, padding 1/8, 12 modes, width 32", on_grid(_patched(12, 32, 1, 0.125))),
            Preset("tiny", "one level, padding 1/8, 4 modes, width 8", on_grid(_patched(4, 8, 1, 0.125))),
            Preset(
                "navier-stokes", "two levels, padding 1/16, 64 modes, width 64", on_grid(_patched(64, 64, 2, 0.0625))
            ),
        ),
    ),
)
