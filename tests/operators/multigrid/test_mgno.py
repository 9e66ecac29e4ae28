"""MgNO has the papers' sizes, the symmetries of its boundaries, and says on which grids it works."""

import pytest
import torch
from torch import nn

from fredholm.errors import SignatureError
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Quantity, Signature
from fredholm.layers.architecture import build, describe
from fredholm.layers.boundaries import Dirichlet, Periodic
from fredholm.layers.perceptron import initialised
from fredholm.layers.v_cycle import VCycle, smoothings
from fredholm.operators.multigrid import MgNO
from fredholm.operators.multigrid.entries import ENTRIES

(ENTRY,) = ENTRIES
_NORMALISATION = (
    5 * 2 * 32 * (64**2 + 32**2 + 16**2 + 8**2)
)  # its affine maps on the grids of the way up, which we lack


@pytest.mark.parametrize(
    ("preset", "inputs", "side", "published"),
    [
        ("darcy-smooth", 1, 211, 678_093),
        ("darcy-rough", 1, 256, 572_661),
        ("pipe", 2, 128, 783_876),
        ("navier-stokes", 1, 64, 2_885_194 - _NORMALISATION),
    ],
)
def test_published_numbers_of_parameters(preset: str, inputs: int, side: int, published: int) -> None:
    signature, grid = _square(side, inputs)
    assert ENTRY.preset(preset).build(signature, grid).parameter_count == published


def test_the_network_is_what_the_formula_says() -> None:
    with initialised(0):
        network = MgNO(2, 3, (8, 8), width=4, layers=2, cycle=VCycle(smoothings(2)), activation=nn.Tanh())
    u = f = torch.randn(5, 2, 8, 8)
    for linear, pointwise in zip(network.linear, network.pointwise, strict=True):
        c, b = pointwise.weight, pointwise.bias
        u = torch.tanh(linear(u) + torch.einsum("oi,bixy->boxy", c, u) + b[:, None, None])
    torch.testing.assert_close(network(f), torch.einsum("oi,bixy->boxy", network.last.weight, u))


def test_on_a_torus_it_commutes_with_shifts_by_a_coarse_spacing() -> None:
    with initialised(0):
        network = MgNO(1, 1, (16, 8), width=4, layers=3, cycle=VCycle(smoothings(3), Periodic())).double()
    f = torch.randn(2, 1, 16, 8, dtype=torch.float64)
    torch.testing.assert_close(network(f.roll((4, 4), (2, 3))), network(f).roll((4, 4), (2, 3)))


def test_boundaries_are_those_of_the_domain() -> None:
    channel = Grid(Axis("x", 0, 1, 16, periodic=True), Axis("y", 0, 1, 15))
    operator = ENTRY.preset("tiny").build(_signature(channel, 1), channel)
    kinds = [type(boundary) for boundary in operator.network.linear[0].cycle.boundaries(2)]
    assert kinds == [Periodic, Dirichlet]


@pytest.mark.parametrize("shape", [(16,), (16, 16), (8, 8, 8)], ids=str)
def test_tiny_is_tiny_in_any_dimension(shape: tuple[int, ...]) -> None:
    box = Grid(*(Axis(name, 0, 1, size) for name, size in zip("xyz", shape, strict=False)))
    operator = ENTRY.preset("tiny").build(_signature(box, 2), box)
    assert operator.parameter_count < 50_000
    assert operator({"u": torch.randn(3, 2, *shape)}).shape == (3, 1, *shape)


def test_a_flow_is_predicted_by_its_increment() -> None:
    grid = Grid(Axis("x", 0, 1, 64, periodic=True), Axis("y", 0, 1, 64, periodic=True))
    vorticity = Function((Quantity("vorticity", "1/s"),), DomainType.of(grid))
    operator = ENTRY.preset("navier-stokes").build(Signature({"now": vorticity}, vorticity), grid)
    nn.init.zeros_(operator.network.last.weight)
    now = torch.randn(1, 1, 64, 64)
    assert torch.equal(operator({"now": now}), now)


def test_a_network_belongs_to_its_grid() -> None:
    _, grid = _square(16, 1)
    network = MgNO(1, 1, (16, 16), width=4, cycle=VCycle(smoothings(3)))
    network.require(grid)
    assert not network.agnostic
    with pytest.raises(SignatureError, match="axis 'y' has 20 points and this MgNO's V-cycles were made for 16"):
        network.require(Grid(Axis("x", 0, 1, 16), Axis("y", 0, 1, 20)))
    with pytest.raises(SignatureError, match="side 2 cannot be halved; take 4 grids"):
        MgNO(1, 1, (16, 16))


def test_a_network_is_built_again_from_its_description() -> None:
    network = MgNO(1, 1, (8, 8), width=4, layers=2, cycle=VCycle(smoothings(2), bias=True), pointwise=False)
    again = build(describe(network))
    again.load_state_dict(network.state_dict())
    f = torch.randn(1, 1, 8, 8)
    assert torch.equal(again(f), network(f))


def _square(side: int, inputs: int) -> tuple[Signature, Grid]:
    grid = Grid(Axis("x", 0, 1, side), Axis("y", 0, 1, side))
    return _signature(grid, inputs), grid


def _signature(grid: Grid, inputs: int) -> Signature:
    channels = tuple(Quantity(f"u{i}") for i in range(inputs))
    where = DomainType.of(grid)
    return Signature({"u": Function(channels, where)}, Function((Quantity("p"),), where))
