import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.fields import Axis, Grid, SphereGrid
from fredholm.layers.perceptron import initialised
from fredholm.layers.spherical_padding import ZeroBeyondPoles
from fredholm.operators.sphere.unet import SphericalUNet


def network(padding: ZeroBeyondPoles | None = None) -> SphericalUNet:
    with initialised(0):
        return SphericalUNet(2, 3, width=6, stages=3, padding=padding).double().eval()


@pytest.mark.parametrize("padding", [None, ZeroBeyondPoles()])
def test_it_commutes_with_rotations_by_its_coarsest_longitude(padding: ZeroBeyondPoles | None) -> None:
    net, values = network(padding), torch.randn(2, 2, 8, 16, dtype=torch.float64)
    for turn in (4, 8):
        torch.testing.assert_close(net(values.roll(turn, -1)), net(values).roll(turn, -1), rtol=1e-9, atol=1e-9)
    assert not torch.allclose(net(values.roll(1, -1)), net(values).roll(1, -1), atol=1e-6)


def test_it_sees_over_the_poles_unless_they_are_walls() -> None:
    """A change in the last latitude is felt in the same latitude half a turn away, which is its neighbour."""
    values = torch.zeros(1, 2, 16, 64, dtype=torch.float64)
    changed = values.clone()
    changed[..., -1, 4] = 1.0
    for padding, felt in ((None, True), (ZeroBeyondPoles(), False)):
        with initialised(0):
            net = SphericalUNet(2, 1, width=6, stages=2, padding=padding).double().eval()
        difference = (net(changed) - net(values)).abs()[0, 0, -1]
        assert bool(difference[4] > 0)
        assert bool(difference[36] > 0) is felt


def test_grids_that_cannot_be_halved_are_resampled() -> None:
    net = network()
    for shape in ((9, 20), (7, 10)):
        net.require(SphereGrid.equiangular(*shape))
        assert net(torch.randn(1, 2, *shape, dtype=torch.float64)).shape == (1, 3, *shape)


def test_other_domains_are_refused() -> None:
    with pytest.raises(SignatureError, match="expected a SphereGrid"):
        network().require(Grid(Axis("x", 0, 1, 16), Axis("y", 0, 1, 16)))
    with pytest.raises(SignatureError, match="even number of longitudes"):
        network().require(SphereGrid.equiangular(8, 15))
