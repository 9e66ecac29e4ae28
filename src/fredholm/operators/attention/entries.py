"""Attention operators in the catalogue."""

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.operators.attention.kinds import AttentionKind, LinearKernel, SoftmaxKernel
from fredholm.operators.attention.transformer import TransformerOperator
from fredholm.operators.entry import Build, Entry, Preset


def _built(width: int, layers: int, heads: int, kind: AttentionKind) -> Build:
    def build(signature: Signature, output_domain: Domain) -> TransformerOperator:
        return TransformerOperator(signature, output_domain, width, layers, heads, kind)

    return build


ENTRIES = (
    Entry(
        name="transformer",
        title="Transformer with quadrature attention",
        paper="Li, Meidani, Farimani, Transformer for partial differential equations' operator learning, 2023; "
        "Cao, Choose a transformer: Fourier or Galerkin, 2021",
        domains="grids in any dimension, point clouds, meshes, also different ones for every sample",
        boundaries="periodic coordinates lie on circles; others have no condition",
        transfer="the same weights on any points: sums are quadratures",
        cost="L w² n, linear in the points; L w n² for the softmax kernel",
        presets=(
            Preset("small", "linear kernel, 4 layers, width 64, 4 heads", _built(64, 4, 4, LinearKernel())),
            Preset("tiny", "linear kernel, 1 layer, width 16, 2 heads", _built(16, 1, 2, LinearKernel())),
            Preset("softmax", "softmax kernel, 4 layers, width 64, 4 heads", _built(64, 4, 4, SoftmaxKernel())),
        ),
    ),
)
