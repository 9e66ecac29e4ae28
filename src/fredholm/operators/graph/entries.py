"""Graph operators in the catalogue."""

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.layers.graph_kernel import ball_volume
from fredholm.operators.entry import Build, Entry, Preset
from fredholm.operators.graph.graph_operator import GraphOperator

_NEIGHBOURS = 20  # about as many points in a ball


def _built(width: int, layers: int, hidden: int) -> Build:
    def build(signature: Signature, output_domain: Domain) -> GraphOperator:
        dimension = output_domain.dimension
        share = (_NEIGHBOURS / (output_domain.size * ball_volume(dimension))) ** (1 / dimension)
        radius = [min(share, 0.5) * axis.extent for axis in output_domain.coordinate_axes]
        return GraphOperator(signature, output_domain, radius, width, layers, hidden)

    return build


ENTRIES = (
    Entry(
        name="gno",
        title="Graph neural operator",
        paper="Li, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar, "
        "Neural operator: graph kernel network for partial differential equations, 2020",
        domains="grids in any dimension, point clouds, meshes, also different ones for every sample",
        boundaries="periodic coordinates close on themselves; balls end where the points do",
        transfer="the same weights on any points: the radius is physical and sums are quadratures",
        cost="L w n k for k points in a ball; n² pairs are looked at where points differ by sample",
        presets=(
            Preset("small", "4 layers, width 32, about 20 neighbours", _built(32, 4, 32)),
            Preset("tiny", "1 layer, width 8, about 20 neighbours", _built(8, 1, 8)),
        ),
    ),
)
