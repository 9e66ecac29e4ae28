"""Latent spectral models in the catalogue."""

from collections.abc import Callable

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.layers.grid_inputs import GridInputs
from fredholm.operators.entry import Build, Entry, Preset
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.latent_spectral.lsm import LSM, LatentSpectrum

_PAPER = "Wu, Hu, Luo, Wang, Long, Solving high-dimensional PDEs with latent spectral models, 2023"


def _on_grid(network: Callable[[int, int, tuple[int, ...]], LSM]) -> Build:
    """Build the operator around network(inputs, outputs, shape), which sees all inputs and the coordinates."""

    def build(signature: Signature, output_domain: Domain) -> GridOperator:
        inputs = GridInputs(signature, output_domain)
        made = network(inputs.channels, len(signature.output.channels), tuple(output_domain.shape))
        return GridOperator(signature, output_domain, made, inputs)

    return build


def _of_width(width: int) -> Build:
    return _on_grid(lambda inputs, outputs, shape: LSM(inputs, outputs, shape, width))


def _small(inputs: int, outputs: int, shape: tuple[int, ...]) -> LSM:
    """As many scales, five at most, as leave four points along the shortest axis of the coarsest."""
    scales = min(5, max(1, (min(shape) // 4).bit_length()))
    return LSM(inputs, outputs, shape, width=16, scales=scales)


def _tiny(inputs: int, outputs: int, shape: tuple[int, ...]) -> LSM:
    return LSM(inputs, outputs, shape, width=8, scales=2, spectral=LatentSpectrum(tokens=2, basis=4, heads=4))


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
            Preset("small", "width 16, patches of 4 pixels or more", _on_grid(_small)),
            Preset("tiny", "width 8, two scales", _on_grid(_tiny)),
            Preset("darcy", "width 64, for 85 x 85", _of_width(64)),
            Preset("navier-stokes", "width 64, for 64 x 64 and ten frames as inputs", _of_width(64)),
            Preset("airfoil", "width 32, for 221 x 51", _of_width(32)),
            Preset("pipe", "width 48, for 129 x 129", _of_width(48)),
            Preset("plasticity", "width 32, for 101 x 31 x 20", _of_width(32)),
            Preset("elasticity-g", "width 32, for 41 x 41", _of_width(32)),
        ),
    ),
)
