"""Tensor formats: what they reconstruct is what they multiply by; they start with the right spread; they compress."""

import math

import pytest
import torch

from fredholm.layers.complex_products import complex_of
from fredholm.layers.factorised_weights import CP, FactorisedWeights, Separable, TensorTrain, Tucker, compress
from fredholm.layers.spectral_convolution import SpectralConvolution
from fredholm.layers.spectral_weights import Dense, WeightFormat
from fredholm.layers.tensor_ranks import cp_rank, train_ranks, tucker_ranks

FORMATS: dict[str, WeightFormat] = {
    "Tucker": Tucker(0.1),
    "Tucker, large": Tucker(0.9),
    "CP": CP(0.1),
    "train": TensorTrain(0.1),
    "train, large": TensorTrain(0.9),
    "separable": Separable(),
}
NAMED = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)


@NAMED
@pytest.mark.parametrize("modes", [(7,), (6, 5), (4, 3, 3)])
def test_factors_multiply_as_what_they_reconstruct(form: WeightFormat, modes: tuple[int, ...]) -> None:
    weights = form.weights(6, 6, modes, deviation=0.5).double()
    assert isinstance(weights, FactorisedWeights)
    dense = weights.dense()
    assert dense.shape == (*modes, 6, 2, 6)
    coefficients = torch.randn(3, 6, 2, math.prod(modes), dtype=torch.float64)
    mixed = weights(coefficients, tuple((0, size) for size in modes))
    matrices = complex_of(dense).flatten(0, -3)
    expected = torch.einsum("bik,kio->bok", torch.complex(coefficients[:, :, 0], coefficients[:, :, 1]), matrices)
    torch.testing.assert_close(torch.complex(mixed[:, :, 0], mixed[:, :, 1]), expected)


@NAMED
def test_windows_keep_the_frequencies_they_name(form: WeightFormat) -> None:
    weights = form.weights(4, 4, (8, 5), deviation=0.5).double()
    windows = ((2, 6), (0, 3))
    torch.testing.assert_close(weights.dense(windows), weights.dense()[2:6, :3])


@NAMED
def test_convolutions_are_those_of_the_dense_weights(form: WeightFormat) -> None:
    torch.manual_seed(0)
    convolution = SpectralConvolution(4, 4, modes=(6, 6), weights=form).double()
    dense = SpectralConvolution(4, 4, modes=(6, 6)).double()
    with torch.no_grad():
        dense.weights.weight.copy_(convolution.weights.dense())
        dense.bias.copy_(convolution.bias)
    for shape in [(16, 12), (4, 12)]:  # the second is too coarse for some of the modes
        u = torch.randn(2, 4, *shape, dtype=torch.float64)
        torch.testing.assert_close(convolution(u), dense(u))


@pytest.mark.parametrize("form", [Tucker(0.1), CP(0.1), TensorTrain(0.1), Tucker(0.5), TensorTrain(0.5)])
def test_reconstructions_start_with_the_deviation_asked_for(form: WeightFormat) -> None:
    torch.manual_seed(1)
    with torch.no_grad():
        drawn = [form.weights(32, 32, (16, 9), 0.125).dense().square().sum(-2).mean() for _ in range(8)]
    assert float(torch.stack(drawn).mean().sqrt()) == pytest.approx(0.125, rel=0.1)


def test_ranks_hold_the_fraction_of_numbers_asked_for() -> None:
    shape = (24, 20, 16, 9)
    for fraction in (0.02, 0.1, 0.4):
        ranks = tucker_ranks(shape, fraction)
        tucker = math.prod(ranks) + sum(n * r for n, r in zip(shape, ranks, strict=True))
        chain = (1, *train_ranks(shape, fraction), 1)
        train = sum(a * n * b for a, n, b in zip(chain, shape, chain[1:], strict=False))
        cp = cp_rank(shape, fraction) * sum(shape)
        for count in (tucker, train, cp):
            assert count == pytest.approx(fraction * math.prod(shape), rel=0.15)


def test_more_rank_is_more_numbers() -> None:
    for kind in (Tucker, CP, TensorTrain):
        counts = [
            sum(p.numel() for p in kind(rank).weights(16, 16, (8, 5), 1.0).parameters()) for rank in (0.05, 0.2, 0.6)
        ]
        assert counts == sorted(set(counts))


@pytest.mark.parametrize("form", [Tucker((5, 4, 6, 3)), TensorTrain((5, 18, 3))])
def test_full_rank_compression_is_exact(form: WeightFormat) -> None:
    dense = Dense().weights(5, 4, (6, 3), deviation=1.0).double()
    compressed = compress(dense, form)
    torch.testing.assert_close(compressed.dense().double(), dense.dense(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", [Tucker((2, 2, 2, 2)), CP(2), TensorTrain((2, 2, 2)), Separable()])
def test_weights_of_low_rank_are_found_again(form: WeightFormat) -> None:
    torch.manual_seed(2)
    truth = form.weights(4, 4, (5, 3), deviation=1.0)
    dense = Dense().weights(4, 4, (5, 3), deviation=1.0)
    with torch.no_grad():
        dense.weight.copy_(truth.dense())
    found = compress(dense, form)
    assert isinstance(found, FactorisedWeights)
    torch.testing.assert_close(found.dense(), truth.dense(), rtol=1e-3, atol=1e-3)
    assert found.compression > 1


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rank=1\.5: expected a fraction"):
        Tucker(1.5).weights(4, 4, (4, 3), 1.0)
    with pytest.raises(ValueError, match="needs 3 ranks, got"):
        TensorTrain((2, 2)).weights(4, 4, (4, 3), 1.0)
    with pytest.raises(ValueError, match="3 inputs cannot become 4 outputs"):
        Separable().weights(3, 4, (4, 3), 1.0)
    with pytest.raises(TypeError, match="nothing to compress to"):
        compress(Dense().weights(2, 2, (2, 2), 1.0), Dense())
