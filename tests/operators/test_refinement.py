"""Operators that are said to be agnostic to the discretisation converge under refinement; networks of pixels do not."""

import pytest
import torch
from catalogue_examples import build_tiny, kinds_of
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.evaluation.refinement import drift, refinement_differences
from fredholm.fields import Axis, Domain, Grid
from fredholm.operators.catalogue import OPERATORS
from fredholm.operators.convolutional import ConvNet
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.unet import UNet


def torus(n: int) -> Grid:
    return Grid(Axis("x", 0.0, 1.0, n, periodic=True), Axis("y", 0.0, 1.0, n, periodic=True))


def waves(channels: int) -> Tensor:
    """Amplitudes of some smooth periodic functions."""
    return torch.randn(channels, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def smooth(channels: int, domain: Domain) -> Tensor:
    """A few waves on a torus, different ones for each channel."""
    x, y = 2 * torch.pi * domain.coordinates().T
    basis = torch.stack([torch.sin(x), torch.cos(y), torch.sin(x + y), torch.cos(2 * x - y), torch.sin(2 * y)])
    return (waves(channels) @ basis).reshape(1, channels, *domain.shape)


def agnostic() -> dict[str, GridNetwork]:
    """The networks of the catalogue that say so, as they are built on the torus."""
    found = {}
    for name in OPERATORS:
        if "torus" not in kinds_of(name):
            continue
        operator = build_tiny(name, "torus")
        if isinstance(operator, GridOperator) and operator.network.agnostic:
            found[name] = operator.network.double()
    return found


NETWORKS = agnostic()
EACH = [pytest.param(name, marks=[pytest.mark.slow] * (name == "integral-unet")) for name in NETWORKS]


@pytest.mark.parametrize("name", EACH)
def test_agnostic_networks_converge(name: str) -> None:
    network = NETWORKS[name]
    differences = refinement_differences(
        network, lambda grid: smooth(network.inputs, grid), [torus(n) for n in (16, 32, 64, 128)]
    )
    assert differences[-1] < max(0.6 * differences[0], 1e-6), differences
    assert differences[-1] < 0.1, differences


@pytest.mark.parametrize("name", EACH)
def test_agnostic_networks_stay_what_they_are(name: str) -> None:
    network = NETWORKS[name]
    away = drift(network, lambda grid: smooth(network.inputs, grid), [torus(n) for n in (32, 64, 128)])
    assert max(away) < 0.15, away


@pytest.mark.parametrize(
    "network", [UNet(1, 1, width=8, periodic=(True, True)), ConvNet(1, 1, 8, 2, periodic=(True, True))]
)
def test_networks_of_pixels_become_others(network: GridNetwork) -> None:
    network = network.double().eval()
    assert not network.agnostic
    away = drift(network, lambda grid: smooth(1, grid), [torus(n) for n in (16, 32, 64)])
    assert away[-1] > away[0] > 0.02, away


def test_grids_that_are_not_nested_are_refused() -> None:
    with pytest.raises(SignatureError, match="axis 'x' with 24 points does not hold the 16 points before it"):
        refinement_differences(
            UNet(1, 1, width=4, periodic=(True, True)).double(), lambda g: smooth(1, g), [torus(16), torus(24)]
        )
