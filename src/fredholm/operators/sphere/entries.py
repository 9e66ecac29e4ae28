"""The operators of the sphere in the catalogue.

They see the inputs of a signature and no coordinates, in which longitude would jump: what is to depend on the place, as
all that the rotation of the earth does, needs a function of it among the inputs.
"""

from collections.abc import Callable

from torch import nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.fields.sphere_grid import SphereGrid
from fredholm.layers.grid_inputs import GridInputs
from fredholm.layers.latitudes import latitudes_of
from fredholm.layers.spherical_harmonics import SphericalHarmonics
from fredholm.operators.entry import Build, Entry, Preset
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.sphere.graphcast import GraphCast
from fredholm.operators.sphere.sfno import SFNO, SphericalBlock
from fredholm.operators.sphere.swin import SphericalSwin
from fredholm.operators.sphere.unet import SphericalUNet

_TRANSPORT = "Benson et al., Atmospheric transport modeling of CO2 with neural networks, 2025"
_BOUND = "bound to its grid, as it counts pixels"
_PUBLISHED = SphericalBlock(local=False, phase=True, normalise=True, activation=nn.ReLU())
_DOMAINS = "grids of latitudes and longitudes"


def _on_sphere(network: Callable[[int, int, SphereGrid], GridNetwork]) -> Build:
    """Build the operator around network(inputs, outputs, grid)."""

    def build(signature: Signature, output_domain: Domain) -> GridOperator:
        if not isinstance(output_domain, SphereGrid):
            raise SignatureError(f"an operator of the sphere needs a SphereGrid, got {output_domain!r}")
        inputs = GridInputs(signature, output_domain, coordinates=False)
        made = network(inputs.channels, len(signature.output.channels), output_domain)
        return GridOperator(signature, output_domain, made, inputs)

    return build


def _sfno(degrees: int, width: int, layers: int, block: SphericalBlock | None = None) -> Build:
    return _on_sphere(
        lambda i, o, grid: SFNO(i, o, SphericalHarmonics(degrees, latitudes_of(grid)), width, layers, block)
    )


def _swin(width: int, layers: int, heads: int = 8) -> Build:
    return _on_sphere(lambda i, o, _: SphericalSwin(i, o, width, layers, heads))


def _graphcast(width: int, layers: int, level: int) -> Build:
    return _on_sphere(lambda i, o, grid: GraphCast(i, o, grid, width, layers, level))


def _unet(width: int, stages: int = 4) -> Build:
    return _on_sphere(lambda i, o, _: SphericalUNet(i, o, width, stages))


ENTRIES = (
    Entry(
        name="sfno",
        title="Spherical Fourier neural operator",
        paper="Bonev et al., Spherical Fourier neural operators: learning stable dynamics on the sphere, 2023",
        domains=_DOMAINS,
        boundaries="none, the sphere is closed; commutes with all its rotations",
        transfer="the same weights on any grid that resolves its degrees and has latitudes of the same kind",
        cost="L w (n l + w n + w l²), l degrees",
        presets=(
            Preset("small", "16 degrees, width 32, 4 blocks", _sfno(16, 32, 4)),
            Preset("tiny", "8 degrees, width 8, 2 blocks", _sfno(8, 8, 2)),
            Preset(
                "co2-m",
                f"32 degrees, width 128, 8 blocks, complex weights: M of {_TRANSPORT}",
                _sfno(32, 128, 8, _PUBLISHED),
            ),
            Preset(
                "co2-l",
                f"32 degrees, width 256, 8 blocks, complex weights: L of {_TRANSPORT}",
                _sfno(32, 256, 8, _PUBLISHED),
            ),
        ),
    ),
    Entry(
        name="graphcast",
        title="Graph network on an icosahedral multi-mesh",
        paper="Lam et al., Learning skillful medium-range global weather forecasting, 2023",
        domains=_DOMAINS,
        boundaries="none, the sphere is closed",
        transfer="bound to its grid, to whose points the mesh is joined",
        cost="w² (n + L e), e edges of the mesh",
        presets=(
            Preset("small", "mesh of level 2, width 32, 4 steps", _graphcast(32, 4, 2)),
            Preset("tiny", "mesh of level 1, width 8, 2 steps", _graphcast(8, 2, 1)),
            Preset("co2-s", f"mesh of level 3, width 128, 8 steps: S of {_TRANSPORT}", _graphcast(128, 8, 3)),
            Preset("co2-m", f"mesh of level 3, width 256, 8 steps: M of {_TRANSPORT}", _graphcast(256, 8, 3)),
        ),
    ),
    Entry(
        name="swin",
        title="Shifted-window transformer on the sphere",
        paper="Liu et al., Swin transformer V2: scaling up capacity and resolution, 2022",
        domains=_DOMAINS,
        boundaries="around all longitudes; windows stop at the poles",
        transfer=_BOUND,
        cost="L w n (w + p), p points of a window",
        presets=(
            Preset("small", "width 32, 4 blocks, 4 heads, windows of 4 x 8", _swin(32, 4, 4)),
            Preset("tiny", "width 8, 2 blocks, 2 heads", _swin(8, 2, 2)),
            Preset("co2-xs", f"width 256, 8 blocks: XS of {_TRANSPORT}", _swin(256, 8)),
            Preset("co2-s", f"width 512, 12 blocks: S of {_TRANSPORT}", _swin(512, 12)),
        ),
    ),
    Entry(
        name="sphere-unet",
        title="U-Net on the sphere",
        paper=_TRANSPORT,
        domains=_DOMAINS,
        boundaries="around all longitudes and over the poles, by padding",
        transfer=_BOUND,
        cost="n w²",
        presets=(
            Preset("small", "width 32, 4 scales", _unet(32)),
            Preset("tiny", "width 8, 2 scales", _unet(8, 2)),
            Preset("co2-s", f"width 128: S of {_TRANSPORT}", _unet(128)),
            Preset("co2-m", f"width 256: M of {_TRANSPORT}", _unet(256)),
            Preset("co2-l", f"width 512: L of {_TRANSPORT}", _unet(512)),
        ),
    ),
)
