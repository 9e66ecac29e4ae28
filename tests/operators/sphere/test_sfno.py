import pytest
import torch
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields import DomainType, Function, Quantity, Signature, SphereGrid
from fredholm.layers.grid_inputs import GridInputs
from fredholm.layers.latitudes import EquiangularLatitudes, GaussLatitudes, Latitudes
from fredholm.layers.perceptron import initialised
from fredholm.layers.spherical_harmonics import SphericalHarmonics
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.sphere.sfno import SFNO, SphericalBlock


def network(phase: bool = False, normalise: bool = False, latitudes: Latitudes | None = None) -> SFNO:
    with initialised(0):
        block = SphericalBlock(phase=phase, normalise=normalise)
        net = SFNO(1, 2, SphericalHarmonics(6, latitudes), width=8, layers=2, block=block)
        for module in net.blocks:
            torch.nn.init.normal_(module.contract.weight, std=0.3)  # loud enough to be heard
    return net.double()


def smooth(grid: SphereGrid) -> Tensor:
    """exp(x y - z) and what it is on any grid, (1, 1, *shape)."""
    latitude, longitude = grid.coordinates().T
    x, y, z = latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(), latitude.sin()
    return (x * y - z).exp().reshape(1, 1, *grid.shape)


@pytest.mark.parametrize("phase", [False, True])
def test_it_commutes_with_rotations_about_the_axis(phase: bool) -> None:
    net, values = network(phase), torch.randn(2, 1, 8, 16, dtype=torch.float64)
    torch.testing.assert_close(net(values.roll(3, -1)), net(values).roll(3, -1), rtol=1e-9, atol=1e-9)


def test_real_weights_do_not_know_east_from_west_nor_north_from_south() -> None:
    net, values = network(), torch.randn(2, 1, 8, 16, dtype=torch.float64)
    for axis in (-1, -2):
        torch.testing.assert_close(net(values.flip(axis)), net(values).flip(axis), rtol=1e-9, atol=1e-9)
    turned = network(phase=True)
    assert not torch.allclose(turned(values.flip(-1)), turned(values).flip(-1), atol=1e-2)


@pytest.mark.parametrize("normalise", [False, True])
def test_its_answers_converge_under_refinement(normalise: bool) -> None:
    """The same weights on grids that hold each other's points: thrice the latitudes and longitudes."""
    net, grids = network(normalise=normalise), [SphereGrid.equiangular(n, 2 * n) for n in (8, 24, 72)]
    coarse, middle, fine = (net(smooth(grid)) for grid in grids)
    at_middle = fine[..., 1::3, ::3]
    at_coarse = at_middle[..., 1::3, ::3]
    first = (coarse - at_coarse).norm() / at_coarse.norm()
    second = (middle - at_middle).norm() / at_middle.norm()
    assert first < 0.05
    assert second < first / 50  # the quadrature converges faster than any power


def test_one_operator_is_asked_on_several_grids() -> None:
    grid = SphereGrid.equiangular(8, 16)
    where = DomainType.of(grid)
    signature = Signature({"u": Function((Quantity("u"),), where)}, Function((Quantity("v"), Quantity("w")), where))
    operator = GridOperator(signature, grid, network(), GridInputs(signature, grid, coordinates=False))
    finer = SphereGrid.equiangular(24, 48)
    moved = operator.at(finer)
    coarse, fine = operator({"u": smooth(grid)}), moved({"u": smooth(finer)})[..., 1::3, ::3]
    assert (fine - coarse).norm() < 0.05 * fine.norm()
    with pytest.raises(SignatureError, match="too coarse"):
        operator.at(SphereGrid.equiangular(5, 16))
    with pytest.raises(SignatureError, match="latitudes"):
        operator.at(SphereGrid.gauss_legendre(8, 16))


def test_kinds_of_latitudes_agree_on_smooth_functions() -> None:
    """The grids differ, the operator does not: compare means over the sphere."""
    means = []
    for kind in (EquiangularLatitudes(), GaussLatitudes()):
        grid = kind.grid(24, 48)
        means.append(network(latitudes=kind)(smooth(grid)).flatten(2) @ grid.weights())
    torch.testing.assert_close(means[0], means[1], rtol=1e-4, atol=1e-4)
