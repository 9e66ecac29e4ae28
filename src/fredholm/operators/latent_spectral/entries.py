"""Latent spectral models in the catalogue."""

from collections.abc import Callable

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Parameter, Signature
from fredholm.operators.entry import Build, Entry, Preset, on_domain
from fredholm.operators.latent_spectral.deformation import Deformation
from fredholm.operators.latent_spectral.irregular import IrregularLSM, LatentGrid
from fredholm.operators.latent_spectral.lsm import LSM, LatentSpectrum

_PAPER = "Wu, Hu, Luo, Wang, Long, Solving high-dimensional PDEs with latent spectral models, 2023"


def _of_width(width: int) -> Build:
    return on_domain(lambda inputs, outputs, domain: LSM(inputs, outputs, domain.shape, width))


def _small(inputs: int, outputs: int, domain: Domain) -> LSM:
    """As many scales, five at most, as leave eight points along the shortest axis of the coarsest."""
    scales = min(5, max(1, (min(domain.shape) // 8).bit_length()))
    return LSM(inputs, outputs, domain.shape, width=16, scales=scales)


def _tiny(inputs: int, outputs: int, domain: Domain) -> LSM:
    return LSM(inputs, outputs, domain.shape, width=8, scales=2, spectral=LatentSpectrum(tokens=2, basis=4, heads=4))


def _on_points(latent: Callable[[int], LatentGrid], deformed: int) -> Build:
    """Build the operator around latent(dimension); a deformation of width `deformed` sees the first parameter."""

    def build(signature: Signature, output_domain: Domain) -> IrregularLSM:
        dimension = len(signature.output.domain.axes)
        codes = {name: len(e.components) for name, e in signature.inputs.items() if isinstance(e, Parameter)}
        code = next(iter(codes), None)
        deformation = Deformation(dimension, codes[code] if code else 0, deformed)
        return IrregularLSM(signature, output_domain, latent(dimension), deformation, code)

    return build


def _small_grid(dimension: int) -> LatentGrid:
    points, scales = (32, 4) if dimension < 3 else (16, 3)
    return LatentGrid([points] * dimension, frequencies=8, width=16, scales=scales, filling=0.8)


def _tiny_grid(dimension: int) -> LatentGrid:
    return LatentGrid([8] * dimension, 2, 8, 2, LatentSpectrum(tokens=2, basis=4, heads=4))


ENTRIES = (
    Entry(
        name="lsm",
        title="latent spectral model",
        paper=_PAPER,
        domains="grids in 1-D, 2-D, 3-D",
        boundaries="none in particular: zeros beyond the box",
        transfer="none: pooling, convolutions and patches count pixels",
        cost="n w (w + M h) for M tokens and h heads: linear in the points",
        presets=(
            Preset("small", "width 16, patches of 8 pixels or more", on_domain(_small)),
            Preset("tiny", "width 8, two scales", on_domain(_tiny)),
            Preset("darcy", "width 64, for 85 x 85", _of_width(64)),
            Preset("navier-stokes", "width 64, for 64 x 64 and ten frames as inputs", _of_width(64)),
            Preset("airfoil", "width 32, for 221 x 51", _of_width(32)),
            Preset("pipe", "width 48, for 129 x 129", _of_width(48)),
            Preset("plasticity", "width 32, for 101 x 31 x 20", _of_width(32)),
            Preset("elasticity-g", "width 32, for 41 x 41", _of_width(32)),
        ),
    ),
    Entry(
        name="lsm-irregular",
        title="latent spectral model on point clouds",
        paper=_PAPER,
        domains="point clouds and meshes in 1-D, 2-D, 3-D, fixed or differing by sample",
        boundaries="none in particular",
        transfer="any points, in any number: quadrature into a latent grid, evaluation at any query",
        cost="n w mᵈ for the projections, N w (w + M h) for N points of the latent grid, M tokens and h heads",
        presets=(
            Preset("small", "width 16, latent grid of 32 points an axis", _on_points(_small_grid, 64)),
            Preset("tiny", "width 8, latent grid of 8 points an axis, two scales", _on_points(_tiny_grid, 8)),
            Preset(
                "elasticity-p",
                "width 32, latent grid of 96 points an axis, for 972 points",
                _on_points(lambda dimension: LatentGrid([96] * dimension), 128),
            ),
        ),
    ),
)
