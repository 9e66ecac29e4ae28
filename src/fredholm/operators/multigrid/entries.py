"""The multigrid family in the catalogue."""

from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.fields.signature import Signature
from fredholm.layers.boundaries import Boundary, Dirichlet, Periodic
from fredholm.layers.grid_inputs import GridInputs
from fredholm.layers.v_cycle import VCycle, smoothings
from fredholm.operators.entry import Build, Entry, Preset
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.multigrid.mgno import MgNO

_PIPE = ((1, 0), (1, 0), (1, 0), (1, 0), (1, 1), (2, 0))
_FLOW = ((1, 0), (1, 0), (1, 0), (2, 0), (2, 0))


def _built(width: int, layers: int, smoothing: tuple[tuple[int, int], ...], restrict_residual: bool = False) -> Build:
    """An MgNO that sees the inputs without coordinates, periodic along the axes that are."""

    def build(signature: Signature, output_domain: Domain) -> GridOperator:
        inputs = GridInputs(signature, output_domain, coordinates=False)
        cycle = VCycle(smoothing, _boundaries(output_domain), restrict_residual)
        network = MgNO(inputs.channels, len(signature.output.channels), output_domain.shape, width, layers, cycle)
        return GridOperator(signature, output_domain, network, inputs)

    return build


def _flow(signature: Signature, output_domain: Domain) -> GridOperator:
    """Without matrices beside the V-cycles, and predicting the increment where a quantity goes on in time."""
    inputs = GridInputs(signature, output_domain, coordinates=False)
    cycle = VCycle(_FLOW, _boundaries(output_domain), restrict_residual=False, bias=True)
    outputs = len(signature.output.channels)
    network = MgNO(inputs.channels, outputs, output_domain.shape, 32, 5, cycle, pointwise=False)
    before = next((name for name, entry in signature.inputs.items() if entry == signature.output), None)
    return GridOperator(signature, output_domain, network, inputs, residual=before)


def _boundaries(domain: Domain) -> tuple[Boundary, ...]:
    return tuple(Periodic() if axis.periodic else Dirichlet() for axis in grid_axes(domain))


ENTRIES = (
    Entry(
        name="mgno",
        title="Multigrid neural operator",
        paper="He, Liu, Xu, MgNO: efficient parameterization of linear operators via multigrid, 2024",
        domains="grids in 1-D, 2-D, 3-D whose sides can be halved",
        boundaries="Dirichlet, Neumann, periodic, for each axis, by how stencils go on beyond it",
        transfer="none: stencils reach a number of points, not a distance",
        cost="L w² n, linear in the points",
        presets=(
            Preset("small", "4 layers, width 16, 5 grids", _built(16, 4, smoothings(5))),
            Preset("tiny", "2 layers, width 8, 3 grids", _built(8, 2, smoothings(3))),
            Preset("darcy-smooth", "5 layers, width 24, 6 grids; on 211 x 211", _built(24, 5, smoothings(6))),
            Preset("darcy-rough", "4 layers, width 24, 6 grids; on 256 x 256", _built(24, 4, smoothings(6))),
            Preset(
                "pipe", "5 layers, width 24, 6 grids; on 128 x 128, of the mesh's coordinates", _built(24, 5, _PIPE)
            ),
            Preset("navier-stokes", "5 layers, width 32, 5 grids; on 64 x 64, one step in time", _flow),
        ),
    ),
)
