"""The Fourier family in the catalogue."""

from collections.abc import Callable

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.layers.grid_inputs import GridInputs
from fredholm.operators.entry import Build, Entry, Preset
from fredholm.operators.fourier.fno import FNO
from fredholm.operators.grid_operator import GridOperator

_PERIODIC = "periodic by nature; others by padding the box"
_TRANSFER = "the same weights on any grid; a grid too coarse for a mode does without it"


def _built(network: Callable[[int, int, int], FNO]) -> Build:
    """Build a network(inputs, outputs, dimension) on all inputs and the coordinates."""

    def build(signature: Signature, output_domain: Domain) -> GridOperator:
        inputs = GridInputs(signature, output_domain)
        outputs = len(signature.output.channels)
        return GridOperator(
            signature, output_domain, network(inputs.channels, outputs, len(output_domain.shape)), inputs
        )

    return build


ENTRIES = (
    Entry(
        name="fno",
        title="Fourier neural operator",
        paper="Li, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar, "
        "Fourier neural operator for parametric partial differential equations, 2021",
        domains="grids in 1-D, 2-D, 3-D",
        boundaries=_PERIODIC,
        transfer=_TRANSFER,
        cost="L w n (w + d m) + L w² mᵈ",
        presets=(
            Preset("small", "16 modes, width 32", _built(lambda i, o, d: FNO(i, o, [16] * d, width=32))),
            Preset("tiny", "4 modes, width 8, 2 blocks", _built(lambda i, o, d: FNO(i, o, [4] * d, width=8, layers=2))),
        ),
    ),
)
