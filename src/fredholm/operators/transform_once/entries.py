"""Transform Once in the catalogue."""

from fredholm.fields.domain import Domain
from fredholm.fields.product import grid_axes
from fredholm.layers.transform_bases import Cosine, basis_for
from fredholm.operators.entry import Build, Entry, Preset, on_domain
from fredholm.operators.transform_once.t1 import T1


def _suited(modes: int, width: int, layers: int) -> Build:
    """Along every axis the basis that suits its ends, or all of it where the axis is short."""

    def network(inputs: int, outputs: int, domain: Domain) -> T1:
        axes = grid_axes(domain)
        kept = [min(modes, axis.size) for axis in axes]
        return T1(inputs, outputs, kept, width, layers, [basis_for(axis) for axis in axes])

    return on_domain(network)


def _published(modes: int, layers: int) -> Build:
    """Cosines along every axis, answers of no smoothness, width 48."""
    return on_domain(lambda i, o, domain: T1(i, o, [modes] * len(domain.shape), 48, layers, Cosine(), smoothness=0.0))


ENTRIES = (
    Entry(
        name="t1",
        title="Transform Once: a network on coefficients, between one transform and one inverse",
        paper="Poli, Massaroli, Berto, Park, Dao, Ré, Ermon, "
        "Transform once: efficient operator learning in frequency domain, 2022",
        domains="grids in 1-D, 2-D, 3-D",
        boundaries="periodic by a Fourier basis, walls by cosines or sines, for each axis",
        transfer="the same weights on any grid that carries the modes",
        cost="n m once, whatever the width, and L (w² mᵈ + d w mᵈ⁺¹), free of n",
        presets=(
            Preset("small", "16 modes, width 24, 4 layers", _suited(16, 24, 4)),
            Preset("tiny", "6 modes, width 8, 2 layers", _suited(6, 8, 2)),
            Preset("navier-stokes", "24 cosines, width 48, 8 layers; on 64 x 64", _published(24, 8)),
            Preset("airfoils", "64 cosines, width 48, 6 layers; on 128 x 128", _published(64, 6)),
        ),
    ),
)
