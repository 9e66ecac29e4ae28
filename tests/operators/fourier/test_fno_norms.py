"""Fourier blocks with norms answer what neuraloperator's do, and do not notice the size of what goes in."""

import pytest
import torch

from fredholm.layers.architecture import build, describe
from fredholm.layers.channel_norms import ChannelGroupNorm, ChannelInstanceNorm, Norm
from fredholm.operators.fourier import FNO
from operators.fourier.peer_weights import copied


@pytest.mark.parametrize(
    ("norm", "theirs"),
    [(ChannelGroupNorm(), "group_norm"), (ChannelInstanceNorm(), "instance_norm")],
    ids=["group", "instance"],
)
def test_answers_are_the_peers(norm: Norm, theirs: str) -> None:
    models = pytest.importorskip("neuralop.models", reason="the peer is in the extra 'peers'")
    torch.manual_seed(0)
    peer = models.FNO((6, 6), 2, 1, hidden_channels=8, n_layers=2, positional_embedding=None, norm=theirs)
    ours = copied(peer, FNO(2, 1, (6, 6), width=8, layers=2, norm=norm))
    u = torch.randn(3, 2, 12, 10)
    expected = peer(u).detach()
    torch.testing.assert_close(ours(u), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def test_a_norm_is_independent_of_the_grid() -> None:
    torch.manual_seed(0)
    network = FNO(1, 1, (4, 4), width=8, layers=2, norm=ChannelGroupNorm(2)).double()
    x = torch.arange(16, dtype=torch.float64) * 2 * torch.pi / 16
    smooth = [torch.sin(a[:, None]) * torch.cos(a) for a in (x, torch.arange(32).double() * 2 * torch.pi / 32)]
    coarse, fine = (network(u[None, None]) for u in smooth)
    difference = (fine[..., ::2, ::2] - coarse).norm() / coarse.norm()
    assert float(difference) < 1e-3


def test_norms_are_described() -> None:
    network = FNO(1, 1, (4, 4), width=8, layers=1, norm=ChannelGroupNorm(4))
    assert build(describe(network)).blocks[0].norms[0].num_groups == 4


def test_channels_must_make_groups() -> None:
    with pytest.raises(ValueError, match="8 channels do not make 3 groups"):
        FNO(1, 1, (4, 4), width=8, layers=1, norm=ChannelGroupNorm(3))
