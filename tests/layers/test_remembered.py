"""What is kept between answers is never older than the weights it was computed from."""

import copy

import torch

from fredholm.layers.factorised_weights import Tucker
from fredholm.layers.spectral_convolution import SpectralConvolution


def answers(convolution: SpectralConvolution, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Without a gradient, from what is kept; and with one, from the factors."""
    with torch.inference_mode():
        kept = convolution(u).clone()
    return kept, convolution(u).detach()


def test_answers_follow_the_weights_however_they_are_changed() -> None:
    torch.manual_seed(0)
    convolution, u = SpectralConvolution(8, 8, (6, 6), Tucker(0.5)), torch.randn(2, 8, 12, 12)
    fused = torch.optim.Adam(convolution.parameters(), lr=0.1, fused=True)

    def by_optimiser() -> None:  # which does not count up the versions of the tensors
        convolution(u).square().sum().backward()
        fused.step()

    def in_place() -> None:
        for parameter in convolution.parameters():
            parameter.data.mul_(1.5)

    def by_state() -> None:
        convolution.load_state_dict(SpectralConvolution(8, 8, (6, 6), Tucker(0.5)).state_dict())

    def by_window() -> None:
        convolution.kept = (4, 4)

    before = answers(convolution, u)[0]
    for change in (by_optimiser, in_place, by_state, by_window):
        change()
        kept, expected = answers(convolution, u)
        torch.testing.assert_close(kept, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
        assert float((kept - before).abs().max()) > 1e-2 * float(before.abs().max())
        before = kept


def test_copies_keep_nothing_of_the_original() -> None:
    torch.manual_seed(0)
    convolution, u = SpectralConvolution(4, 4, (4, 4), Tucker(0.5)), torch.randn(1, 4, 8, 8)
    first = answers(convolution, u)[0]
    other = copy.deepcopy(convolution)
    with torch.no_grad():
        other.weights.core.zero_()
    assert torch.equal(answers(other, u)[0], other.bias.detach()[:, None, None].expand(1, 4, 8, 8))
    assert torch.equal(answers(convolution, u)[0], first)


def test_weights_move_and_change_precision() -> None:
    convolution, u = SpectralConvolution(4, 4, (4, 4), Tucker(0.5)), torch.randn(1, 4, 8, 8)
    single = answers(convolution, u)[0]
    double = answers(convolution.double(), u.double())[0]
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, rtol=1e-4, atol=1e-5)
