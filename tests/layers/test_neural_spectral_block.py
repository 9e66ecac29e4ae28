"""The neural spectral block: a literal transcription of its equations, its symmetries, and where it vanishes."""

import math

import pytest
import torch
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.layers.neural_spectral_block import NeuralSpectralBlock
from fredholm.layers.perceptron import initialised
from fredholm.layers.trigonometric_transition import TrigonometricTransition, trigonometric_series

MAPS = {1: ((12,), (4,)), 2: ((6, 8), (3, 4)), 3: ((4, 2, 6), (2, 1, 3))}


def made(patch: tuple[int, ...], seed: int = 0, **options: int) -> NeuralSpectralBlock:
    with initialised(seed):
        return NeuralSpectralBlock(8, patch, **{"tokens": 3, "basis": 5, "heads": 4, **options}).double()


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def transcribed(block: NeuralSpectralBlock, pixels: Tensor) -> Tensor:
    """The equations for one patch (L, C), head by head, pixel by pixel, frequency by frequency."""
    channels, heads = pixels.shape[1], block.heads
    keys, values = block.encoder(pixels).chunk(2, dim=1)
    tokens = block.latent.clone()
    sine, cosine = block.transition.weights
    for head in range(heads):
        own = slice(head * channels // heads, (head + 1) * channels // heads)
        for m, latent in enumerate(block.latent):
            shares = torch.softmax(keys[:, own] @ latent[own], 0)
            tokens[m, own] += sum(share * value[own] for share, value in zip(shares, values, strict=True))
    moved = tokens.clone()
    for i in range(len(sine)):
        omega = math.pi * i / len(sine)
        moved += sine[i] * torch.sin(omega * tokens) + cosine[i] * torch.cos(omega * tokens)
    queries, result = block.decoder(pixels), pixels.clone()
    for head in range(heads):
        own = slice(head * channels // heads, (head + 1) * channels // heads)
        result[:, own] += torch.softmax(queries[:, own] @ moved[:, own].T, 1) @ moved[:, own]
    return result


@pytest.mark.parametrize("dimension", MAPS)
def test_every_patch_follows_the_equations(dimension: int) -> None:
    shape, patch = MAPS[dimension]
    block, values = made(patch), drawn(2, 8, *shape)
    with torch.no_grad():
        result = block(values)
        corner = (
            slice(None),
            slice(None),
            *(slice(size - side, size) for size, side in zip(shape, patch, strict=True)),
        )
        for pixels, expected in zip(values[corner], result[corner], strict=True):
            answer = transcribed(block, pixels.flatten(1).T)
            torch.testing.assert_close(answer.T, expected.flatten(1))


def test_nothing_is_added_where_neither_values_nor_series_give_anything_to_tokens() -> None:
    block, values = made((3, 4)), drawn(2, 8, 6, 8)
    with torch.no_grad():
        for weights in (block.latent, block.transition.weights, block.encoder.weight[8:], block.encoder.bias[8:]):
            weights.zero_()
        torch.testing.assert_close(block(values), values)


def test_patches_do_not_see_each_other() -> None:
    block, values = made((3, 4)), drawn(1, 8, 6, 8)
    changed = values.clone()
    changed[..., 3:, :4] += 1.0
    difference = (block(changed) - block(values)).abs().amax((0, 1))
    assert (difference[3:, :4] > 0).all()
    difference[3:, :4] = 0
    assert not difference.any()


def test_pixels_of_a_patch_may_change_places() -> None:
    block, values = made((4, 4)), drawn(2, 8, 4, 4)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    permuted = values.flatten(2)[..., order].unflatten(2, (4, 4))
    torch.testing.assert_close(block(permuted).flatten(2), block(values).flatten(2)[..., order])


def test_all_patches_are_treated_alike() -> None:
    block, values = made((3, 4)), drawn(2, 8, 6, 8)
    torch.testing.assert_close(block(values.roll((3, 4), (2, 3))), block(values).roll((3, 4), (2, 3)))


def test_tokens_that_are_all_alike_answer_as_one() -> None:
    several, one = made((4,), tokens=5), made((4,), tokens=1)
    with torch.no_grad():
        one.load_state_dict({**several.state_dict(), "latent": several.latent[:1]})
        several.latent.copy_(several.latent[:1].expand(5, -1))
    values = drawn(2, 8, 12)
    torch.testing.assert_close(several(values), one(values))


@pytest.mark.parametrize("terms", [1, 2, 3, 12])
def test_the_recurrence_sums_the_series(terms: int) -> None:
    values, sine, cosine = 4 * drawn(7, 3), drawn(terms, 3), drawn(terms, 3)
    angle = torch.arange(terms, dtype=torch.float64) * math.pi / terms * values.unsqueeze(-1)
    expected = (sine.T * angle.sin() + cosine.T * angle.cos()).sum(-1)
    torch.testing.assert_close(trigonometric_series(values, sine, cosine), expected)


def test_without_terms_the_transition_is_the_identity_and_the_first_cosine_is_a_constant() -> None:
    values = drawn(4, 3)
    assert torch.equal(TrigonometricTransition(3, 0)(values), values)
    transition = TrigonometricTransition(3, 6).double()
    with torch.no_grad():
        transition.weights.zero_()
        transition.weights[0, 0] = 5.0  # of sin 0
        torch.testing.assert_close(transition(values), values)
        transition.weights[1, 0] = torch.tensor([1.0, 2.0, 3.0])
        torch.testing.assert_close(transition(values), values + transition.weights[1, 0])


def test_gradients_are_those_of_the_function() -> None:
    block, values = made((2, 2)), drawn(1, 8, 2, 4).requires_grad_()
    assert torch.autograd.gradcheck(block, (values,))
    parameters = list(block.parameters())
    assert all(g is not None for g in torch.autograd.grad(block(values).square().sum(), parameters))


def test_memory_layout_changes_nothing() -> None:
    block, values = made((3, 4)), drawn(2, 8, 6, 8)
    torch.testing.assert_close(block(values.to(memory_format=torch.channels_last)), block(values))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="6 channels do not split into 4 heads"):
        NeuralSpectralBlock(6, (2, 2), heads=4)
    with pytest.raises(SignatureError, match=r"patches of \(3, 4\) pixels do not tile a map of \(6, 6\)"):
        made((3, 4))(drawn(1, 8, 6, 6))
