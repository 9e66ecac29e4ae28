"""Patches make their field again, see what they should, and are a linear map with its adjoint."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fredholm.errors import SignatureError
from fredholm.layers.architecture import build, describe
from fredholm.operators.fourier import FNO
from fredholm.operators.fourier.patched import PatchedNetwork
from fredholm.operators.fourier.patching import Clamped, Mirrored, MultigridPatching, Wrapped

BOUNDARIES = (Wrapped(), Clamped(), Mirrored())


@pytest.mark.parametrize(
    ("shape", "levels", "padding"),
    [*product([(32,), (32, 32), (32, 16), (16, 16, 16)], [0, 1, 2], [0.0, 1 / 16, 1 / 4])],
)
def test_patches_make_their_field_again_exactly(shape: tuple[int, ...], levels: int, padding: float) -> None:
    field = torch.randn(2, 3, *shape)
    for boundary in BOUNDARIES:
        patching = MultigridPatching(levels, padding, boundary)
        patches = patching.patch(field)
        assert patches.shape == (2 * 2 ** (levels * len(shape)), 3 * (levels + 1), *patching.patch_shape(shape))
        assert torch.equal(patching.unpatch(patches[:, :3], shape), field)


def test_coarser_views_are_centred_on_their_patch() -> None:
    """Of 64 points in 4 patches the first holds 0..15, and sees -8..22 by 2 and -24..36 by 4."""
    patches = MultigridPatching(levels=2).patch(torch.arange(64.0).reshape(1, 1, 64))
    assert patches[0, 0].tolist() == list(range(16))
    assert patches[0, 1].tolist() == [i % 64 for i in range(-8, 24, 2)]
    assert patches[0, 2].tolist() == [i % 64 for i in range(-24, 40, 4)]
    assert patches[3, 0].tolist() == list(range(48, 64))


def test_beyond_the_ends_stands_what_the_boundary_says() -> None:
    field = torch.arange(8.0).reshape(1, 1, 8)
    padded = {type(b).__name__: MultigridPatching(0, 0.25, b).patch(field)[0, 0].tolist() for b in BOUNDARIES}
    inner = list(range(8))
    assert padded["Wrapped"] == [6, 7, *inner, 0, 1]
    assert padded["Clamped"] == [0, 0, *inner, 7, 7]
    assert padded["Mirrored"] == [2, 1, *inner, 6, 5]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2), st.sampled_from([0.0, 0.125, 0.25]), st.sampled_from(BOUNDARIES), st.integers(0, 10**6))
def test_patching_is_linear_and_has_its_adjoint(levels: int, padding: float, boundary: Wrapped, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    patching = MultigridPatching(levels, padding, boundary)
    x = torch.randn(2, 1, 16, 32, generator=generator, dtype=torch.float64, requires_grad=True)
    patches = patching.patch(x)
    z = torch.randn(patches.shape, generator=generator, dtype=torch.float64)
    (transposed,) = torch.autograd.grad((patches * z).sum(), x)
    other = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    torch.testing.assert_close((patching.patch(other) * z).sum(), (other * transposed).sum())


def test_a_convolution_that_reaches_no_further_than_the_padding_does_not_see_the_cuts() -> None:
    patching = MultigridPatching(levels=1, padding=1 / 8)  # 4 points of 32
    kernel = nn.Conv2d(1, 1, 9, padding="same", padding_mode="circular", dtype=torch.float64)
    field = torch.randn(2, 1, 32, 32, dtype=torch.float64)
    inner = patching.unpatch(kernel(patching.patch(field)[:, :1]), (32, 32))
    torch.testing.assert_close(inner, kernel(field), rtol=1e-12, atol=1e-12)


def test_it_agrees_with_the_peer_s_patches() -> None:
    neuralop = pytest.importorskip("neuralop.training.patching", reason="the peer neuraloperator is not installed")
    field = torch.randn(2, 3, 32, 32)
    for levels, padding in [(1, 0.0), (1, 0.125), (2, 0.0625)]:
        peer = neuralop.MultigridPatching2D(nn.Identity(), levels=levels, padding_fraction=padding, stitching=True)
        theirs, _ = peer.patch(field, field[:, :1])
        ours = MultigridPatching(levels, padding).patch(field)
        assert theirs.shape == ours.shape
        # the peer may number the patches otherwise: bring both into the order of their first values
        order, other = theirs[:, 0, 0, 0].argsort(), ours[:, 0, 0, 0].argsort()
        torch.testing.assert_close(ours[other], theirs[order], rtol=0, atol=0)


def test_a_patched_network_answers_on_the_whole_field() -> None:
    patching = MultigridPatching(levels=1, padding=1 / 8)
    patched = PatchedNetwork(FNO(4, 1, modes=(4, 4), width=8, layers=1), patching).double()
    field = torch.randn(2, 2, 32, 32, dtype=torch.float64)
    answer = patched(field)
    assert answer.shape == (2, 1, 32, 32)
    assert (patched.inputs, patched.outputs) == (2, 1)
    # shifting a periodic field by a whole patch shifts the answer: all patches are treated alike
    torch.testing.assert_close(patched(field.roll(16, 2)), answer.roll(16, 2), rtol=1e-9, atol=1e-9)
    again = build(describe(patched)).double()
    again.load_state_dict(patched.state_dict())
    torch.testing.assert_close(again(field), answer)


def test_sides_that_cannot_be_cut_are_named() -> None:
    with pytest.raises(SignatureError, match="axis 1 has 20 points; 2 levels of patches need a multiple of 16"):
        MultigridPatching(2).patch(torch.zeros(1, 1, 16, 20))
    with pytest.raises(SignatureError, match="has 3 inputs; patches of 1 levels"):
        PatchedNetwork(FNO(3, 1, modes=(4, 4), width=8, layers=1), MultigridPatching(1))
    with pytest.raises(ValueError, match="levels=-1"):
        MultigridPatching(-1)
