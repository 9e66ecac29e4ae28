"""With the same weights our FNO and TFNO answer what neuraloperator's do."""

import pytest
import torch

from fredholm.layers.factorised_weights import Tucker
from fredholm.operators.fourier import FNO
from operators.fourier.peer_weights import copied

models = pytest.importorskip("neuralop.models", reason="the peer is in the extra 'peers'")

CASES = {
    "1-D": ((12,), (32,)),
    "2-D": ((8, 6), (16, 20)),
    "2-D, coarser than its modes": ((16, 16), (16, 8)),
    "3-D": ((4, 6, 4), (8, 8, 10)),
}


@pytest.mark.parametrize(("modes", "shape"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("rank", [None, 0.3], ids=["dense", "Tucker"])
def test_answers_are_the_peers(modes: tuple[int, ...], shape: tuple[int, ...], rank: float | None) -> None:
    torch.manual_seed(0)
    factorised = {} if rank is None else {"factorization": "Tucker", "rank": rank}
    peer = models.FNO(modes, 2, 1, hidden_channels=16, n_layers=3, positional_embedding=None, **factorised)
    ours = copied(peer, FNO(2, 1, modes, width=16, layers=3, weights=None if rank is None else Tucker(rank)))
    u = torch.randn(3, 2, *shape)
    expected = peer(u).detach()
    torch.testing.assert_close(ours(u), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def test_gradients_are_the_peers() -> None:
    torch.manual_seed(1)
    peer = models.FNO((8, 8), 2, 1, hidden_channels=16, n_layers=2, positional_embedding=None)
    ours = copied(peer, FNO(2, 1, (8, 8), width=16, layers=2))
    u = torch.randn(2, 2, 16, 16)
    slopes = []
    for network in (ours, peer):
        v = u.clone().requires_grad_()
        network(v).square().mean().backward()
        slopes.append(v.grad)
    torch.testing.assert_close(slopes[0], slopes[1], rtol=0, atol=1e-5 * float(slopes[1].abs().max()))
