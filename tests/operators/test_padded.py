"""Domain padding keeps the sides of a box apart, and leaves what needs no neighbours as it is."""

import pytest
import torch
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.grid import Axis, Grid
from fredholm.layers.architecture import build, describe
from fredholm.layers.perceptron import initialised
from fredholm.operators.fourier import FNO
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.padded import PaddedNetwork


class NextPoint(GridNetwork):
    """u(x + h) on a torus."""

    agnostic = True
    dimensions = frozenset({2})
    inputs = outputs = 1

    def forward(self, values: Tensor) -> Tensor:
        return values.roll((-1, -1), (2, 3))


def test_what_leaves_on_one_side_does_not_come_in_on_the_other() -> None:
    u = torch.rand(2, 1, 10, 8) + 1
    expected = torch.zeros_like(u)
    expected[..., :-1, :-1] = u[..., 1:, 1:]
    assert torch.equal(PaddedNetwork(NextPoint(), (0.1, 0.2))(u), expected)


def test_a_periodic_axis_has_no_margin() -> None:
    u = torch.rand(2, 1, 10, 8)
    answer = PaddedNetwork(NextPoint(), (0.0, 0.2))(u)
    assert torch.equal(answer[..., :-1], u.roll(-1, 2)[..., 1:])
    assert not answer[..., -1].any()


def test_an_fno_without_margins_is_itself_and_is_built_again() -> None:
    with initialised(0):
        network = FNO(1, 1, modes=(4, 4), width=4, layers=1)
    u = torch.rand(2, 1, 12, 12)
    torch.testing.assert_close(PaddedNetwork(network, (0.0, 0.0))(u), network(u))
    padded = PaddedNetwork(network, (0.25, 0.1))
    again = build(describe(padded))
    again.load_state_dict(padded.state_dict())
    assert torch.equal(again(u), padded(u))


def test_margins_are_fractions() -> None:
    with pytest.raises(ValueError, match=r"below 1; got \(0.1, 8\)"):
        PaddedNetwork(NextPoint(), (0.1, 8))
    with pytest.raises(SignatureError, match="1 margins for the 2 axes"):
        PaddedNetwork(NextPoint(), (0.1,)).require(Grid(Axis("x", 0, 1, 8), Axis("y", 0, 1, 8)))
