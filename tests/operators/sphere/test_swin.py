import pytest
import torch
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields import SphereGrid
from fredholm.layers.perceptron import initialised
from fredholm.layers.window_attention import WindowAttention
from fredholm.operators.sphere.swin import SphericalSwin

EXACT = {"rtol": 1e-9, "atol": 1e-9}


def network(layers: int = 2) -> SphericalSwin:
    """With norms that let the blocks be heard."""
    with initialised(0):
        net = SphericalSwin(2, 3, width=8, layers=layers, heads=2, window=(2, 4)).double()
        for block in net.blocks:
            torch.nn.init.normal_(block.attention_norm.weight)
            torch.nn.init.normal_(block.pointwise_norm.weight)
    return net


def reach(net: SphericalSwin, latitude: int, longitude: int) -> Tensor:
    """Which points' answers depend on the values at one point, (lat, lon)."""
    values = torch.randn(1, 2, 8, 16, dtype=torch.float64)
    changed = values.clone()
    changed[..., latitude, longitude] += 1
    return ((net(changed) - net(values)).abs().amax((0, 1)) > 1e-12).nonzero()


def test_it_commutes_with_rotations_by_a_window() -> None:
    net, values = network(), torch.randn(2, 2, 8, 16, dtype=torch.float64)
    for turn in (4, 8, 12):
        torch.testing.assert_close(net(values.roll(turn, -1)), net(values).roll(turn, -1), **EXACT)
    assert not torch.allclose(net(values.roll(2, -1)), net(values).roll(2, -1), atol=1e-6)


def test_windows_are_the_reach_of_a_block() -> None:
    assert reach(network(1), 2, 5).tolist() == [[i, j] for i in (2, 3) for j in (4, 5, 6, 7)]


def test_shifted_windows_go_around_longitudes_and_not_over_the_poles() -> None:
    """After an unshifted and a shifted block, a window's influence has grown by half a window on all sides."""
    inside = reach(network(), 4, 9)
    assert sorted(set(inside[:, 0].tolist())) == [3, 4, 5, 6]
    assert sorted(set(inside[:, 1].tolist())) == [6, 7, 8, 9, 10, 11, 12, 13]
    corner = reach(network(), 0, 0)
    assert sorted(set(corner[:, 0].tolist())) == [0, 1, 2]
    assert sorted(set(corner[:, 1].tolist())) == [0, 1, 2, 3, 4, 5, 14, 15]
    north = reach(network(), 7, 15)
    assert sorted(set(north[:, 0].tolist())) == [5, 6, 7]
    assert sorted(set(north[:, 1].tolist())) == [0, 1, 10, 11, 12, 13, 14, 15]


def test_attention_is_that_of_its_equation() -> None:
    """Against a loop over the pairs of points of one window that is the whole grid."""
    with initialised(0):
        layer = WindowAttention(6, 2, (2, 3), hidden=5).double()
        torch.nn.init.normal_(layer.sharpness)
    values = torch.randn(1, 2, 3, 6, dtype=torch.float64)
    points = values.reshape(6, 6)
    query, key, value = layer.attend(points).reshape(6, 3, 2, 3).unbind(1)
    expected = torch.zeros(6, 2, 3, dtype=torch.float64)
    for head in range(2):
        scores = torch.zeros(6, 6, dtype=torch.float64)
        for i in range(6):
            for j in range(6):
                cosine = torch.nn.functional.cosine_similarity(query[i, head], key[j, head], dim=0)
                offset = torch.tensor([j // 3 - i // 3, j % 3 - i % 3], dtype=torch.float64)
                position = layer.position(offset.sign() * (1 + offset.abs()).log())[head]
                scores[i, j] = layer.sharpness[head, 0, 0].exp() * cosine + position
        expected[:, head] = scores.softmax(-1) @ value[:, head]
    torch.testing.assert_close(
        layer(values), layer.project(expected.flatten(1)).reshape(1, 2, 3, 6), rtol=1e-6, atol=1e-6
    )


def test_a_block_starts_as_the_identity() -> None:
    with initialised(0):
        net = SphericalSwin(2, 3, width=8, layers=4, heads=2)
    values = torch.randn(1, 2, 8, 16)
    plain = net.projection(net.lifting(values.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
    torch.testing.assert_close(net(values), plain)


def test_grids_that_windows_do_not_divide_are_refused() -> None:
    with pytest.raises(SignatureError, match="windows of 4 points along longitude"):
        network().require(SphereGrid.equiangular(8, 18))
    with pytest.raises(ValueError, match="3 heads cannot share 8 channels"):
        WindowAttention(8, 3, (2, 4))
